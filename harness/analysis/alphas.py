"""Krippendorff's alpha of two or more judges, with its interval for new questions.

The interval is the jackknife's over clusters (Tukey 1958; Efron and Stein 1981 for its bias to the wide side), with
Student's t. Alpha is 1 less the observed disagreement over that by chance, so where all agree the disagreement may
still be Wilson's bound for a share of 0 of the clusters; the interval is nowhere narrower than that.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats import Grid, Observation, contrast_of

Units = Sequence[Sequence[Hashable | None]]
Numbers = Sequence[Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Alpha:
    """Alpha and the ends of its 95 % interval; all None where nothing could have disagreed."""

    value: float | None
    low: float | None = None
    high: float | None = None


def nominal_alpha(units: Units) -> float | None:
    """Krippendorff's alpha for nominal verdicts: 1 where all agree, 0 as by chance, below 0 where they avoid it.

    A unit holds each judge's verdict on one reply, None where it has none. With o the number of coincidences of
    values c and k, each unit of m verdicts weighed by 1 / (m - 1), n_c their sum over k and n over all,
    alpha = 1 - (n - 1) sum_{c != k} o_ck / sum_{c != k} n_c n_k (Krippendorff 2011, "Computing Krippendorff's
    Alpha-Reliability", nominal metric). Units with fewer than two verdicts say nothing. None when all verdicts
    are one value: nothing could have disagreed.
    """
    return nominal(units).value


def interval_alpha(units: Numbers) -> float | None:
    """Krippendorff's alpha for numbers: a disagreement weighs as the square of how far apart they are.

    A unit holds each judge's number for one reply, None where it has none. As `nominal_alpha`, with o_ck and
    n_c n_k multiplied by (c - k)^2 (Krippendorff 2011, interval metric). None when all numbers are equal.
    """
    return numeric(units).value


def nominal(units: Units, clusters: Sequence[str] | None = None) -> Alpha:
    """`nominal_alpha` with its interval; `clusters` name the question of each unit, else each is one of its own."""
    told = [(at, [one for one in unit if one is not None]) for at, unit in enumerate(units)]
    told = [(at, unit) for at, unit in told if len(unit) > 1]
    values = {value: column for column, value in enumerate(dict.fromkeys(one for _, unit in told for one in unit))}
    sums = np.zeros((len(told), 1 + len(values)))
    for row, (_, unit) in enumerate(told):
        for one in unit:
            sums[row, 1 + values[one]] += 1
            sums[row, 0] += sum(one != other for other in unit) / (len(unit) - 1)

    def disagreements(total: Grid) -> tuple[Grid, Grid]:
        counts = total[..., 1:]
        n = counts.sum(-1)
        return total[..., 0] / n, (n * n - (counts * counts).sum(-1)) / (n * (n - 1))

    return _alpha(sums, _names(told, clusters), disagreements)


def numeric(units: Numbers, clusters: Sequence[str] | None = None) -> Alpha:
    """`interval_alpha` with its interval; `clusters` as in `nominal`."""
    told = [(at, [one for one in unit if one is not None]) for at, unit in enumerate(units)]
    told = [(at, unit) for at, unit in told if len(unit) > 1]
    every = [one for _, unit in told for one in unit]
    span = max(every, default=0.0) - min(every, default=0.0)
    if not span:
        return Alpha(None)
    # Squares are taken about the mean and as shares of the whole span, where they lose no digits.
    middle = sum(every) / len(every)
    scaled = [np.array([(one - middle) / span for one in unit]) for _, unit in told]
    apart = [((unit[:, None] - unit) ** 2).sum() / (len(unit) - 1) for unit in scaled]
    sums = np.array([(one, len(unit), unit.sum(), (unit**2).sum()) for one, unit in zip(apart, scaled, strict=True)])

    def disagreements(total: Grid) -> tuple[Grid, Grid]:
        n = total[..., 1]
        return total[..., 0] / n, 2 * (n * total[..., 3] - total[..., 2] ** 2) / (n * (n - 1))

    return _alpha(sums, _names(told, clusters), disagreements)


def _names(told: Sequence[tuple[int, object]], clusters: Sequence[str] | None) -> list[str]:
    return [str(at) if clusters is None else clusters[at] for at, _ in told]


def _alpha(sums: Grid, clusters: Sequence[str], disagreements: Callable[[Grid], tuple[Grid, Grid]]) -> Alpha:
    """From what each unit adds to the sums that the observed disagreement and that by chance are made of."""
    if not len(sums):
        return Alpha(None)
    total = sums.sum(0)
    observed, by_chance = map(float, disagreements(total))
    if not by_chance > 0:
        return Alpha(None)
    value = 1 - observed / by_chance
    named = {name: row for row, name in enumerate(dict.fromkeys(clusters))}
    of_clusters = np.zeros((len(named), sums.shape[1]))
    np.add.at(of_clusters, [named[name] for name in clusters], sums)
    if len(named) < 2:
        return Alpha(value)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.divide(*disagreements(total - of_clusters))
    left = np.where(np.isfinite(left), left, observed / by_chance)  # without it nothing could have disagreed
    pseudo = len(named) * observed - (len(named) - 1) * left * by_chance
    half = contrast_of([Observation(name, 0, float(pseudo[row])) for name, row in named.items()]).half_width()
    assert half is not None
    return Alpha(value, value - half / by_chance, min(1.0, value + half / by_chance))
