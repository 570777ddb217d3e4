"""Fine-grained control: how near an arm comes to a balance of traits that was asked for.

A balance is a share for each of several traits, adding up to 1. What a trained model reached is the mean of each
trait's metric in clean, divided by their sum: what went to no trait (English, say) is told apart. Its error is the
total variation distance, half the sum of absolute differences: the share that would have to move. An arm's error is
the mean of its seeds' own errors: seeds that miss to either side miss.

An absolute difference of noisy shares is too large on average, by b(d) = s sqrt(2/pi) exp(-d^2 / 2 s^2) - 2 d Phi(-d/s)
for a true difference d and a normal error of standard deviation s (the folded normal, Leone, Nelson and Nottingham
1961). It is taken off at the difference that is left when it was taken off once, as an iterated parametric bootstrap
does (Efron 1979; Hall and Martin 1988).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harness.analysis.arms import Arm
from harness.analysis.grouping import grouped
from harness.analysis.result_tables import Table
from harness.analysis.studies import Study
from harness.analysis.targets import Target
from harness.contracts import CLEAN
from harness.errors import HarnessError, unknown
from harness.stats import Estimate, Grid, Observation, Term, contrast


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What an arm made of a target: its shares and the share that went to no trait, all seeds together, and its error.

    `error` is the mean of the seeds' own errors, each corrected for its bias.
    """

    target: Target
    scale: str
    model: str
    seeds: tuple[int, ...]
    shares: Mapping[str, float]
    elsewhere: float
    error: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The mean error of an intervention over the targets that were set for it; `against` another, the difference."""

    scale: str
    model: str
    setting: str
    intervention: str
    against: str
    targets: int
    error: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """Every target that was run, the mean errors, their paired differences, and the arms that were not run."""

    reached: tuple[Reached, ...]
    controls: tuple[Control, ...]
    missing: tuple[str, ...]


def balances(tables: Sequence[Table], targets: Sequence[Target]) -> Balances:
    """How near every arm in `tables` that has a target came to it."""
    found: list[_Balanced] = []
    missing = []
    for target in targets:
        matching = [(table, arm) for table in tables for arm in table.arms if _is_meant(target, table, arm)]
        if not matching:
            missing.append(f"{target.setting}/{target.arm}")
        found += [_reached(target, table, arm) for table, arm in matching]
    return Balances(
        reached=tuple(one.reached for one in found), controls=tuple(_controls(found)), missing=tuple(missing)
    )


def paired(table: Study, targets: Sequence[Target], first: str, second: str) -> list[Term]:
    """The error of intervention `first` minus that of `second`, as terms, over the targets that both were set."""
    sides = []
    for name in (first, second):
        own = [target for target in targets if target.intervention == name]
        sides.append([_reached(one, table, arm) for one in own for arm in table.arms if _is_meant(one, table, arm)])
    return _differences(*sides)


def _is_meant(target: Target, table: Study, arm: Arm) -> bool:
    wanted = (target.setting, target.intervention, target.weights, target.dose, "")
    return (table.setting, arm.intervention, arm.weights, arm.dose, arm.prompt) == wanted


@dataclass(frozen=True, slots=True)
class _Balanced:
    """A target's outcome, and its error as values of clusters and seeds, whose mean is the error of each seed."""

    reached: Reached
    parts: tuple[Observation, ...]


def _reached(target: Target, table: Study, arm: Arm) -> _Balanced:
    rows = list(_replies(target, arm))
    judged = [(seen.cluster, seen.seed, values) for seen, values in rows if values is not None]
    means = np.mean([values for _, _, values in judged], axis=0) if judged else np.zeros(1)
    if not means.sum():
        raise HarnessError(
            f"{table.setting}/{arm.label} gave no reply with a share of any of {', '.join(target.shares)}"
        )
    asked = np.array(list(target.shares.values()))
    clusters = sorted({cluster for cluster, _, _ in judged})
    by_seed = grouped(judged, lambda one: one[1])
    parts = tuple(
        Observation(cluster, seed, value)
        for seed, own in by_seed.items()
        for cluster, value in _of_seed([(cluster, values) for cluster, _, values in own], asked, clusters)
    )
    found = error_of([Term(1.0, parts)])
    return _Balanced(
        Reached(
            target=target,
            scale=table.scale,
            model=table.model,
            seeds=arm.seeds,
            shares=dict(zip(target.shares, map(float, means / means.sum()), strict=True)),
            elsewhere=max(0.0, 1 - float(means.sum())),
            error=replace(_from_0(found), n=len(rows), judged=len(judged)),
        ),
        parts,
    )


def error_of(terms: Sequence[Term]) -> Estimate:
    """The sum of terms of errors with its interval; their parts are no shares, but what they are parts of is."""
    return replace(contrast(terms), bounded=True).estimate()


