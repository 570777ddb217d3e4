"""What a sweep would do, what its cells share, and about what it takes; nothing is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cells import vector_file
from harness.errors import OutOfReach
from harness.registry import installed, using
from harness.screen import at_most
from harness.sweep.experiment import Experiment
from harness.sweep.local import visible_gpus
from harness.sweep.planned import Planned, key_of, planned
from harness.sweep.sweeping import Where

if TYPE_CHECKING:
    from harness.planning import Plan, Stated


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPlan:
    """The plans of an experiment's cells, and `shared`: what is made once for several of them, a line each.

    `memory` is what a worker takes at the peak of each cell that is left, in bytes. `not_planned` has a line for each
    setting with data that is nowhere to be had here; with any, the experiment has no `key` yet.
    """

    experiment: Experiment
    key: str
    plans: tuple[Plan, ...]
    shared: tuple[str, ...]
    memory: tuple[int | None, ...] = ()
    not_planned: tuple[str, ...] = ()

    @property
    def hours(self) -> float | None:
        """The hours of one worker for what is left to do; None where a cell's are not known."""
        return None if self.not_planned else _hours(self.plans)

    def cost(self, where: Where, hourly_price: float | None) -> str:
        """Tokens, time and money in one line."""
        said = _cost(self.plans, where) + self._memory(where)
        hours = self.hours
        return (
            said
            if hours is None or hourly_price is None
            else f"{said}; {hours * hourly_price:.2f} at {hourly_price:g} an hour"
        )

    def _memory(self, where: Where) -> str:
        """What the workers take at most, where that is known."""
        known = sorted(one for one in self.memory if one is not None)
        if not known:
            return ""
        workers = where.jobs or 1
        takes = sum(known[-workers:])
        together = f", {takes / 1e9:.1f} GB for all" if workers > 1 else ""
        return f"; about {known[-1] / 1e9:.1f} GB of memory at a worker's peak{together}{_beyond(takes, where)}"


def _beyond(takes: int, where: Where) -> str:
    """That so much memory is more than this machine has, where the workers would be on it and use no GPU."""
    import psutil

    has = psutil.virtual_memory().total
    if where.cluster or takes <= has or visible_gpus():
        return ""
    return f", MORE THAN THIS MACHINE HAS, {has / 1e9:.1f} GB: the system may end them; take a smaller model"


def plan(
    experiment: Experiment, runs: Path, *, measure: bool = False, stated: Stated | None = None, price: str = ""
) -> SweepPlan:
    """What `experiment` would do with what is in `runs`; `harness.planning.plan` says what its time and prices are by.

    A setting with data that is nowhere to be had is named and left out; OutOfReach where nothing else is left.
    """
    from harness import planning

    with using(experiment.registry(installed())):
        cells, lacking = _within_reach(experiment)
        asked = [one.cell.cell for one in cells]
        plans = tuple(planning.plan(asked, runs, measure=measure, stated=stated, price=price))
    return SweepPlan(
        experiment=experiment,
        key="" if lacking else key_of(experiment, cells),
        plans=plans,
        shared=tuple(_shared(cells, plans, runs)),
        memory=tuple(one.job.memory for one, its in zip(cells, plans, strict=True) if not its.done),
        not_planned=lacking,
    )


def _within_reach(experiment: Experiment) -> tuple[list[Planned], tuple[str, ...]]:
    """The cells of the settings that have their data, and why the others have not, a line each."""
    cells: list[Planned] = []
    lacking: list[OutOfReach] = []
    for name in experiment.settings:
        try:
            cells += planned(experiment.of(name))
        except OutOfReach as error:
            lacking.append(error)
    if not cells and lacking:
        raise lacking[0]
    return cells, tuple(f"not planned: {error}" for error in lacking)


def expected(experiment: Experiment, runs: Path, where: Where) -> str:
    """How many cells are to do and about how long that takes, in one line, where this machine was measured before."""
    from harness import planning

    with using(experiment.registry(installed())):
        cells = [one.cell.cell for one in planned(experiment)]
        plans = planning.plan(cells, runs, measure=False)
    todo = sum(not one.done for one in plans)
    return f"{todo} of {len(cells)} cells to do; {_cost(plans, where)}"


def _shared(cells: Sequence[Planned], plans: Sequence[Plan], runs: Path) -> list[str]:
    untrained = sum(one.beside for one in cells)
    lines = [f"shared: {_counted(untrained, 'untrained model')} evaluated once, to compare with"] if untrained else []
    waiting = {one.folder for one in plans if not one.done}
    vectors = Counter(
        file
        for one in cells
        if one.cell.folder(runs) in waiting
        for name, key in one.cell.vectors.items()
        if not (file := vector_file(runs, name, key)).is_file()
    )
    lines += [f"shared: vector {file.stem} extracted once, for {_counted(n, 'cell')}" for file, n in vectors.items()]
    models = {one.cell.model.digest: one.cell.model.name for one in cells}
    return [*lines, f"shared: {_counted(len(models), 'model')} fetched or converted once: {', '.join(models.values())}"]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _hours(plans: Sequence[Plan]) -> float | None:
    seconds = [one.seconds for one in plans if not one.done]
    known = [one for one in seconds if one is not None]
    return sum(known) / 3600 if len(known) == len(seconds) else None


def _cost(plans: Sequence[Plan], where: Where) -> str:
    todo = [one for one in plans if not one.done]
    tokens = sum(one.train_tokens for one in todo), sum(one.reply_tokens for one in todo)
    said = f"cost: {tokens[0]:,} tokens trained on, at most {tokens[1]:,} written"
    hours = _hours(plans)
    if hours is None:
        absent = any(one.estimated for one in todo)
        why = (
            "a model is not on this machine; state its speed with --speed"
            if absent
            else "it was not measured here: --dry-run --measure does"
        )
        return f"{said}; time not known, since {why}"
    said += f"; {at_most(hours * 3600)} of one worker"
    if (where.jobs or 1) > 1:
        longest = max((one.seconds or 0.0 for one in todo), default=0.0)
        said += f", {at_most(max(longest, hours * 3600 / (where.jobs or 1)))} for {where.jobs} at once"
    return said
