"""Tests that say when they cannot say anything, and one correction for many of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from harness.stats.records import Grid

LEAST_SEEDS = 6
"""Seeds from which a two-sided sign-flip test can give a p of at most 0.05: 2 / 2^6 = 0.031."""

MOST_EXACT = 14  # seeds whose 2^n sign patterns are all tried
DRAWS = 9999
ROUNDING = 1e-12  # a pattern that goes as far but for the last digits goes as far
SMALLEST = 1e-9  # below it no level is told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipTest:
    """A two-sided p-value over seeds, or None and the reason why the design gives none."""

    p: float | None
    why_none: str = ""


def sign_flips(by_seed: Sequence[float]) -> FlipTest:
    """Exact paired sign-flip test that the differences of seeds are as likely to fall on either side of 0.

    For the questions that were asked: only seeds are drawn anew. Under 6 seeds no p of 0.05 is possible, and none is
    given. From 15 on, 9,999 patterns are drawn instead of all.
    """
    seeds = len(by_seed)
    if seeds < LEAST_SEEDS:
        least = "no p at all" if seeds < 1 else f"no p below {2 / 2**seeds:.2g}"
        counted = f"{seeds} seed{'' if seeds == 1 else 's'}"
        return FlipTest(p=None, why_none=f"{counted} can give {least}; {LEAST_SEEDS} are needed")
    return FlipTest(p=float(flip_levels(np.asarray(by_seed, dtype=float))))


def flip_levels(by_seed: Grid) -> Grid:
    """The p-value of `sign_flips` for each row of differences (..., seeds), whatever their number."""
    seeds = by_seed.shape[-1]
    if seeds > MOST_EXACT:
        return _drawn_levels(by_seed)
    # Half of the patterns will do: the others are their negatives, and go as far.
    patterns = np.array([(1.0, *signs) for signs in product((1.0, -1.0), repeat=seeds - 1)])
    reached = np.abs(by_seed @ patterns.T)
    seen = np.abs(by_seed.sum(-1, keepdims=True))
    levels: Grid = (reached >= seen - ROUNDING * (1 + seen)).mean(-1)
    return levels


def _drawn_levels(by_seed: Grid) -> Grid:
    from scipy.stats import permutation_test  # 1 s to import

    found: Any = permutation_test(
        (by_seed,),
        lambda x, axis: np.mean(x, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=DRAWS,
        axis=-1,
        rng=np.random.default_rng(0),
    )
    levels: Grid = np.minimum(1.0, np.asarray(found.pvalue))
    return levels


def holm(levels: Sequence[float]) -> list[float]:
    """Holm's adjusted levels (1979), in the order given: a family without effects has one at most alpha that often."""
    given = np.asarray(levels, dtype=float)
    order = np.argsort(given, kind="stable")
    steps = np.arange(len(given), 0, -1) * given[order]
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(level) for level in adjusted]


def decided_at(is_decided: Callable[[float], bool]) -> float:
    """The smallest alpha at which intervals of level 1 - alpha decide; 1 when none up to alpha = 0.5 does.

    `is_decided(level)` must be monotone: what a wide interval decides, a narrower one does too.
    """
    low, high = math.log(SMALLEST), math.log(0.5)
    if not is_decided(1 - math.exp(high)):
        return 1.0
    if is_decided(1 - math.exp(low)):
        return SMALLEST
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if is_decided(1 - math.exp(middle)) else (middle, high)
    return math.exp(high)
