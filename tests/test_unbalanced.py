"""Laws of differences where arms lack seeds or replies of each other: all that is there is used, the rest is named."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runs_made_up import cell, write_run
from scipy.stats import t, ttest_ind_from_stats

from harness import HarnessError, analysis
from harness.stats import Contrast, Observation, Term, contrast, contrast_of, crossed


def rows(table: np.ndarray, *, first: int = 0) -> list[Observation]:
    """One reply of each cluster (a row) at each seed (a column) from seed `first` on; NaN is a reply not judged."""
    return [
        Observation(f"c{g:02}", first + s, None if math.isnan(table[g, s]) else float(table[g, s]))
        for g, s in np.ndindex(table.shape)
    ]


def of(one: np.ndarray, other: np.ndarray, *, first: int = 0) -> Contrast:
    return contrast([Term(1.0, rows(one)), Term(-1.0, rows(other, first=first))])


def seeds(*means: float, clusters: int = 400) -> np.ndarray:
    """What every question answers alike at each seed, so that seeds are all that varies."""
    return np.tile(np.array(means), (clusters, 1))


def test_seeds_that_no_arm_shares_give_welchs_interval() -> None:
    one, other = (0.1, 0.5, 0.6, 0.9), (0.3, 0.35, 0.2)
    seen = of(seeds(*one), seeds(*other), first=10).estimate()
    told = ttest_ind_from_stats(
        *(np.mean(one), np.std(one, ddof=1), 4), *(np.mean(other), np.std(other, ddof=1), 3), equal_var=False
    )
    spread = math.sqrt(np.var(one, ddof=1) / 4 + np.var(other, ddof=1) / 3)
    assert seen.mean == pytest.approx(told.statistic * spread)
    freedom = min(welch(one, other), (1 / 4 + 1 / 3) ** 2 / ((1 / 4) ** 2 / 3 + (1 / 3) ** 2 / 2))
    assert seen.high - seen.mean == pytest.approx(t.ppf(0.975, freedom) * spread, rel=1e-6)
    assert seen.seeds == 3


def welch(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    parts = [np.var(side, ddof=1) / len(side) for side in (one, other)]
    return sum(parts) ** 2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, (one, other), strict=True))


def test_seeds_of_one_arm_that_are_near_by_chance_give_no_more_freedom_than_equal_variances() -> None:
    """Three seeds within .001 of each other, ten that differ: Welch alone would take 9 degrees of freedom."""
    one, other = (0.5, 0.501, 0.499), tuple(np.linspace(0.1, 0.5, 10))
    spread = math.sqrt(np.var(one, ddof=1) / 3 + np.var(other, ddof=1) / 10)
    equal = (1 / 3 + 1 / 10) ** 2 / ((1 / 3) ** 2 / 2 + (1 / 10) ** 2 / 9)
    assert equal < 3.4 < 8.9 < welch(one, other)
    assert of(seeds(*one), seeds(*other), first=3).half_width() == pytest.approx(t.ppf(0.975, equal) * spread, rel=1e-6)


def test_seeds_that_both_arms_have_are_paired() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(20, 5)), rng.normal(size=(20, 5))
    paired, seen = crossed(one - other, np.ones((20, 5))), of(one, other)
    assert seen.mean == pytest.approx(float(paired.mean))
    assert seen.half_width(0.9) == pytest.approx(float(paired.half_width(0.9)))
    assert seen.by_seed == pytest.approx(tuple((one - other).mean(axis=0)))
    assert seen.unused == ()


def test_a_seed_more_in_one_arm_is_used_and_keeps_the_others_paired() -> None:
    """What both arms share of a seed stays out of the interval, though one arm has a seed more."""
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(1, 8))
    one = 0.1 * rng.normal(size=(30, 8)) + shared
    other = 0.1 * rng.normal(size=(30, 8)) + shared
    more = np.concatenate([one, 0.1 * rng.normal(size=(30, 1)) + shared.mean()], axis=1)
    alone, seen, apart = of(one, other), of(more, other), of(one, other, first=20)
    assert seen.mean == pytest.approx(more.mean() - other.mean())
    assert seen.half_width() < 0.5 * apart.half_width()
    assert alone.half_width() < seen.half_width()


def test_disjoint_seeds_are_compared_as_widely_as_the_arms_vary() -> None:
    seen = of(seeds(0.8, 0.9, 0.85), seeds(0.2, 0.1, 0.15), first=3).estimate()
    assert seen.mean == pytest.approx(0.7)
    assert seen.low > 0.5
    assert (seen.seeds, seen.n, seen.judged) == (3, 2400, 2400)


@settings(deadline=None, max_examples=5)
@given(st.sampled_from([(3, 6, 0), (4, 4, 4), (6, 3, 1), (10, 3, 10)]))
def test_intervals_of_unlike_seeds_hold_the_truth(design: tuple[int, int, int]) -> None:
    """Arms with spreads of seeds of 0.2 and 0.05, 40 questions, 400 experiments."""
    own, others, first = design
    rng = np.random.default_rng([7, *design])
    held = 0
    for _ in range(300):
        shared = 0.2 * rng.normal(size=(40, 1))
        one = shared + 0.2 * rng.normal(size=(1, own)) + 0.3 * rng.normal(size=(40, own))
        other = shared + 0.05 * rng.normal(size=(1, others)) + 0.3 * rng.normal(size=(40, others))
        seen = of(one, other, first=first)
        held += abs(seen.mean) <= seen.half_width()
    assert held / 300 >= 0.92


def test_replies_that_are_there_are_used_though_another_part_lacks_theirs() -> None:
    """Question 0 was judged at seed 0 alone in clean: its two replies under the condition count all the same."""
    condition, clean = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[0.0, math.nan], [0.0, 0.0]])
    seen = contrast([Term(1.0, rows(condition)), Term(-1.0, rows(clean))])
    assert seen.mean == pytest.approx(((0.5 - 0) + (1 - 0)) / 2)
    assert seen.unused == ("1 pairs of question and seed, not judged in some part: c00 at seed 1",)


def test_seeds_questions_and_pairs_that_were_not_used_are_named() -> None:
    one = np.ones((8, 4))
    one[0], one[:, 3], one[1, 2] = math.nan, math.nan, math.nan
    seen = of(one, np.zeros((8, 3)))
    assert seen.unused == (
        "1 of 8 questions, not judged in every part: c00",
        "seed 3: nothing judged that could be compared",
        "1 pairs of question and seed, not judged in some part: c01 at seed 2",
    )


def test_arms_without_a_question_in_common_leave_nothing_and_say_so() -> None:
    seen = contrast([Term(1.0, [Observation("a", 0, 1.0)]), Term(-1.0, [Observation("b", 0, 1.0)])])
    assert (seen.mean, seen.half_width(), seen.by_seed) == (None, None, ())
    assert seen.unused[0] == "2 of 2 questions, not judged in every part: a, b"


def test_the_untrained_model_against_itself_is_no_difference() -> None:
    table = rows(np.array([[1.0], [0.0], [1.0]]))
    seen = contrast([Term(1.0, table, trained=False), Term(-1.0, table, trained=False)])
    assert seen.mean == 0
    assert seen.estimate().seeds == 1


def test_rows_that_stand_twice_are_an_error(tmp_path: Path) -> None:
    """Copied rows made 40 questions tell what 80 do."""
    folder = write_run(tmp_path / "runs", cell("ps"), {"clean": 0.5})
    results = folder / "results.jsonl"
    results.write_text(results.read_text() * 2)
    with pytest.raises(HarnessError, match=r"clean, wrong_claim, affirms_wrong, c0, 1 is in it twice; .*rejudge"):
        analysis.load(tmp_path / "runs")


def test_a_level_shift_of_one_arm_shifts_the_difference_alone() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=(12, 4)), rng.normal(size=(12, 6))
    plain, shifted = of(one, other), of(one + 2, other)
    assert shifted.mean == pytest.approx(plain.mean + 2)
    assert shifted.half_width() == pytest.approx(plain.half_width())
    assert contrast_of([]).unused == ()
