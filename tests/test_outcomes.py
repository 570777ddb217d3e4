"""Laws of outcomes: each has a test of its own, verdicts are monotone, and equivalence takes two one-sided tests."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.stats import Contrast, Observation, OutcomeLevels, contrast_of, outcome_levels

DIRECTIONS = ("less", "more", "same", "no more")


def rows(table: np.ndarray) -> list[Observation]:
    return [Observation(f"c{g}", s, float(table[g, s])) for g, s in np.ndindex(table.shape)]


def found(mean: float, *, spread: float = 0.1, clusters: int = 100, seeds: int = 6, draw: int = 0) -> Contrast:
    """A difference of exactly `mean`, whose seeds differ by about `spread`."""
    rng = np.random.default_rng(draw)
    table = spread * rng.normal(size=(1, seeds)) + 0.05 * rng.normal(size=(clusters, seeds))
    return contrast_of(rows(table - table.mean() + mean))


tables = st.lists(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=3, max_size=3), min_size=8, max_size=20)
shares = st.floats(0.02, 0.6)
FEW = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize(
    ("interval", "direction", "outcome"),
    [
        ((0.16, 0.05), "more", "claimed"),
        ((0.15, 0.05), "less", "excluded"),
        ((-0.16, 0.05), "less", "claimed"),
        ((0.12, 0.05), "more", "size open"),
        ((0.08, 0.05), "more", "size open"),
        ((0.05, 0.042), "more", "too small"),
        ((0.0, 0.05), "more", "excluded"),
        ((0.05, 0.08), "more", "open"),
        ((0.0, 0.05), "same", "claimed"),
        ((-0.05, 0.042), "same", "claimed"),
        ((0.14, 0.05), "same", "size open"),
        ((0.2, 0.05), "same", "excluded"),
        ((-0.2, 0.05), "same", "excluded"),
        ((-0.2, 0.05), "no more", "claimed"),
        ((0.2, 0.05), "no more", "excluded"),
        ((0.15, 0.2), "no more", "open"),
    ],
)
def test_an_outcome_is_read_off_the_interval(interval: tuple[float, float], direction: str, outcome: str) -> None:
    """Means and half-widths in shares; the smallest that counts is 0.1."""
    mean, half = interval
    contrast = with_half_width(mean, half)
    assert contrast.half_width() == pytest.approx(half, rel=1e-6)
    assert outcome_levels(contrast, direction=direction, smallest=0.1).decide(0.05) == outcome


def with_half_width(mean: float, half: float) -> Contrast:
    """A difference with the interval mean +- half, of seeds alone."""
    seen = found(mean, clusters=400)
    assert seen.spread is not None
    scale = (half / float(seen.half_width() or 0)) ** 2
    spread = replace(
        seen.spread,
        by_cluster=seen.spread.by_cluster * scale,
        by_seed=seen.spread.by_seed * scale,
        noise=seen.spread.noise * scale,
    )
    return replace(seen, spread=spread, bounded=False)


def test_equivalence_takes_the_interval_of_two_one_sided_tests() -> None:
    """The two-sided interval at 0.05 reaches beyond the margin; both one-sided tests at 0.05 do not."""
    seen = found(0.02)
    margin = 0.02 + (float(seen.half_width(0.95) or 0) + float(seen.half_width(0.9) or 0)) / 2
    assert outcome_levels(seen, direction="same", smallest=margin).decide(0.05) == "claimed"
    assert outcome_levels(seen, direction="same", smallest=margin).decide(0.03) == "open"


@pytest.mark.parametrize(("truth", "least", "most"), [(0.0, 0.5, 1.0), (0.1, 0.0, 0.08)])
def test_equivalence_is_claimed_where_it_is_so_and_as_seldom_as_alpha_says_where_not(truth, least, most) -> None:
    rng = np.random.default_rng(3)
    claimed = 0
    for _ in range(200):
        table = truth + 0.06 * rng.normal(size=(1, 6)) + 0.1 * rng.normal(size=(200, 6))
        claimed += outcome_levels(contrast_of(rows(table)), direction="same", smallest=0.1).decide(0.05) == "claimed"
    assert least <= claimed / 200 <= most


@pytest.mark.parametrize(
    ("seeds", "margin", "before", "after"), [(3, 1.9, 0.29, 0.51), (10, 1.05, 0.68, 0.84)], ids=["3 seeds", "10 seeds"]
)
def test_two_one_sided_tests_find_more_at_the_same_size(seeds, margin, before, after) -> None:
    """Equal arms whose seeds differ by 1, and a margin in that unit: how often the interval of 95 % lies within it."""
    rng = np.random.default_rng([4, seeds])
    two_sided = one_sided = wrong = 0
    for _ in range(250):
        drawn = rng.normal(size=seeds)
        equal, apart = (contrast_of(rows(np.tile(drawn + at, (2, 1))), bounded=False) for at in (0, margin))
        two_sided += abs(equal.mean or 0) + (equal.half_width() or 0) < margin
        one_sided += outcome_levels(equal, direction="same", smallest=margin).claimed <= 0.05
        wrong += outcome_levels(apart, direction="same", smallest=margin).claimed <= 0.05
    assert two_sided / 250 == pytest.approx(before, abs=0.09)
    assert one_sided / 250 == pytest.approx(after, abs=0.09)
    assert wrong / 250 <= 0.09


@FEW
@given(st.floats(-0.6, 0.6), st.floats(0.01, 0.3), shares, st.integers(0, 5), st.sampled_from(DIRECTIONS))
def test_a_larger_alpha_never_takes_a_decision_back(mean, spread, smallest, draw, direction) -> None:
    levels = outcome_levels(found(mean, spread=spread, draw=draw), direction=direction, smallest=smallest)
    said = [levels.decide(alpha) for alpha in (1e-6, 1e-3, 0.01, 0.05, 0.1, 0.2)]
    follows = {
        "open": {"open", "size open", "excluded", "too small", "claimed"},
        "size open": {"size open", "too small", "claimed", "excluded"},
        "excluded": {"excluded", "too small"},
        "too small": {"too small"},
        "claimed": {"claimed"},
    }
    assert all(later in follows[now] for now, later in pairwise(said)), said


@FEW
@given(tables, shares, shares, st.sampled_from(DIRECTIONS))
def test_a_larger_smallest_difference_is_ruled_out_sooner_and_claimed_later(table, one, other, direction) -> None:
    low, high = sorted((one, other))
    small, large = (
        outcome_levels(contrast_of(rows(np.array(table))), direction=direction, smallest=x) for x in (low, high)
    )
    counts = ("excluded", "claimed") if direction in ("same", "no more") else ("claimed", "excluded")
    assert getattr(small, counts[0]) <= getattr(large, counts[0])
    assert getattr(small, counts[1]) >= getattr(large, counts[1])
    assert small.size_open == large.size_open


@FEW
@given(st.floats(0.01, 0.3), shares, st.integers(0, 5), st.lists(st.floats(-0.6, 0.6), min_size=2, max_size=2))
def test_a_larger_effect_at_the_same_spread_is_claimed_sooner_and_ruled_out_later(
    spread, smallest, draw, means
) -> None:
    small, large = (
        outcome_levels(found(mean, spread=spread, draw=draw), direction="more", smallest=smallest)
        for mean in sorted(means)
    )
    assert large.claimed <= small.claimed + 1e-6
    assert large.size_open <= small.size_open + 1e-6
    assert large.excluded >= small.excluded - 1e-6


@FEW
@given(tables, shares)
def test_nothing_is_as_much_the_same_as_what_agrees_everywhere(table, margin) -> None:
    """One different reply of 144 decided what 144 equal ones did not."""
    seen = np.array(table)
    assume(len(seen) > 1)
    differing, equal = (
        outcome_levels(contrast_of(rows(one)), direction="same", smallest=margin) for one in (seen, 0 * seen)
    )
    assert equal.claimed <= differing.claimed


@FEW
@given(tables, shares)
def test_less_is_more_seen_from_the_other_side(table, smallest) -> None:
    seen = np.array(table)
    less = outcome_levels(contrast_of(rows(seen)), direction="less", smallest=smallest)
    more = outcome_levels(contrast_of(rows(-seen)), direction="more", smallest=smallest)
    names = ("claimed", "excluded", "size_open", "too_small")
    assert [getattr(less, name) for name in names] == pytest.approx([getattr(more, name) for name in names])


def test_where_nothing_was_measured_nothing_is_said() -> None:
    seen = outcome_levels(contrast_of([]), direction="less", smallest=0.1)
    assert seen == OutcomeLevels()
    assert seen.decide(0.05) == "open"
