"""Fine-grained control: how near an arm comes to a balance of traits that was asked for.

A balance is a share for each of several traits, adding up to 1. What an arm reached is the mean of each trait's
metric in clean, divided by their sum: what went to no trait (English, say) is told apart. The error is the
total variation distance, half the sum of absolute differences: the share that would have to move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harness.analysis.arms import Arm
from harness.analysis.result_tables import Table
from harness.analysis.studies import Study
from harness.analysis.targets import Target
from harness.contracts import CLEAN
from harness.errors import HarnessError, unknown
from harness.stats import Estimate, Grid, Observation, estimate_linear


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What an arm made of a target: its shares, the share that went to no trait, and the error with its interval."""

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
    found: list[tuple[Reached, tuple[Observation, ...]]] = []
    missing = []
    for target in targets:
        matching = [(table, arm) for table in tables for arm in table.arms if _is_meant(target, table, arm)]
        if not matching:
            missing.append(f"{target.setting}/{target.arm}")
        found += [_reached(target, table, arm) for table, arm in matching]
    return Balances(
        reached=tuple(reached for reached, _ in found), controls=tuple(_controls(found)), missing=tuple(missing)
    )


def paired(table: Study, targets: Sequence[Target], first: str, second: str) -> list[Observation]:
    """The error of intervention `first` minus that of `second`, reply by reply, over the targets that both were set."""
    sides = []
    for name in (first, second):
        own = [target for target in targets if target.intervention == name]
        sides.append([_reached(one, table, arm) for one in own for arm in table.arms if _is_meant(one, table, arm)])
    return _differences(*sides)[0]


def _is_meant(target: Target, table: Study, arm: Arm) -> bool:
    wanted = (target.setting, target.intervention, target.weights, target.dose)
    return (table.setting, arm.intervention, arm.weights, arm.dose) == wanted


def _reached(target: Target, table: Study, arm: Arm) -> tuple[Reached, tuple[Observation, ...]]:
    """The target's outcome, and its error as a sum over replies, for means and differences over targets."""
    rows = list(_replies(target, arm))
    judged = np.array([values for _, values in rows if values is not None])
    if not len(judged) or not judged.sum():
        raise HarnessError(
            f"{table.setting}/{arm.label} gave no reply with a share of any of {', '.join(target.shares)}"
        )
    asked = np.array(list(target.shares.values()))
    means = judged.mean(0)
    shares = means / means.sum()
    sides = np.sign(shares - asked)
    error = float(np.abs(shares - asked).sum()) / 2

    def part(values: Grid) -> float:
        """What a reply adds to the error: its value, were the error linear (the delta method)."""
        return error + float(sides @ (values - shares * values.sum())) / (2 * float(means.sum()))

    parts = tuple(replace(seen, value=None if values is None else part(values)) for seen, values in rows)
    return (
        Reached(
            target=target,
            scale=table.scale,
            model=table.model,
            seeds=arm.seeds,
            shares=dict(zip(target.shares, map(float, shares), strict=True)),
            elsewhere=max(0.0, 1 - float(means.sum())),
            error=_from_0(estimate_linear(parts), error),
        ),
        parts,
    )


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


def _from_0(found: Estimate, error: float) -> Estimate:
    """An error is never below 0; its mean is exact, whatever rounding the sum over replies brought."""
    return replace(found, mean=error, low=None if found.low is None else max(0.0, found.low))


def _controls(found: Sequence[tuple[Reached, tuple[Observation, ...]]]) -> Iterator[Control]:
    """The mean error of each intervention, and the difference of each two over the targets that both were set."""
    groups: dict[tuple[str, str, str], dict[str, list[tuple[Reached, tuple[Observation, ...]]]]] = {}
    for reached, parts in found:
        place = (reached.target.setting, reached.scale, reached.model)
        groups.setdefault(place, {}).setdefault(reached.target.intervention, []).append((reached, parts))
    for (setting, scale, model), arms in groups.items():
        for name, own in arms.items():
            pooled = [part for _, parts in own for part in parts]
            mean = sum(float(reached.error.mean or 0.0) for reached, _ in own) / len(own)
            yield Control(
                setting=setting,
                scale=scale,
                model=model,
                intervention=name,
                against="",
                targets=len(own),
                error=_from_0(estimate_linear(pooled), mean),
            )
        for one, other in combinations(arms, 2):
            differences, targets = _differences(arms[one], arms[other])
            if targets:
                yield Control(
                    setting=setting,
                    scale=scale,
                    model=model,
                    intervention=one,
                    against=other,
                    targets=targets,
                    error=estimate_linear(differences),
                )


def _differences(
    first: Sequence[tuple[Reached, tuple[Observation, ...]]], second: Sequence[tuple[Reached, tuple[Observation, ...]]]
) -> tuple[list[Observation], int]:
    """The parts of one arm's errors minus those of the other's, reply by reply, over targets and seeds of both."""
    others = {_asked(reached): parts for reached, parts in second}
    pairs = [(parts, others[_asked(reached)]) for reached, parts in first if _asked(reached) in others]
    rows: list[Observation] = []
    for own, against in pairs:
        theirs = _numbered(against)
        for place, seen in _numbered(own).items():
            value = theirs[place].value if place in theirs else None
            rows.append(replace(seen, value=None if seen.value is None or value is None else seen.value - value))
    return rows, len(pairs)


def _asked(reached: Reached) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((trait, round(share, 9)) for trait, share in reached.target.shares.items()))


def _numbered(parts: Sequence[Observation]) -> dict[tuple[int, str, int], Observation]:
    """Parts by seed, cluster and how many of that cluster came before."""
    seen: dict[tuple[int, str], int] = {}
    found = {}
    for part in parts:
        number = seen.get((part.seed, part.cluster), 0)
        seen[part.seed, part.cluster] = number + 1
        found[part.seed, part.cluster, number] = part
    return found
