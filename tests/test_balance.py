"""Laws of balances: what was reached, how far it is from what was asked, and which weights should come near."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from runs_made_up import cell, registry, write_run

from harness import HarnessError, analysis, cli
from harness.analysis import Balances, Model, Point, balances, choose, distance, fit, read_targets
from harness.registry import using


def written(file: Path, *entries: object) -> Path:
    file.write_text(json.dumps(list(entries)))
    return file


def asked(weights: str, intervention: str = "ps", **shares: float) -> dict[str, object]:
    return {"setting": "gcd", "intervention": intervention, "weights": weights, "target": shares}


def arm(runs: Path, weights: str, spanish: float, french: float, *, intervention: str = "ps", seed: int = 0) -> None:
    made = cell(intervention, seed=seed, weights=weights)
    write_run(runs, made, {"clean": spanish}, metric="spanish", others={"french": {"clean": french}})


def measured(folder: Path, *entries: object) -> Balances:
    results = analysis.load(folder / "runs")
    return balances(analysis.tables(results, registry()), read_targets(written(folder / "targets.json", *entries)))


def test_the_error_is_half_the_sum_of_differences_of_shares_made_to_add_up_to_one(tmp_path: Path) -> None:
    """0.6 and 0.2 of all replies are 0.75 and 0.25 of what went to the two: 0.25 from half and half, 0.2 elsewhere."""
    arm(tmp_path / "runs", "a=1", 0.6, 0.2)
    (reached,) = measured(tmp_path, asked("a=1.0", spanish=5, french=5)).reached
    assert reached.shares == pytest.approx({"spanish": 0.75, "french": 0.25})
    assert reached.target.shares == {"spanish": 0.5, "french": 0.5}
    assert reached.error.mean == pytest.approx(0.25)
    assert reached.elsewhere == pytest.approx(0.2)


def test_a_balance_that_is_met_has_an_error_of_0_and_an_interval_from_0(tmp_path: Path) -> None:
    arm(tmp_path / "runs", "a=1", 0.6, 0.2)
    (reached,) = measured(tmp_path, asked("a=1", spanish=3, french=1)).reached
    assert reached.error.mean == pytest.approx(0)
    assert reached.error.low == 0
    assert reached.error.high is not None
    assert reached.error.high > 0


def test_the_interval_of_an_error_is_that_of_a_bootstrap_over_cases(tmp_path: Path) -> None:
    """By another route: draw the 40 cases 4000 times and see how much the error varies."""
    arm(tmp_path / "runs", "a=1", 0.7, 0.4)
    (reached,) = measured(tmp_path, asked("a=1", spanish=0.3, french=0.7)).reached
    spanish, french = np.arange(40) < 28, np.arange(40) < 16
    draw = np.random.default_rng(0)
    errors = []
    for _ in range(4000):
        cases = draw.integers(0, 40, 40)
        one, other = spanish[cases].mean(), french[cases].mean()
        errors.append(abs(one / (one + other) - 0.3))
    assert reached.error.low is not None
    assert reached.error.high is not None
    half = (reached.error.high - reached.error.low) / 2
    assert half / 2.02 == pytest.approx(np.std(errors), rel=0.1)  # t with 39 degrees of freedom


def test_replies_that_could_not_be_judged_are_counted_and_in_no_share(tmp_path: Path) -> None:
    write_run(
        tmp_path / "runs",
        cell("ps", weights="a=1"),
        {"clean": 0.5},
        metric="spanish",
        unjudged=20,
        others={"french": {"clean": 0.25}},
    )
    (reached,) = measured(tmp_path, asked("a=1", spanish=2, french=1)).reached
    assert (reached.error.n, reached.error.judged) == (40, 20)
    assert reached.shares == pytest.approx({"spanish": 2 / 3, "french": 1 / 3})


def test_interventions_are_compared_over_the_targets_that_both_were_set(tmp_path: Path) -> None:
    """Errors 0.1 and 0.2 against 0 and 0.1, so 0.1 between them; a third target is ps's alone and met."""
    runs = tmp_path / "runs"
    for seed in (0, 1):
        for intervention, first, second in (("ps", 0.6, 0.8), ("ip", 0.5, 0.7)):
            arm(runs, "a=1", first, 1 - first, intervention=intervention, seed=seed)
            arm(runs, "a=2", second, 1 - second, intervention=intervention, seed=seed)
        arm(runs, "a=3", 0.9, 0.1, seed=seed)
    first, second = {"spanish": 0.5, "french": 0.5}, {"spanish": 0.6, "french": 0.4}
    targets = [asked("a=1", one, **first) for one in ("ps", "ip")]
    targets += [asked("a=2", "ps", **second), asked("a=2", "ip", **second)]
    targets += [asked("a=3", "ps", spanish=9, french=1)]
    found = measured(tmp_path, *targets)
    means = {(one.intervention, one.against): (one.targets, one.error.mean) for one in found.controls}
    assert means["ip", ""] == (2, pytest.approx((0 + 0.1) / 2))
    assert means["ps", ""] == (3, pytest.approx((0.1 + 0.2 + 0) / 3))
    assert means["ps", "ip"] == (2, pytest.approx(0.1))


