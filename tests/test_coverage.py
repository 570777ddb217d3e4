"""What `python -m benchmarks coverage` measures, in a version of seconds: intervals hold, families do not cry wolf."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coverage import PAIRED, UNLIKE, Seeds, simulate, summary
from benchmarks.coverage_families import FAMILIES, Family

BY_NAME = {one.name: one for one in FAMILIES}
NAMES = ("mild", "strong, 10 samples", "t2", "beta-binomial, 10 samples", "bimodal, 10 samples")


@pytest.mark.parametrize("name", NAMES)
def test_95_percent_intervals_hold_the_truth_and_a_family_without_effects_has_few_findings(name: str) -> None:
    designs = {"questions": (8, 20), "seeds": (PAIRED[0], PAIRED[2], UNLIKE[0]), "rates": (0.1, 0.5)}
    for found in simulate([BY_NAME[name]], experiments=300, seed=1, **designs):
        # 300 experiments: three standard errors of 95 % are 3.8 points.
        assert found.rate >= 0.912, found
        assert found.difference >= 0.912, found
        assert found.single <= 0.067, found
        assert found.family <= 0.088, found


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.name)
def test_every_family_has_the_rate_that_it_was_asked_for(family: Family) -> None:
    rng = np.random.default_rng(0)
    for rate in (0.0, 0.1, 0.9, 1.0):
        for arm, seen in enumerate(family.arms(rng, (20, 4), (rate, rate / 2), 600)):
            truth = family.truth((rate, rate / 2)[arm], arm)
            means = seen.mean((1, 2)) / family.samples
            assert abs(means.mean() - truth) <= 4 * means.std() / 600**0.5 + 1e-9


def test_without_the_bound_questions_that_differ_much_are_held_less_often_than_said() -> None:
    """Ten samples of 8 bimodal questions at a rate of 0.1: most draws of questions lack those that show the trait."""
    (found,) = simulate(
        [BY_NAME["bimodal, 10 samples"]], experiments=400, seed=2, questions=(8,), seeds=(PAIRED[2],), rates=(0.1,)
    )
    assert found.alone < 0.93 <= found.difference
    assert found.width_alone < found.width_of_difference


def test_intervals_are_not_wide_for_safety_where_the_design_carries_them() -> None:
    (found,) = simulate([BY_NAME["alike"]], experiments=400, seed=2, questions=(60,), seeds=(PAIRED[2],), rates=(0.5,))
    independent = 2 * 1.96 * (0.25 / 600) ** 0.5
    assert found.width < 1.8 * independent
    assert found.difference < 0.995


def test_three_alike_seeds_cannot_exclude_that_one_in_ten_collapses() -> None:
    """All of 60 questions show the trait at each of 3 seeds in 73 of 100 experiments; the truth is 0.9 of that."""
    (found,) = simulate(
        [BY_NAME["collapse of one arm"]], experiments=400, seed=3, questions=(60,), seeds=(PAIRED[0],), rates=(1.0,)
    )
    assert found.rate < 0.5


def test_the_summary_counts_the_designs_that_cover_too_little() -> None:
    found = list(
        simulate([BY_NAME["alike"]], experiments=20, seed=4, questions=(8,), seeds=(Seeds(3, 3, 3),), rates=(0.5,))
    )
    assert "| all " in summary(found)
