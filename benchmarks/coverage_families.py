"""Experiments whose truth is known: replies of arms that share their questions, never their seeds' effects.

Each family makes the rate over all questions and seeds exactly what is asked for. Those of `Probit` have a latent
rate: a constant plus effects of the question, the seed, the question under this arm, and the question under this seed.
Effects of seeds may have the tails of Student's t. One seed in ten may collapse: it shows the trait nowhere. `Beta`
draws a rate for every question, as a beta-binomial model does; `Bimodal` has questions that nearly always show the
trait and others that nearly never do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Protocol

import numpy as np

from harness.stats import Grid

COLLAPSED = 0.1  # the share of seeds that collapse
POINTS = 4000  # of a quadrature over seeds


class Family(Protocol):
    """A way to make replies."""

    @property
    def name(self) -> str: ...

    @property
    def samples(self) -> int:
        """Replies to each question at each seed."""

    @property
    def text(self) -> str:
        """What varies, in words."""

    def truth(self, rate: float, arm: int) -> float:
        """The rate over all questions and seeds of arm 0 or 1, where `rate` is asked for."""

    def arms(self, rng: np.random.Generator, shape: tuple[int, int], rates: Sequence[float], number: int) -> list[Grid]:
        """Counts of replies that show the trait, (number, questions, seeds), for an arm of each of `rates`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probit:
    """Normal effects in probits; `tails` are the degrees of freedom of the seeds' t, `collapsing` the arms that may."""

    name: str
    questions: float = 0.5
    seeds: float = 0.2
    own: float = 0.2
    cells: float = 0.0
    samples: int = 1
    tails: float = math.inf
    collapsing: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        sizes = f"questions {self.questions:g}, seeds {self.seeds:g}, questions by arm {self.own:g}"
        tails = "" if math.isinf(self.tails) else f" (t{self.tails:g})"
        return f"{sizes}{tails}, questions by seed {self.cells:g} probits"

    def truth(self, rate: float, arm: int) -> float:
        return rate * (1 - COLLAPSED) if arm in self.collapsing else rate

    def arms(self, rng: np.random.Generator, shape: tuple[int, int], rates: Sequence[float], number: int) -> list[Grid]:
        from scipy.special import ndtr

        questions, seeds = shape
        shared = self.questions * rng.normal(size=(number, questions, 1))
        arms: list[Grid] = []
        for arm, rate in enumerate(rates):
            latent = _centre(rate, self.seeds, self.tails, self.questions**2 + self.own**2 + self.cells**2) + shared
            latent = latent + self.own * rng.normal(size=(number, questions, 1))
            drawn = rng.normal(size=(number, 1, seeds))
            if not math.isinf(self.tails):
                drawn = rng.standard_t(self.tails, size=(number, 1, seeds))
            latent = latent + self.seeds * drawn
            if self.cells:
                latent = latent + self.cells * rng.normal(size=(number, questions, seeds))
            chance = ndtr(latent)
            if arm in self.collapsing:
                chance = chance * (rng.random((number, 1, seeds)) >= COLLAPSED)
            arms.append(_replies(rng, self.samples, chance))
        return arms


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta:
    """A question's rate is Beta of size `questions`; a share `mixed` of replies goes by a rate of the seed, Beta too.

    Gamma variates that add up make the questions of two arms alike: a question that shows the trait under the lower
    rate shows it under the higher.
    """

    name: str
    questions: float = 2.0
    seeds: float = 2.0
    mixed: float = 0.2
    samples: int = 1

    @property
    def text(self) -> str:
        seeds = f"a share {self.mixed:g} of replies by the seed, of size {self.seeds:g}"
        return f"beta-binomial: questions of size {self.questions:g}; {seeds}"

    def truth(self, rate: float, arm: int) -> float:
        return rate

    def arms(self, rng: np.random.Generator, shape: tuple[int, int], rates: Sequence[float], number: int) -> list[Grid]:
        questions, seeds = shape
        steps = [0.0, *sorted(set(rates)), 1.0]
        parts = [
            rng.standard_gamma((high - low) * self.questions, (number, questions, 1)) for low, high in pairwise(steps)
        ]
        whole = np.maximum(sum(parts, start=np.zeros(1)), 1e-300)
        arms: list[Grid] = []
        for rate in rates:
            of_question = sum(parts[: steps.index(rate) if rate else 0], start=np.zeros_like(whole)) / whole
            if not 0 < rate < 1:
                of_question = np.full_like(whole, rate)
            of_seed = _beta(rng, rate, self.seeds, (number, 1, seeds))
            arms.append(_replies(rng, self.samples, (1 - self.mixed) * of_question + self.mixed * of_seed))
        return arms