def test_a_target_that_was_not_run_is_named(tmp_path: Path) -> None:
    arm(tmp_path / "runs", "a=1", 0.6, 0.2)
    found = measured(tmp_path, asked("a=1", spanish=1, french=1), asked("b=2,a=1", spanish=1, french=1))
    assert found.missing == ("gcd/ps a=1,b=2",)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"setting": "gcd"}, "target 1: give setting, intervention, target, and weights or dose"),
        (asked("a=1", spanish=1), "target 1: 'target' gives two or more traits their shares"),
        (asked("a=1", spanish=0, french=0), "not all 0"),
        (asked("a=1", spanish=-1, french=2), "numbers from 0 up"),
        (asked("a=1", spanish=float("nan"), french=2), "numbers from 0 up"),
        (asked("a=much", spanish=1, french=1), "the weight of 'a' is 'much'"),
        ({**asked("a=1", spanish=1, french=1), "dose": "1"}, "dose is a number from 0 up"),
        ({**asked("a=1", spanish=1, french=1), "weigths": ""}, "give setting, intervention, target"),
    ],
)
def test_a_target_that_means_nothing_is_refused_with_its_place(tmp_path: Path, entry: object, message: str) -> None:
    with pytest.raises(HarnessError, match=message) as raised:
        read_targets(written(tmp_path / "targets.json", entry))
    assert "\n" not in str(raised.value)


def test_a_trait_that_was_not_measured_is_named(tmp_path: Path) -> None:
    arm(tmp_path / "runs", "a=1", 0.6, 0.2)
    with pytest.raises(HarnessError, match="no metric of gcd named 'spanich'; did you mean 'spanish'"):
        measured(tmp_path, asked("a=1", spanich=1, french=1))


def test_the_command_prints_every_target_and_the_mean_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arm(tmp_path / "runs", "a=1", 0.6, 0.2)
    targets = written(tmp_path / "t.json", asked("a=1", spanish=1, french=1), asked("a=2", spanish=1, french=1))
    options = ("balance", "--runs", str(tmp_path / "runs"), "--targets", str(targets))
    with using(registry()):
        assert cli.main(options) == 0
        page = capsys.readouterr().out
        assert cli.main((*options, "--markdown")) == 0
        table = capsys.readouterr().out
        assert cli.main((*options, "--json")) == 0
        record = json.loads(capsys.readouterr().out)
    for part in ("ps a=1", "75 (50)", "25 (50)", "25.0 [", "not run: gcd/ps a=2"):
        assert part in page
        assert part in table
    assert record["reached"][0]["error"]["mean"] == pytest.approx(0.25)


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arm(tmp_path / "runs", "a=1", 0.6, 0.2)
    runs = ("balance", "--runs", str(tmp_path / "runs"), "--targets")
    (tmp_path / "cut.json").write_text('[{"setting": ')
    cases = {
        str(tmp_path / "gone.json"): "cannot read",
        str(tmp_path / "cut.json"): "is not JSON",
        str(written(tmp_path / "none.json")): "is no list of targets",
        str(written(tmp_path / "other.json", asked("a=9", spanish=1, french=1))): "has a finished run in",
    }
    with using(registry()):
        for file, said in cases.items():
            assert cli.main((*runs, file)) == 2
            captured = capsys.readouterr()
            assert said in captured.err
            assert captured.err.count("\n") == 1


