"""The cells of an experiment, checked and keyed, each with the job of doing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.cells import Prepared, bases_of, prepared
from harness.errors import HarnessError, OutOfReach
from harness.sweep.experiment import Experiment
from harness.sweep.work import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One cell checked and keyed, its rows left out, and the job of doing it. `beside`: there to compare with."""

    cell: Prepared
    job: Job
    beside: bool


def planned(experiment: Experiment) -> list[Planned]:
    """The experiment's cells, after the untrained models that they are compared with; call it within its registry."""
    cells = []
    for cell in experiment.cells:
        try:
            cells.append(_planned(prepared(cell), beside=False))
        except HarnessError as error:
            told = f"{experiment.file}: {cell.setting}/{cell.arm} s{cell.seed}: {error}"
            raise (OutOfReach if isinstance(error, OutOfReach) else HarnessError)(told) from error
    return [_planned(base, beside=True) for base in bases_of([one.cell for one in cells])] + cells


def key_of(experiment: Experiment, cells: Sequence[Planned]) -> str:
    """The experiment's key, from its own cells."""
    return experiment.key([one.cell.key for one in cells if not one.beside])


def _planned(cell: Prepared, *, beside: bool) -> Planned:
    from harness.planning import expected_work, worker_memory

    job = Job(
        cell=cell.cell,
        title=f"{cell.title}, {cell.cell.scale}, {cell.cell.trained_on(cell.model.name)}",
        model=cell.model.digest,
        work=expected_work(cell),
        gpus=cell.recipe.gpus,
        memory=worker_memory(cell),
    )
    # Hundreds of cells, each with its thousands of rows, would fill the memory.
    return Planned(cell=replace(cell, rows=(), unedited=()), job=job, beside=beside)