def _of_seed(
    replies: Sequence[tuple[str, Grid]], asked: Grid, clusters: Sequence[str]
) -> list[tuple[str, float | None]]:
    """What each cluster adds to the corrected error of one seed: the error, plus what it pulls it by.

    The pull is the delta method's, linear in the replies; that of a cluster without one is 0, so that the mean over
    clusters is the error. A seed that gave no trait a share has no balance.
    """
    values = np.array([shares for _, shares in replies])
    means = values.mean(0)
    if not means.sum():
        return [(cluster, None) for cluster in clusters]
    shares = means / means.sum()
    pulls = np.zeros((len(clusters), len(asked)))
    at = {cluster: row for row, cluster in enumerate(clusters)}
    np.add.at(pulls, [at[cluster] for cluster, _ in replies], values - shares * values.sum(1, keepdims=True))
    pulls *= len(clusters) / (len(replies) * means.sum())
    number = len({cluster for cluster, _ in replies})
    spread = np.sqrt((pulls**2).sum(0) * number / max(number - 1, 1)) / len(clusters)
    apart = shares - asked
    error = float(corrected(apart, spread).sum()) / 2
    pulled = pulls @ np.sign(apart) / 2
    return [(cluster, error + float(pulled[row])) for cluster, row in at.items()]


def corrected(apart: Grid, spread: Grid) -> Grid:
    """|apart| less what noise of standard deviation `spread` adds to it on average; it may fall below 0."""
    seen = np.abs(apart)
    once = np.maximum(seen - _bias(seen, spread), 0)
    return seen - _bias(once, spread)


def _bias(apart: Grid, spread: Grid) -> Grid:
    from scipy.special import ndtr  # 0.3 s to import

    size = np.divide(apart, spread, out=np.full_like(apart, np.inf), where=spread > 0)
    normal = np.sqrt(2 / np.pi) * spread * np.exp(-(size**2) / 2)
    bias: Grid = normal - 2 * apart * ndtr(-size)
    return bias


def _replies(target: Target, arm: Arm) -> Iterator[tuple[Observation, Grid | None]]:
    """Each reply in clean with its share of every trait, or None where a share could not be judged."""
    for run in arm.runs:
        for trait in target.shares:
            if (CLEAN, trait) not in run.values:
                raise unknown(f"metric of {target.setting}", trait, {metric for _, metric in run.values})
        columns = [run.values[CLEAN, trait] for trait in target.shares]
        if len({tuple(seen.cluster for seen in column) for column in columns}) > 1:
            raise HarnessError(f"{run.folder}: {', '.join(target.shares)} are not measured on the same replies")
        for same in zip(*columns, strict=True):
            values = [seen.value for seen in same]
            known = [value for value in values if value is not None]
            yield same[0], np.array(known) if len(known) == len(values) else None


def _from_0(found: Estimate) -> Estimate:
    """An error is never below 0, though one that was corrected may be."""
    ends = [None if end is None else max(0.0, end) for end in (found.mean, found.low, found.high)]
    return replace(found, mean=ends[0], low=ends[1], high=ends[2])


def _controls(found: Sequence[_Balanced]) -> Iterator[Control]:
    """The mean error of each intervention, and the difference of each two over the targets that both were set."""
    places = grouped(found, lambda one: (one.reached.target.setting, one.reached.scale, one.reached.model))
    for place, here in places.items():
        arms = grouped(here, lambda one: one.reached.target.intervention)
        for name, own in arms.items():
            yield _control(place, name, "", [Term(1 / len(own), one.parts) for one in own], targets=len(own))
        for one, other in combinations(arms, 2):
            if terms := _differences(arms[one], arms[other]):
                yield _control(place, one, other, terms, targets=len(terms) // 2)


def _control(
    place: tuple[str, str, str], intervention: str, against: str, terms: Sequence[Term], *, targets: int
) -> Control:
    setting, scale, model = place
    error = error_of(terms)
    return Control(
        setting=setting,
        scale=scale,
        model=model,
        intervention=intervention,
        against=against,
        targets=targets,
        error=error if against else _from_0(error),
    )


def _differences(first: Sequence[_Balanced], second: Sequence[_Balanced]) -> list[Term]:
    """One arm's errors minus the other's, over the targets of both, each target counting alike."""
    others = {_asked(one.reached): one.parts for one in second}
    pairs = [(one.parts, others[_asked(one.reached)]) for one in first if _asked(one.reached) in others]
    return [Term(sign / len(pairs), parts) for pair in pairs for sign, parts in zip((1.0, -1.0), pair, strict=True)]


def _asked(reached: Reached) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((trait, round(share, 9)) for trait, share in reached.target.shares.items()))
