"""Laws of planned looks: levels as in the textbooks, and few false findings however many seeds are added."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.coverage_families import FAMILIES
from benchmarks.looks import EFFECTS, PLANS, WHOLE, errors_by_seeds, experiments, without_difference
from harness.stats import Looks, OutcomeLevels, Spending, chances, crossed, every_seed, least
from harness.stats.looks import OF_ALPHA

STRONG = EFFECTS[-1]


@pytest.mark.parametrize(
    ("spending", "bounds"),
    [
        ("pocock", [2.438, 2.427, 2.410, 2.397, 2.386]),
        ("obrien-fleming", [4.877, 3.357, 2.680, 2.290, 2.031]),
    ],
)
def test_five_equal_looks_have_the_published_bounds(spending: Spending, bounds: list[float]) -> None:
    """Two-sided, at what is spent of alpha = 5 %, as Reboussin et al. 2000 and the programs after them print them."""
    levels = Looks(at=(2, 4, 6, 8, 10), spending=spending).nominal(0.05 / OF_ALPHA)
    assert norm.isf(levels / 2) == pytest.approx(bounds, abs=0.001)


@pytest.mark.parametrize("spending", ["pocock", "obrien-fleming"])
def test_one_look_spends_all(spending: Spending) -> None:
    only = Looks(at=(6,), spending=spending)
    assert only.nominal(0.05) == pytest.approx([0.05], rel=1e-6)
    assert only.overall(0.01, 0) == pytest.approx(0.01, rel=1e-6)


@pytest.mark.parametrize("spending", ["pocock", "obrien-fleming", "anytime"])
@pytest.mark.parametrize("at", [(3, 4, 5, 6), (3, 6, 12), tuple(range(3, 31))])
def test_a_level_of_the_plan_is_that_whose_look_has_the_level_seen(spending: Spending, at: tuple[int, ...]) -> None:
    looks = Looks(at=at, spending=spending)
    for alpha in (0.2, 0.05, 0.01, 0.004):
        for look, nominal in enumerate(looks.nominal(alpha)):
            if nominal > 1e-3 * alpha:  # far under it interpolation is coarse, and on the safe side
                found = looks.overall(float(nominal), look)
                assert found >= 0.98 * alpha
                assert spending == "anytime" or found <= 1.02 * alpha
    for look in range(len(at)):
        levels = [looks.overall(float(nominal), look) for nominal in np.geomspace(1e-9, 1, 60)]
        assert levels == sorted(levels)
        assert all(level >= nominal for level, nominal in zip(levels, np.geomspace(1e-9, 1, 60), strict=True))


def test_what_was_decided_at_a_look_stays_decided() -> None:
    looks = every_seed(12)
    first = looks.levels(OutcomeLevels(claimed=0.001, excluded=1.0, size_open=0.0005), 0)
    later = looks.levels(OutcomeLevels(claimed=0.3, excluded=1.0, size_open=0.2), 1)
    assert least(first, later) == first
    assert least(first, later).decide(0.05) == "claimed"


def test_adding_seeds_until_something_is_found_finds_it_by_chance_and_planned_looks_do_not() -> None:
    plans = {name: plan for name, plan in PLANS.items() if name.endswith("3 to 30")}
    strong = [one for one in FAMILIES if one.name == "strong"]
    for found in without_difference(strong, experiments=500, seed=3, designs=[(60, 0.5)], plans=plans):
        seen = found.found
        assert seen["95 %, 3 to 30"] >= 0.12
        assert max(share for name, share in seen.items() if name != "95 %, 3 to 30") <= 0.055, seen


@pytest.mark.parametrize("spending", ["pocock", "obrien-fleming", "anytime"])
def test_looks_hold_where_seeds_are_all_that_varies(spending: Spending) -> None:
    """Seeds far apart and questions alike: Student's t on two degrees of freedom at the first look."""
    looks = Looks(at=every_seed(12, first=3).at, spending=spending)
    assert errors_by_seeds(looks, alpha=0.05, experiments=20_000, seed=5) <= 0.055
    assert errors_by_seeds(looks, alpha=0.01, experiments=20_000, seed=6) <= 0.012


def test_a_family_without_effects_has_few_wrong_claims_with_looks_and_costs_less() -> None:
    plans = {name: WHOLE[name] for name in ("12 alone", "pocock 6 to 12")}
    fixed, looked = experiments([STRONG], number=60, seed=1, kinds=["nothing"], plans=plans)
    # 60 experiments, the worst of four families: three standard errors of 5 % are 8.4 points.
    assert max(fixed.wrong, looked.wrong) <= 0.134
    assert fixed.saved == 0.0
    assert looked.saved > 0.4


def test_the_chance_of_a_decision_falls_with_what_the_questions_leave_open() -> None:
    rng = np.random.default_rng(2)
    seeds = rng.normal(0.3, 0.02, size=(1, 1, 3))
    questions = rng.normal(0.0, 0.2, size=(1, 40, 1)) + rng.normal(0.0, 0.05, size=(1, 40, 3))
    found = crossed(questions - questions.mean() + seeds, np.ones((1, 40, 3)))
    counts, ruled_out = chances(found, every_seed(12), alpha=0.05, effect=found.mean, smallest=0.05)
    assert counts[0] > 0.95
    assert ruled_out[0] < 0.01
    small = crossed(questions - questions.mean() + 0.04, np.ones((1, 40, 3)))
    counts, ruled_out = chances(small, every_seed(12), alpha=0.05, effect=small.mean, smallest=0.05)
    assert counts[0] + ruled_out[0] < 0.1  # more seeds leave the questions as they are


def test_seeds_that_come_out_as_by_a_coin_mislead_three_seeds_and_not_six() -> None:
    """Of two values, three are alike by chance in a quarter of experiments, and six in 3 %."""
    early, late = (
        errors_by_seeds(every_seed(12, first=first), alpha=0.05, experiments=20_000, seed=1, coins=True)
        for first in (3, 6)
    )
    assert early > 0.2
    assert late < 0.065
