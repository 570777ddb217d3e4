"""Planned looks: seeds may be added until something is decided, at levels that leave the error of the whole as it was.

Intervals at 95 % that are looked at after every seed find effects that are not there far more often than in 5 % of
experiments. A plan names beforehand at which numbers of seeds is looked and how the error is spent over them. Each look
then has a *nominal* level, at which its interval is formed as always (the significance-level approach, which carries
over to Student's t: Pocock 1977; Jennison and Turnbull 2000, section 4.4). How the error is spent:

- `pocock`: alpha ln(1 + (e - 1) t), about alike at all looks; t is seeds over most seeds (Lan and DeMets 1983).
- `obrien-fleming`: 2 - 2 Phi(z / sqrt(t)) on either side, hardly anything at first (Lan and DeMets 1983).
- `anytime`: no look need be planned. The likelihood ratio of Student's t, its effect size drawn from a normal
  distribution of variance 1 / `PRIOR_SEEDS`, is a martingale without an effect, whatever the variance, and ever passes
  1/alpha with a chance of at most alpha (Ville 1939; Lai 1976; Wang and Ramdas 2023).

The first two take a statistic for a sum of independent normal parts, one for each seed. Questions are the same at every
look, which makes looks more alike than that, and less is spent than may be. Where seeds alone vary, Student's t on few
seeds makes them less alike, and up to 1.25 times as much is: so `OF_ALPHA` is spent. `python -m benchmarks looks`
measures this, compares all three, and says what each costs.

`overall` turns the level that decides at one look into a level of the whole plan (the sequential p-value of Liu and
Anderson 2008). The least of those over the looks so far is valid at every look and never rises: what was decided stays
decided, and Holm's correction over the least ones of a family holds at every look (Maurer and Bretz 2013).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Literal

import numpy as np

from harness.stats.contrasts import bounded_half_width
from harness.stats.crossing import Crossed
from harness.stats.records import Grid
from harness.stats.verdicts import OutcomeLevels

Spending = Literal["pocock", "obrien-fleming", "anytime"]

FIRST, MOST = 6, 12
"""Seeds at the first look, and at the last where nobody says otherwise. Fewer seeds may well be alike by chance, and
Student's t then is sure of what they say: of seeds that come out one way or the other, as by a coin, six are alike in
3 % of experiments, and three in 25 %."""

FUTILE = 0.1
"""The chance of a decision by the last look under which no further seeds are worth their cost."""

OF_ALPHA = 0.8
"""The part of alpha that several looks spend, reckoned as if statistics were normal. Student's t over normal seeds made
up to 1.25 times as many errors: five million experiments for each of five plans from 3 to 6 up to 3 to 30 seeds, at
alpha from 0.05 to 0.0002."""

PRIOR_SEEDS = 0.1
"""How many seeds the normal prior of `anytime` weighs. Three seeds can pass 1/alpha = 20 only under 3/19."""

LEVELS = np.geomspace(1e-9, 0.5, 49)  # between them levels are interpolated, both in logarithms
NODES = 96  # of the integral over what has not been stopped; twice as many change no level in its eighth digit
HALVINGS = 50
FARTHEST = 9.0  # standard errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """A plan: the numbers of seeds at which is looked, rising, and how the error is spent over them."""

    at: tuple[int, ...]
    spending: Spending = "pocock"

    @property
    def most(self) -> int:
        """The seeds at the last look."""
        return self.at[-1]

    def nominal(self, alpha: float) -> Grid:
        """The two-sided level of each look, (looks,), that together spend `alpha`, from 1e-9 to 0.5."""
        table = np.log(_nominal(self.at, self.spending))
        return np.exp([np.interp(np.log(alpha), np.log(LEVELS), one) for one in table])

    def overall(self, nominal: float, look: int) -> float:
        """The level of the whole plan that makes `nominal` the level of look number `look`, counted from 0.

        At least `nominal`, rising with it, and 1.0 where it would be above 0.5.
        """
        levels = _nominal(self.at, self.spending)[look]
        if nominal > levels[-1]:
            return 1.0
        found = np.interp(np.log(max(nominal, levels[0])), np.log(levels), np.log(LEVELS))
        return max(nominal, float(np.exp(found)))

    def levels(self, found: OutcomeLevels, look: int) -> OutcomeLevels:
        """The levels of the whole plan for what `found` says at one look."""
        return OutcomeLevels(**{one.name: self.overall(getattr(found, one.name), look) for one in fields(found)})

    def __str__(self) -> str:
        every = len(self.at) == self.most - self.at[0] + 1
        listed = f"{self.at[0]} to {self.most}" if every and len(self.at) > 2 else ", ".join(map(str, self.at))
        return f"looks at {listed} seeds, alpha spent as by {self.spending}"


def every_seed(most: int = MOST, *, first: int = FIRST) -> Looks:
    """A plan with a look at each number of seeds from `first` to `most`."""
    return Looks(at=tuple(range(min(first, most), most + 1)))


def least(one: OutcomeLevels, other: OutcomeLevels) -> OutcomeLevels:
    """The smaller level of each outcome: what two looks say together, once both are levels of the whole plan."""
    return OutcomeLevels(**{f.name: min(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)})


def chances(found: Crossed, looks: Looks, *, alpha: float, effect: Grid | float, smallest: float) -> tuple[Grid, Grid]:
    """The chances that the last look finds `effect` to count, and that it rules that out, if what is seen goes on.

    Conditional power under the current trend (Lan and Wittes 1988), with Student's t for the normal distribution, since
    few seeds say little of how much seeds differ. `effect` is the mean of `found` on the side of the claim. Looking no
    further where both are small finds less and never more: it needs no level of its own.
    """
    from scipy.special import stdtr  # 0.3 s to import

    at_end = found.resized(seeds=max(looks.most, found.seeds))
    level = float(looks.nominal(alpha)[-1])
    share = min(1.0, found.seeds / looks.most)
    of_seeds = np.maximum(found.by_seed, found.noise)
    moves = np.sqrt(np.maximum(of_seeds * (1 - share), 1e-12))
    freedom = max(found.seeds - 1, 1)
    two_sided, one_sided = (bounded_half_width(at_end, one) for one in (1 - level, 1 - 2 * level))
    counts = stdtr(freedom, (effect - smallest - two_sided) / moves)
    ruled_out = stdtr(found.seed_freedom, (smallest - effect - one_sided) / moves)
    return np.asarray(counts), np.asarray(ruled_out)


def spent(alpha: Grid, share: Grid, spending: Spending) -> Grid:
    """How much of `alpha` may be used up once `share` of the most seeds has been seen; both broadcast."""
    from scipy.special import ndtr, ndtri

    if spending == "pocock":
        return np.asarray(alpha * np.log1p((np.e - 1) * share))
    return np.asarray(4 * ndtr(ndtri(alpha / 4) / np.sqrt(share)))


@cache
def _nominal(at: tuple[int, ...], spending: Spending) -> Grid:
    """Nominal two-sided levels, (looks, levels), for overall levels of `LEVELS`."""
    found = _anytime(at) if spending == "anytime" else _sequential(at, spending)
    return np.clip(found, LEVELS[0], LEVELS)


def _anytime(at: Sequence[int]) -> Grid:
    """The level of Student's t at which the likelihood ratio is 1 / alpha, for each number of seeds."""
    from scipy.special import stdtr

    n = np.array(at, dtype=float)[:, None]
    shrunk = PRIOR_SEEDS / (n + PRIOR_SEEDS)
    ratio = (np.sqrt(1 / shrunk) / LEVELS) ** (2 / n)
    beyond = ratio * shrunk >= 1  # no t is large enough
    squared = (n - 1) * (ratio - 1) / np.where(beyond, 1.0, 1 - ratio * shrunk)
    return np.where(beyond, 0.0, 2 * stdtr(n - 1, -np.sqrt(np.maximum(squared, 0.0))))


