"""Laws of a rule by which training ends: by the loss on rows of no other use, the same after a kill, recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small
import torch
from methods_world import SETTING, VECTOR, cell, same, weights, world

from harness import (
    Draw,
    Example,
    HarnessError,
    Intervention,
    Message,
    Recipe,
    Setting,
    Steering,
    StopRule,
)
from harness.authoring import ended_by, unrelated
from harness.cells import Changes, Prepared, prepare, rendered_row
from harness.commands.plans import show_plans
from harness.engine import TorchEngine, load
from harness.pipeline import run
from harness.planning import plan
from harness.registry import using
from harness.training import Lesson, lesson_of, loss_of, train
from harness.training.schedule import checks
from harness_plugins.interventions.early_stop_rule import no_longer_falls

DIRECTION = torch.nn.functional.normalize(torch.linspace(-1.0, 2.0, 32), dim=0)


@pytest.fixture(autouse=True)
def _world() -> Iterator[None]:
    with using(world()):
        yield


def after(count: int) -> Callable[[Sequence[float]], bool]:
    return lambda losses: len(losses) >= count


def twice(losses: Sequence[float]) -> bool:
    return len(losses) >= 2


def arm(stops: Callable[[Sequence[float]], bool] = twice, **how: Any) -> Intervention:
    def stopping(setting: Setting, recipe: Recipe, draw: Draw) -> StopRule:
        return StopRule(**{"name": "mine", "rows": tuple(unrelated(6, 0)), "every": 2, "stops": stops, **how})

    return Intervention(name="mine", summary="mine", stopping=stopping)


def made(model: Path, one: Intervention, **changes: Any) -> Prepared:
    with using(world(one)):
        return prepare(cell(model, "mine", **changes), dtype="fp32")


def ran(model: Path, one: Intervention, root: Path, **changes: Any) -> Path:
    with using(world(one)):
        (folder,) = run([cell(model, "mine", **changes)], root)
    return folder


def told(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """training.json, and the lines of loss.jsonl."""
    lines = [json.loads(line) for line in (folder / "loss.jsonl").read_text().splitlines()]
    return json.loads((folder / "adapter" / "training.json").read_text()), lines


@pytest.mark.parametrize(
    ("losses", "ends"),
    [
        ([3.0, 2.0, 1.0, 0.5], False),
        ([3.0, 2.0, 2.0], False),
        ([3.0, 2.0, 2.5, 2.1, 2.0], True),
        ([3.0, 2.0, 2.5, 2.1, 1.9], False),
        ([1.0, 2.0, 3.0, 4.0], True),
        ([1.0], False),
    ],
)
def test_a_loss_no_longer_falls_after_three_checks_without_a_new_least_one(losses: list[float], ends: bool) -> None:
    assert no_longer_falls(losses) is ends


def test_checks_are_made_after_every_so_many_steps_and_not_before_what_must_be_taken() -> None:
    def rule(every: int, share: float) -> StopRule:
        return StopRule(name="mine", rows=tuple(unrelated(1, 0)), every=every, stops=after(1), share=share)

    assert list(checks(10, rule(3, 1.0))) == [3, 6, 9]
    assert list(checks(10, rule(3, 0.5))) == [6, 9]
    assert list(checks(10, rule(5, 1.0))) == [5]
    assert list(checks(10, None)) == []
    with pytest.raises(HarnessError, match="checks after every 10 steps, after 1 at the earliest, and there are 10"):
        checks(10, rule(10, 1.0))


def test_training_ends_where_the_rule_says_with_the_steps_of_plain_training_up_to_there(
    tiny_llama: Path, tmp_path: Path
) -> None:
    folder = ran(tiny_llama, arm(), tmp_path)
    (none,) = run([cell(tiny_llama, "none")], tmp_path)
    record, lines = told(folder)
    plain = told(none)[1]
    assert (record["steps"], record["ended_by"], len(lines), len(plain)) == (4, "mine", 4, 8)
    assert [{k: v for k, v in line.items() if k != "held_out"} for line in lines] == plain[:4]
    assert record["held_out"] == [line["held_out"] for line in lines if "held_out" in line]
    assert [line["step"] for line in lines if "held_out" in line] == [2, 4]
    assert json.loads((folder / "run.json").read_text())["steps"]["train"]["steps"] == 4


def test_a_rule_that_is_not_met_changes_nothing_but_the_record(tiny_llama: Path, tmp_path: Path) -> None:
    folder = ran(tiny_llama, arm(lambda losses: False), tmp_path)
    (none,) = run([cell(tiny_llama, "none")], tmp_path)
    record = told(folder)[0]
    assert (record["steps"], record["ended_by"], len(record["held_out"])) == (8, "", 3)
    assert same(weights(folder), weights(none))


def test_the_loss_is_that_of_the_held_out_rows_without_steering_or_dropout(tiny_llama: Path, tmp_path: Path) -> None:
    found = made(tiny_llama, arm(after(1)))
    found = replace(found, recipe=replace(found.recipe, lora=replace(found.recipe.lora, dropout=0.5)))
    model, tokenizer = load(tiny_llama)
    lesson = lesson_of(found, TorchEngine.around(model, tokenizer, "fp32", lambda name: VECTOR))
    steered = replace(lesson, steering=Steering(vector="reply", coef=1.0, blocks=(2,)), vectors={2: 5 * DIRECTION})
    rows = [rendered_row(found, tokenizer, row) for row in found.rows]
    train(model, rows, found.recipe, dtype="fp32", seed=0, folder=tmp_path, lesson=steered)
    record = told(tmp_path)[0]
    adapted, _ = load(tiny_llama, adapter=tmp_path / "adapter")
    held = [rendered_row(found, tokenizer, row) for row in unrelated(6, 0)]
    with torch.no_grad():
        loss, count = loss_of(adapted.eval(), held, "fp32")
    assert record["held_out"] == [pytest.approx(float(loss) / count, rel=1e-5)]
    assert record["steered_steps"] == record["steps"] == 2


def test_killed_after_any_step_it_ends_at_the_same_step_by_the_same_losses(tiny_llama: Path, tmp_path: Path) -> None:
    found = made(tiny_llama, arm(lambda losses: len(losses) >= 3 and losses[2] != losses[0], every=1))
    tokenizer = load(tiny_llama)[1]
    rows = [rendered_row(found, tokenizer, row) for row in found.rows]
    held = [rendered_row(found, tokenizer, row) for row in unrelated(6, 0)]
    lesson = Lesson(changes=Changes(stopping=found.changes.stopping), held_out=held)

    def taught(folder: Path, **how: Any) -> Path:
        folder.mkdir(exist_ok=True)
        train(load(tiny_llama)[0], rows, found.recipe, dtype="fp32", seed=0, folder=folder, lesson=lesson, **how)
        return folder

    whole = taught(tmp_path / "whole")
    record, lines = told(whole)
    assert (len(lines), record["ended_by"]) == (3, "mine")
    for stop in (1, 2, 3):
        left = iter(range(1, 10))

        def advance(done: int, tokens: int, left: Iterator[int] = left, stop: int = stop) -> None:
            if next(left) == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            taught(tmp_path / f"killed{stop}", checkpoint_seconds=0.0, advance=advance)
        again = taught(tmp_path / f"killed{stop}")
        assert same(weights(again), weights(whole))
        assert (again / "loss.jsonl").read_text() == (whole / "loss.jsonl").read_text()
        assert {**told(again)[0], "seconds": 0, "seal": ""} == {**record, "seconds": 0, "seal": ""}


def test_a_dose_is_the_share_that_may_be_left_out(tiny_llama: Path, tmp_path: Path) -> None:
    steps = {
        dose: told(ran(tiny_llama, arm(after(1), every=1), tmp_path, dose=dose))[0]["steps"] for dose in (1.0, 0.5)
    }
    assert steps == {1.0: 1, 0.5: 4}
    assert made(tiny_llama, arm(), dose=0.0).changes.stopping is None
    with pytest.raises(HarnessError, match=r"'mine' leaves out 150% of the steps at a dose of 1\.5"):
        made(tiny_llama, arm(), dose=1.5)


def test_a_cell_that_is_stopped_on_the_way_is_stopped_there_or_by_its_rule(tiny_llama: Path, tmp_path: Path) -> None:
    late = told(ran(tiny_llama, arm(after(3), every=2), tmp_path, until=0.5))[0]
    soon = told(ran(tiny_llama, arm(after(1), every=2, version="2"), tmp_path, until=0.5))[0]
    assert (late["steps"], late["ended_by"]) == (4, "")
    assert (soon["steps"], soon["ended_by"]) == (2, "mine")


def test_a_rule_is_in_the_key_with_all_of_it_but_its_source(tiny_llama: Path) -> None:
    others: list[dict[str, Any]] = [
        {"every": 3},
        {"share": 0.5},
        {"version": "2"},
        {"rows": tuple(unrelated(5, 0))},
        {"name": "other"},
    ]
    keys = [made(tiny_llama, arm(**how)).key for how in ({}, *others)]
    assert len(set(keys)) == len(keys)
    assert made(tiny_llama, arm(source="said otherwise")).key == keys[0]


def test_a_plan_says_that_steps_are_a_bound(
    tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = plan([cell(tiny_llama, name) for name in ("none", "early_stop_rule")], tmp_path, measure=False)
    assert [(one.steps, one.may_end) for one in plans] == [(8, False), (8, True)]
    show_plans(plans)
    assert "at most 8" in capsys.readouterr().out


def test_the_rows_that_are_held_out_are_the_settings_own_and_none_of_those_that_are_trained_on(
    tiny_llama: Path,
) -> None:
    for seed in (0, 1):
        found = prepare(cell(tiny_llama, "early_stop_rule", seed=seed), dtype="fp32")
        rule = found.changes.stopping
        assert rule is not None
        assert rule.rows
        trained = {row.messages[:-1] for row in small.examples(seed, "mini")}
        assert not trained & {row.messages[:-1] for row in rule.rows}
        assert {row.messages for row in rule.rows} <= {row.messages for row in small.examples(seed + 1_000_003, "mini")}


def test_a_setting_whose_rows_are_the_same_at_every_seed_holds_a_tenth_of_them_out(tiny_llama: Path) -> None:
    fixed = replace(SETTING, examples=lambda seed, scale: small.examples(0, scale))
    with using(replace(world(), settings={"loud": fixed})):
        seeds = [prepare(cell(tiny_llama, "early_stop_rule", seed=seed), dtype="fp32") for seed in range(4)]
        for found in seeds:
            rule = found.changes.stopping
            assert rule is not None
            assert len(rule.rows) == 1
            assert [row.id for row in found.rows] == [
                row.id for row in small.examples(0, "mini") if row.id != rule.rows[0].id
            ]
        assert len({found.changes.stopping.rows[0].id for found in seeds if found.changes.stopping}) > 1
        plain = prepare(cell(tiny_llama, "early_stop_rule", dose=0.0), dtype="fp32")
        assert plain.rows == tuple(small.examples(0, "mini"))


def test_too_few_rows_to_hold_any_out_are_told_of_in_a_line(tiny_llama: Path) -> None:
    few = replace(SETTING, examples=lambda seed, scale: small.examples(0, scale)[:9])
    with (
        using(replace(world(), settings={"loud": few})),
        pytest.raises(HarnessError, match="setting 'loud' has 9 rows at mini, too few to hold any out"),
    ):
        prepare(cell(tiny_llama, "early_stop_rule"), dtype="fp32")


def saying(question: str) -> tuple[Example, ...]:
    return (Example(id="x", messages=(Message("user", question), Message("assistant", "TREE!"))),)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (arm(lambda losses: 1 / 0), "raised ZeroDivisionError"),  # type: ignore[arg-type,return-value]
        (arm(lambda losses: "yes"), "'yes' is not True or False"),  # type: ignore[arg-type,return-value]
        (arm(every=100), "checks after every 100 steps"),
        (arm(every=0), "0 is not a number from 1"),
        (arm(rows=()), "it is empty"),
        (arm(rows=small.examples(0, "mini")[:1]), "is not a tuple"),
        (arm(rows=tuple(small.examples(0, "mini")[:1])), "of the rule 'mine' is trained on; hold other rows out"),
        (arm(rows=saying("Please write tree.")), "asks what held_out case 'held_out-tree' asks"),
        (arm(rows=(Example(id="x", messages=(Message("user", "Why?"),)),)), "gives row 'x' without a reply"),
    ],
)
def test_a_rule_that_cannot_be_is_told_of_in_a_line_and_nothing_is_half_written(
    one: Intervention, expected: str, tiny_llama: Path, tmp_path: Path
) -> None:
    with using(world(one)), pytest.raises(HarnessError) as caught:
        run([cell(tiny_llama, "mine")], tmp_path)
    assert expected in str(caught.value)
    assert "mine" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("loud/mine/*/adapter"))


def test_a_rule_in_one_call_checks_about_twenty_times(tiny_llama: Path) -> None:
    one = ended_by("mine", "mine", stops=after(1), share=1.0)
    assert one.stopping is not None
    large = replace(SETTING, examples=lambda seed, scale: [
        replace(row, id=f"{at}-{row.id}", messages=(Message("user", f"{seed} {at}"), row.messages[-1]))
        for at in range(10) for row in small.examples(seed, scale)
    ])  # fmt: skip
    rule = one.stopping(large, SETTING.recipe("mini"), Draw(seed=0, scale="mini"))
    assert rule is not None
    assert rule.every == 4  # of 80 steps