@dataclass(frozen=True, slots=True, kw_only=True)
class Bimodal:
    """A seed's rate r is Beta of size `seeds`; a share r of questions has 1 - `noise` (1 - r), the rest `noise` r."""

    name: str
    noise: float = 0.1
    seeds: float = 30.0
    samples: int = 1

    @property
    def text(self) -> str:
        return f"questions nearly always or nearly never, noise {self.noise:g}; seeds of size {self.seeds:g}"

    def truth(self, rate: float, arm: int) -> float:
        return rate

    def arms(self, rng: np.random.Generator, shape: tuple[int, int], rates: Sequence[float], number: int) -> list[Grid]:
        questions, seeds = shape
        place = rng.random((number, questions, 1))
        arms: list[Grid] = []
        for rate in rates:
            of_seed = _beta(rng, rate, self.seeds, (number, 1, seeds))
            chance = np.where(place < of_seed, 1 - self.noise * (1 - of_seed), self.noise * of_seed)
            arms.append(_replies(rng, self.samples, chance))
        return arms


FAMILIES: tuple[Family, ...] = (
    Probit(name="alike", questions=0.0, seeds=0.0, own=0.0),
    Probit(name="mild"),
    Probit(name="mild, 10 samples", samples=10),
    Probit(name="strong", questions=1.0, seeds=0.5, own=0.3),
    Probit(name="strong, 10 samples", questions=1.0, seeds=0.5, own=0.3, samples=10),
    Probit(name="t2", seeds=0.3, tails=2.0),
    Probit(name="t5", seeds=0.3, tails=5.0),
    Probit(name="t5, 10 samples", seeds=0.3, tails=5.0, samples=10),
    Beta(name="beta-binomial"),
    Beta(name="beta-binomial, 10 samples", samples=10),
    Probit(name="collapse", collapsing=(0, 1)),
    Probit(name="collapse of one arm", collapsing=(0,)),
    Bimodal(name="bimodal"),
    Bimodal(name="bimodal, 10 samples", samples=10),
    Probit(name="interactions, 10 samples", cells=1.0, samples=10),
)


@cache
def _centre(rate: float, seeds: float, tails: float, others: float) -> float:
    """The constant at which the mean rate over questions and seeds is `rate`: exact for normal effects."""
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri, stdtrit

    if math.isinf(tails) or not 0 < rate < 1:
        return float(ndtri(rate)) * math.sqrt(1 + others + seeds**2)
    drawn = stdtrit(tails, (np.arange(POINTS) + 0.5) / POINTS)

    def apart(centre: float) -> float:
        return float(ndtr((centre + seeds * drawn) / math.sqrt(1 + others)).mean()) - rate

    return float(brentq(apart, -50, 50))


def _replies(rng: np.random.Generator, samples: int, chance: Grid) -> Grid:
    """How many of `samples` replies show the trait."""
    if samples == 1:
        return (rng.random(chance.shape) < chance).astype(float)
    return rng.binomial(samples, np.clip(chance, 0, 1)).astype(float)


def _beta(rng: np.random.Generator, rate: float, size: float, shape: tuple[int, ...]) -> Grid:
    """Beta draws of mean `rate`; at 0 and 1 nothing varies."""
    if not 0 < rate < 1:
        return np.full(shape, rate)
    return rng.beta(rate * size, (1 - rate) * size, shape)