def _sequential(at: Sequence[int], spending: Spending) -> Grid:
    """Levels by recursive integration of a sum that stops where it leaves its bounds (Armitage et al. 1969).

    The density of the sum at one look, of what was not stopped, gives the chance to leave the bounds at the next; each
    bound is where that chance is what the look may spend.
    """
    from scipy.special import ndtr

    numbers = np.array(at, dtype=float)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    alphas = LEVELS * (OF_ALPHA if len(at) > 1 else 1.0)
    may_spend = np.diff(spent(alphas, (numbers / numbers[-1])[:, None], spending), axis=0, prepend=0.0)
    found = np.empty_like(may_spend)
    # Where the sum may stand, and with what chance, (levels, nodes): before the first look at 0.
    place, chance = np.zeros((len(LEVELS), 1)), np.ones((len(LEVELS), 1))
    for look, (number, new) in enumerate(zip(numbers, np.diff(numbers, prepend=0.0), strict=True)):
        step = np.sqrt(new)

        def leaves(bound: Grid, place: Grid = place, chance: Grid = chance, step: float = step) -> Grid:
            out = ndtr((place - bound[:, None]) / step) + ndtr((-place - bound[:, None]) / step)
            return np.asarray((chance * out).sum(-1))

        bound = _falls_to(may_spend[look], leaves, most=FARTHEST * np.sqrt(number))
        found[look] = 2 * ndtr(-bound / np.sqrt(number))
        there = bound[:, None] * nodes
        density = np.exp(-(((there[:, :, None] - place[:, None, :]) / step) ** 2) / 2) / (step * np.sqrt(2 * np.pi))
        chance = (density * chance[:, None, :]).sum(-1) * bound[:, None] * weights
        place = there
    return found


def _falls_to(value: Grid, falling: Callable[[Grid], Grid], *, most: float) -> Grid:
    """The arguments from 0 to `most` at which `falling` is `value`, by halving."""
    low, high = np.zeros_like(value), np.full_like(value, most)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = falling(middle) > value
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2
