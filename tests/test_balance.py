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
from harness.analysis.balance_errors import _of_seed, corrected, error_of
from harness.registry import using
from harness.stats import Observation, Term


def written(file: Path, *entries: object) -> Path:
    file.write_text(json.dumps(list(entries)))
    return file


def asked(weights: str, intervention: str = "ps", **shares: float) -> dict[str, object]:
    return {"setting": "gcd", "intervention": intervention, "weights": weights, "target": shares}


def arm(
    runs: Path,
    weights: str,
    spanish: float,
    french: float,
    *,
    intervention: str = "ps",
    seed: int = 0,
    cases: int = 40,
) -> None:
    made = cell(intervention, seed=seed, weights=weights)
    write_run(runs, made, {"clean": spanish}, metric="spanish", others={"french": {"clean": french}}, cases=cases)


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
    """By another route: draw the 160 cases 4000 times and see how much the error varies."""
    arm(tmp_path / "runs", "a=1", 0.7, 0.4, cases=160)
    (reached,) = measured(tmp_path, asked("a=1", spanish=0.3, french=0.7)).reached
    spanish, french = np.arange(160) < 112, np.arange(160) < 64
    draw = np.random.default_rng(0)
    errors = []
    for _ in range(4000):
        cases = draw.integers(0, 160, 160)
        one, other = spanish[cases].mean(), french[cases].mean()
        errors.append(abs(one / (one + other) - 0.3))
    assert reached.error.low is not None
    assert reached.error.high is not None
    half = (reached.error.high - reached.error.low) / 2
    assert half / 1.975 == pytest.approx(np.std(errors), rel=0.1)  # t with 159 degrees of freedom


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
    """Errors 0.1 and 0.2 against 0 and 0.1, so 0.1 between them; a third target is ps's alone and met.

    With 4,000 cases noise adds little to an error, so that little is taken off.
    """
    runs = tmp_path / "runs"
    for seed in (0, 1):
        for intervention, first, second in (("ps", 0.6, 0.8), ("ip", 0.5, 0.7)):
            arm(runs, "a=1", first, 1 - first, intervention=intervention, seed=seed, cases=4000)
            arm(runs, "a=2", second, 1 - second, intervention=intervention, seed=seed, cases=4000)
        arm(runs, "a=3", 0.9, 0.1, seed=seed, cases=4000)
    first, second = {"spanish": 0.5, "french": 0.5}, {"spanish": 0.6, "french": 0.4}
    targets = [asked("a=1", one, **first) for one in ("ps", "ip")]
    targets += [asked("a=2", "ps", **second), asked("a=2", "ip", **second)]
    targets += [asked("a=3", "ps", spanish=9, french=1)]
    found = measured(tmp_path, *targets)
    means = {(one.intervention, one.against): (one.targets, one.error.mean) for one in found.controls}
    assert means["ip", ""] == (2, pytest.approx((0 + 0.1) / 2, abs=0.003))
    assert means["ps", ""] == (3, pytest.approx((0.1 + 0.2 + 0) / 3, abs=0.003))
    assert means["ps", "ip"] == (2, pytest.approx(0.1, abs=0.006))


def test_seeds_that_miss_to_either_side_miss(tmp_path: Path) -> None:
    """.1, .3 and .5 where .3 was asked: the seeds' errors are .2, 0 and .2, though their mean is what was asked."""
    for seed, share in enumerate((0.1, 0.3, 0.5)):
        arm(tmp_path / "runs", "a=1", share, 1 - share, seed=seed, cases=1000)
    found = measured(tmp_path, asked("a=1", spanish=3, french=7))
    (reached,), (control,) = found.reached, found.controls
    assert reached.shares["spanish"] == pytest.approx(0.3)
    assert reached.error.mean == pytest.approx(0.4 / 3, abs=0.005)
    assert reached.error.low == 0
    assert reached.error.high is not None
    assert reached.error.high > 0.3  # three seeds: t with two degrees of freedom
    assert control.error == reached.error


def test_seeds_of_unlike_numbers_of_replies_count_alike_in_mean_and_interval(tmp_path: Path) -> None:
    """Errors .5 of 100 cases and 0 of 1,000: the mean is .25, and its interval is around it."""
    arm(tmp_path / "runs", "a=1", 0.8, 0.2, seed=0, cases=100)
    arm(tmp_path / "runs", "a=1", 0.3, 0.7, seed=1, cases=1000)
    arm(tmp_path / "runs", "a=1", 0.8, 0.2, seed=2, cases=100)
    arm(tmp_path / "runs", "a=1", 0.3, 0.7, seed=3, cases=1000)
    (reached,) = measured(tmp_path, asked("a=1", spanish=3, french=7)).reached
    assert reached.error.mean == pytest.approx(0.25, abs=0.01)
    assert reached.error.low is not None
    assert reached.error.high is not None
    assert reached.error.high - reached.error.mean > 0.2
    assert (reached.error.n, reached.error.seeds) == (2200, 4)


def test_an_error_of_noise_alone_is_near_0_on_average_and_in_its_interval() -> None:
    """42 replies at 6 seeds, each a fair draw from what was asked: uncorrected, the mean error is .057."""
    rng = np.random.default_rng(5)
    plain, means, held = [], [], 0
    for _ in range(200):
        parts = []
        for seed in range(6):
            spanish = (rng.random(42) < 0.3).astype(float)
            rows = [(f"c{at:02}", np.array([one, 1 - one])) for at, one in enumerate(spanish)]
            own = _of_seed(rows, np.array([0.3, 0.7]), [cluster for cluster, _ in rows])
            parts += [Observation(cluster, seed, value) for cluster, value in own]
            plain.append(abs(spanish.mean() - 0.3))
        seen = error_of([Term(1.0, parts)])
        means.append(seen.mean)
        held += seen.low <= 0
    assert np.mean(plain) == pytest.approx(0.057, abs=0.005)
    assert abs(np.mean(means)) < 0.5 * np.mean(plain)
    assert held / 200 >= 0.93


def test_an_error_far_from_0_is_left_as_it_is() -> None:
    assert corrected(np.array([0.3, -0.3]), np.array([0.05, 0.0])) == pytest.approx([0.3, 0.3], abs=1e-6)


def test_a_seed_that_gave_no_trait_a_share_has_no_balance(tmp_path: Path) -> None:
    arm(tmp_path / "runs", "a=1", 0.6, 0.4, seed=0, cases=400)
    arm(tmp_path / "runs", "a=1", 0.0, 0.0, seed=1, cases=400)
    (reached,) = measured(tmp_path, asked("a=1", spanish=1, french=1)).reached
    assert reached.error.mean == pytest.approx(0.1, abs=0.005)
    assert reached.error.seeds == 1


def test_arms_with_other_seeds_are_compared_by_what_each_varies(tmp_path: Path) -> None:
    for seed in (0, 1, 2):
        arm(tmp_path / "runs", "a=1", 0.8, 0.2, seed=seed, cases=400)
        arm(tmp_path / "runs", "a=1", 0.6, 0.4, intervention="ip", seed=10 + seed, cases=400)
    found = measured(tmp_path, *(asked("a=1", one, spanish=1, french=1) for one in ("ps", "ip")))
    between = next(one for one in found.controls if one.against)
    assert abs(between.error.mean or 0) == pytest.approx(0.2, abs=0.005)
    assert (between.error.low or 0) * (between.error.high or 0) > 0


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
