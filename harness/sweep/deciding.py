"""Seeds added look by look until the claims of an experiment are decided; arms that no open claim needs get no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cells import BASE, Cell, Prepared
from harness.errors import HarnessError
from harness.registry import Registry, installed, using
from harness.sweep.experiment import Experiment
from harness.sweep.locking import arm_of, claims_of, model_of
from harness.sweep.schedule import Finished
from harness.sweep.sweeping import Swept, Where, sweep

if TYPE_CHECKING:
    from harness.claims import Claims, LockedLooks, Standing

Group = tuple[str, str, str]
"""A scale, the digest of a model and the layers named for its adapter: claims are decided for each by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a sweep by looks came to: its cells, where every claim stands, and the seeds at its last look."""

    swept: Swept
    standings: tuple[Standing, ...]
    seeds: int


def planned_by_looks(experiment: Experiment, runs: Path, *, most: int | None = None) -> LockedLooks:
    """The plan that the lock in `runs` has, unless `most` seeds are asked for; else one with a look at every seed.

    The experiment's own seeds come first, then the whole numbers after them. HarnessError where the claims were locked
    without looks, or where there is no plan of so many seeds.
    """
    from harness.claims import ALPHA, LockedLooks, planned_looks
    from harness.stats import MOST, every_seed

    claims_of(experiment)
    fixed = planned_looks(runs)
    if fixed is not None and most is None:
        return fixed
    seeds = list(dict.fromkeys(cell.seed for cell in experiment.cells if cell.intervention != BASE))
    number = max(MOST, len(seeds)) if most is None else most
    _check_most(number, seeds)
    following = max(seeds, default=-1) + 1
    seeds += range(following, following + number - len(seeds))
    plan = every_seed(number)
    return LockedLooks(seeds=tuple(seeds), at=plan.at, spending=plan.spending, alpha=ALPHA)


def at_most(experiment: Experiment, looks: LockedLooks) -> Experiment:
    """The experiment with every cell that a sweep by `looks` may come to, and what it may cost at most in words."""
    claims = claims_of(experiment)
    arms = _arms(experiment)
    needed = [arm for arm in arms if _is_needed(arm, claims)]
    first, most = (len(needed) * number for number in (looks.at[0], looks.plan.most))
    lines = [
        f"{looks}: {first} cells at the first, {most} at most, which take {most / max(first, 1):.1f} times as much; "
        "cells that no open claim needs are left out"
    ]
    spare = [f"{arm.setting}/{arm.arm}" for arm in arms if arm not in needed]
    if spare:
        lines.append(f"left out, since no claim needs it: {', '.join(spare)}")
    cells = tuple(replace(arm, seed=seed) for seed in looks.seeds for arm in needed)
    return replace(experiment, cells=cells, left_out=(*experiment.left_out, *lines))


def first_look(experiment: Experiment, looks: LockedLooks) -> Experiment:
    """Of `at_most` the cells of the first look, to plan by: all others are like them."""
    whole = at_most(experiment, looks)
    return replace(whole, cells=tuple(cell for cell in whole.cells if cell.seed in looks.seen(0)))


def until_decided(
    experiment: Experiment,
    runs: Path,
    where: Where | None = None,
    *,
    looks: LockedLooks,
    plugins: Callable[[], Registry] = installed,
    tell: Callable[[int, Sequence[Standing]], None] = lambda seeds, standings: None,
) -> Decided:
    """Does the cells of each look, sees which claims it leaves open, and stops when there is none.

    What a look says is read off the finished cells of its seeds alone, so a sweep that was killed goes on where it was.
    `tell` hears of every look.
    """
    with using(experiment.registry(plugins())):
        claims = claims_of(experiment)
        needed = [arm for arm in _arms(experiment) if _is_needed(arm, claims)]
        if not needed:
            raise HarnessError(f"{experiment.file}: no claim of {claims.file} compares any of its arms")
    parts: list[Swept] = []
    standings: tuple[Standing, ...] = ()
    before = 0
    for look, number in enumerate(looks.at):
        cells = tuple(replace(arm, seed=seed) for seed in looks.seeds[before:number] for arm in needed)
        parts.append(sweep(replace(experiment, cells=cells), runs, where, plugins=plugins))
        before = number
        if not parts[-1].any_done:
            break
        with using(experiment.registry(plugins())):
            found = _standings(claims, runs, experiment, looks, look)
            needed = [arm for arm in needed if _is_needed(arm, claims, found[_group(arm)])]
        standings = tuple(one for group in found.values() for one in group)
        tell(number, standings)
        if not needed:
            break
    return Decided(swept=_together(parts), standings=standings, seeds=before)


def _check_most(number: int, seeds: Sequence[int]) -> None:
    from harness.claims import MOST_LOOKS
    from harness.stats import FIRST

    if not FIRST <= number <= MOST_LOOKS:
        raise HarnessError(f"--most-seeds {number} is no plan of looks; write a number from {FIRST} to {MOST_LOOKS}")
    if number < len(seeds):
        raise HarnessError(f"the experiment names {len(seeds)} seeds; write --most-seeds {len(seeds)} or more")


def _arms(experiment: Experiment) -> list[Cell]:
    """Each trained arm once, as a cell without its seed."""
    return list(dict.fromkeys(arm_of(cell) for cell in experiment.cells if cell.intervention != BASE))


def _is_needed(arm: Cell, claims: Claims, standings: Sequence[Standing] | None = None) -> bool:
    """Whether a claim needs the arm: any, or one that goes on by `standings`."""
    from harness.claims import needs

    going_on = None if standings is None else {one.name for one in standings if one.goes_on}
    return any(
        needs(claim, arm.arm)
        for claim in claims.value.claims
        if claim.setting == arm.setting and (going_on is None or claim.name in going_on)
    )


def _standings(
    claims: Claims, runs: Path, experiment: Experiment, looks: LockedLooks, look: int
) -> Mapping[Group, tuple[Standing, ...]]:
    """Where the claims stand after a look, for each scale and model of the experiment."""
    from harness import analysis
    from harness.claims import standings

    results = analysis.load(runs, settings=experiment.settings)
    found = {}
    for scale, model, layers in dict.fromkeys(_group(arm) for arm in _arms(experiment)):
        there = (run for run in results.runs if (run.cell.scale, run.model) == (scale, model))
        own = tuple(run for run in there if run.cell.lora_targets == layers or run.cell.intervention == BASE)
        studies = analysis.studies(replace(results, runs=own), installed())
        found[scale, model, layers] = standings(claims, studies, installed(), looks=looks, look=look)
    return found


def _group(arm: Cell) -> Group:
    return arm.scale, model_of(arm), arm.lora_targets


def _together(parts: Sequence[Swept]) -> Swept:
    """What the sweeps of all looks came to, each cell once."""
    finished: list[Finished] = [one for part in parts for one in part.finished]
    ended = {one.job.cell for one in finished}
    return Swept(key=parts[0].key, before=tuple(_once(parts, ended)), finished=tuple(finished))


def _once(parts: Iterable[Swept], ended: set[Cell]) -> Iterator[Prepared]:
    seen = set(ended)
    for part in parts:
        for cell in part.before:
            if cell.cell not in seen:
                seen.add(cell.cell)
                yield cell