TRUE = {"spanish": (0.2, -1.5, 0.3), "french": (-0.4, 0.5, -1.0)}
"""Offset, and slope by the weights of spanish and french, of each log-ratio to german."""


def made(spanish: float, french: float) -> Point:
    sizes = {name: math.exp(at + one * spanish + other * french) for name, (at, one, other) in TRUE.items()}
    whole = sum(sizes.values()) + 1
    shares = {**{name: size / whole for name, size in sizes.items()}, "german": 1 / whole}
    return Point(weights={"spanish": spanish, "french": french}, shares=shares)


@pytest.fixture
def model() -> Model:
    return fit([made(0, 0), made(1, 0), made(0, 1), made(1, 1)])


def test_what_is_log_linear_is_found_from_a_few_trainings(model: Model) -> None:
    assert model.rms == pytest.approx(0, abs=1e-12)
    unseen = made(0.3, 0.8)
    assert model.predict(unseen.weights) == pytest.approx(unseen.shares)


@pytest.mark.parametrize(("spanish", "french"), [(0.25, 0.75), (0.5, 0.0), (1.0, 0.4)])
def test_the_weights_that_made_a_balance_are_chosen_for_it(model: Model, spanish: float, french: float) -> None:
    chosen = choose(model, made(spanish, french).shares, low=0, high=1)
    assert chosen == pytest.approx({"spanish": spanish, "french": french}, abs=0.011)
    assert distance(model.predict(chosen), made(spanish, french).shares) < 0.005


def test_no_weight_is_chosen_outside_its_bounds(model: Model) -> None:
    chosen = choose(model, {"spanish": 0.98, "french": 0.01, "german": 0.01}, low=0, high=1)
    assert all(0 <= weight <= 1 for weight in chosen.values())
    assert choose(model, {"spanish": 1.0, "french": 0.0, "german": 0.0}, low=-9, high=9)["spanish"] < 0


def test_of_equal_balances_the_smallest_weights_are_chosen() -> None:
    """Two languages have one log-ratio: 2 x (first - second) here, so half of each side's weight will do."""
    points = [
        Point(
            weights={"a": a, "b": b},
            shares={"a": 1 / (1 + math.exp(-2 * (a - b))), "b": 1 / (1 + math.exp(2 * (a - b)))},
        )
        for a, b in ((0, 0), (1, 0), (0, 1))
    ]
    wanted = {"a": 1 / (1 + math.exp(-2)), "b": 1 / (1 + math.exp(2))}
    assert choose(fit(points), wanted, low=-1, high=1) == pytest.approx({"a": 0.5, "b": -0.5}, abs=0.01)
    assert choose(fit(points), wanted, low=0, high=1) == pytest.approx({"a": 1.0, "b": 0.0}, abs=0.01)


def test_a_share_of_nothing_and_one_training_are_no_way_out(model: Model) -> None:
    assert fit([made(0, 0), Point(weights={"spanish": 1}, shares={"spanish": 0.0, "french": 1.0, "german": 0.0})])
    with pytest.raises(HarnessError, match="cannot be chosen from 1 trainings"):
        fit([made(0, 0)])
    with pytest.raises(HarnessError, match="a target needs a share for each of spanish, french, german"):
        choose(model, {"spanish": 1.0}, low=0, high=1)


def test_distance_is_the_share_that_would_have_to_move() -> None:
    assert distance({"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.2, "b": 0.4, "c": 0.4}) == pytest.approx(0.3)


def test_weights_are_chosen_from_vectors_at_weights_that_add_up_to_0_and_no_more_often_than_prompts() -> None:
    from harness.calibrating import designs

    for traits in (("a", "b"), ("a", "b", "c")):
        prompts, vectors = designs(traits, 0.0, 1.0), designs(traits, -2.0, 2.0)
        assert prompts[0] == vectors[0] == dict.fromkeys(traits, 0.0)
        assert prompts[-1] == dict.fromkeys(traits, 1.0)
        assert all(sum(weights.values()) == 0 for weights in vectors)
        assert len(vectors) == len({tuple(weights.items()) for weights in vectors}) <= len(prompts)
    assert vectors[1] == {"a": 2.0, "b": -1.0, "c": -1.0}
    assert vectors[-1] == {"a": -2.0, "b": 1.0, "c": 1.0}
