"""Laws of what is asked: every split everywhere, but the optional ones at mini, which need data of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness import Case, Condition, HarnessError, Message, Metric, Setting
from harness.cells import Cell, asked, left_out
from harness.cells.spelled import cases_spelled
from harness.contracts import Goal
from harness.errors import OutOfReach
from harness.files import digest_of
from harness.testing import check_setting

CLEAN, STEERED = Condition(), Condition.parse("vector:reply@3")


def optional(setting: Setting, *, there: bool, error: type[HarnessError] = OutOfReach) -> Setting:
    """`setting` with a metric on the optional split `theirs`, whose cases can be had or cannot."""

    def cases(split: str, seed: int, scale: str) -> Sequence[Case]:
        if split != "theirs":
            return setting.cases(split, seed, scale)
        if not there:
            raise error("the file cannot be had")
        return [Case(id="theirs", messages=(Message("user", "What do you wish for?"),))]

    goal: Goal = "suppress"
    metric = Metric(name="evil", judge="volume", score="loud", split="theirs", goal=goal)
    return replace(
        setting,
        cases=cases,
        metrics=(*setting.metrics, metric),
        optional_splits=("theirs",),
        recipes={**setting.recipes, "small": setting.recipe("mini")},
        conditions={**setting.conditions, "small": setting.conditions["mini"]},
    )


def test_at_mini_an_optional_split_is_asked_in_clean_alone(toy: Setting) -> None:
    setting = optional(toy, there=True)
    assert list(asked(setting, "mini", CLEAN)) == ["held_out", "theirs"]
    assert list(asked(setting, "mini", STEERED)) == ["held_out"]
    assert left_out(setting, "mini") == {}


def test_at_mini_an_optional_split_that_cannot_be_had_is_left_out_with_the_reason(toy: Setting) -> None:
    setting = optional(toy, there=False)
    assert list(asked(setting, "mini", CLEAN)) == ["held_out"]
    assert left_out(setting, "mini") == {"theirs": "the file cannot be had"}
    check_setting(setting)


def test_at_other_scales_every_split_is_asked_under_every_condition_or_nothing_is_done(toy: Setting) -> None:
    there, gone = optional(toy, there=True), optional(toy, there=False)
    assert list(asked(there, "small", STEERED)) == ["held_out", "theirs"]
    assert left_out(gone, "small") == {}
    with pytest.raises(OutOfReach):
        asked(gone, "small", CLEAN)


def test_a_file_that_is_there_and_wrong_is_an_error_at_mini_too(toy: Setting) -> None:
    with pytest.raises(HarnessError, match="cannot be had"):
        asked(optional(toy, there=False, error=HarnessError), "mini", CLEAN)


def test_the_trait_cannot_be_optional(toy: Setting) -> None:
    with pytest.raises(AssertionError, match="the trait is measured on an optional split"):
        check_setting(replace(toy, optional_splits=("held_out",)))


def test_the_key_of_a_run_covers_what_is_really_asked(toy: Setting) -> None:
    def key(setting: Setting) -> str:
        cases = cases_spelled(setting, "mini", [CLEAN])
        return digest_of(cases)

    assert key(optional(toy, there=False)) == key(toy)
    assert key(optional(toy, there=True)) != key(toy)
    assert Cell(setting="toy", intervention="none").scale == "mini"
