"""Weights that should bring a balance of traits about, chosen from a few trainings on cases that no result uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.stats import Grid

FLOOR = 0.005
"""Shares below it count as it when their logarithms are taken: a language that is hardly there is as good as gone."""
PULL = 1e-3
"""How much a step away from weights of 0 costs against a step in log-ratio: it chooses among equal balances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One calibration training: the weights it was given and the shares of the traits that it reached."""

    weights: Mapping[str, float]
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Log-ratios of shares, linear in weights: log(share / share of the last trait) = offset + slopes x weights.

    `rms` is what it leaves unexplained of the points that it was made from, in log-ratio.
    """

    traits: tuple[str, ...]
    names: tuple[str, ...]
    offset: Grid
    slopes: Grid
    rms: float

    def predict(self, given: Mapping[str, float]) -> dict[str, float]:
        """The shares that these weights should give, adding up to 1."""
        ratios = self.offset + self.slopes @ np.array([given.get(name, 0.0) for name in self.names])
        sizes = np.exp(np.append(ratios, 0.0))
        return dict(zip(self.traits, map(float, sizes / sizes.sum()), strict=True))


def fit(points: Sequence[Point]) -> Model:
    """The model of `points` by least squares, of smallest slopes where there are fewer points than unknowns."""
    if len(points) < 2:
        raise HarnessError(f"weights cannot be chosen from {len(points)} trainings; train at two or more balances")
    traits = tuple(points[0].shares)
    names = tuple(sorted({name for point in points for name in point.weights}))
    given = np.array([[point.weights.get(name, 0.0) for name in names] for point in points])
    ratios = np.array([_log_ratios([point.shares[trait] for trait in traits]) for point in points])
    centre, middle = given.mean(0), ratios.mean(0)
    slopes, *_ = np.linalg.lstsq(given - centre, ratios - middle, rcond=None)
    left = ratios - middle - (given - centre) @ slopes
    return Model(
        traits=traits,
        names=names,
        offset=middle - centre @ slopes,
        slopes=slopes.T,
        rms=float(np.sqrt((left**2).mean())),
    )


def choose(model: Model, target: Mapping[str, float], *, low: float, high: float) -> dict[str, float]:
    """The weights, each from `low` to `high` and in hundredths, that the model says come nearest to `target`."""
    from scipy.optimize import lsq_linear

    if set(target) != set(model.traits):
        raise HarnessError(f"a target needs a share for each of {', '.join(model.traits)}, and for nothing else")
    wanted = _log_ratios([target[trait] for trait in model.traits]) - model.offset
    pull = PULL * np.eye(len(model.names))
    solved: Any = lsq_linear(
        np.vstack([model.slopes, pull]), np.append(wanted, np.zeros(len(model.names))), bounds=(low, high)
    )
    return {name: round(float(weight), 2) + 0.0 for name, weight in zip(model.names, solved.x, strict=True)}


def distance(shares: Mapping[str, float], target: Mapping[str, float]) -> float:
    """Total variation distance between two balances of the same traits: the share that would have to move."""
    return sum(abs(shares[trait] - share) for trait, share in target.items()) / 2


def _log_ratios(shares: Sequence[float]) -> Grid:
    floored = np.maximum(np.array(shares, dtype=float) / sum(shares), FLOOR)
    ratios: Grid = np.log(floored[:-1] / floored[-1])
    return ratios
