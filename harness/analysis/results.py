"""The finished cells of a runs folder: which of them count, and what was read of each. Needs no torch, no Inspect."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.analysis.grouping import grouped
from harness.cells import Cell, current_key
from harness.documents import Json
from harness.errors import HarnessError
from harness.registry import installed, using
from harness.runs import (
    CapabilityRow,
    Check,
    Gate,
    RunRecord,
    SeenLines,
    check_seal,
    failed,
    is_finished,
    read_capabilities,
    read_checks,
    read_observations,
    read_run,
    run_folders,
    with_calibrations,
)
from harness.stats import Observation, Observations

SETTLING_SECONDS = 0.1  # in which one folder takes the place of another
KeyOf = Callable[[Cell, str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One metric of one capability task under a condition, of `n` documents, with lm-eval's standard error."""

    task: str
    condition: str
    metric: str
    value: float
    stderr: float | None
    n: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished cell: its record, what it was made from, its judged replies.

    `inputs` has one name for each thing that the run was made from: a vector counts by its own name. `values` holds one
    observation per case and sample, by (condition, metric), in the order of the file. `checks` holds what a judge and
    its second judge gave each reply. `capabilities` are those of the run as it is now.
    """

    folder: Path
    record: RunRecord
    inputs: Mapping[str, Json]
    values: Mapping[tuple[str, str], Sequence[Observation]]
    checks: Sequence[Check] = ()
    capabilities: Sequence[Capability] = ()

    @property
    def cell(self) -> Cell:
        """Which cell it is."""
        return self.record.cell

    @property
    def model(self) -> str:
        """The digest of the model, the same wherever the model was read from, and its engine if that is not torch."""
        return self.record.respondent

    @property
    def failed(self) -> Mapping[str, Gate]:
        """The gates that failed, by name."""
        return failed(self.record.gates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The runs that count, and the folders left out: unfinished ones, and stale ones with the reason."""

    folder: Path
    runs: tuple[Run, ...]
    unfinished: tuple[Path, ...]
    stale: tuple[tuple[Path, str], ...]


def load(runs: Path, *, settings: Sequence[str] = (), key_of: KeyOf = current_key) -> Results:
    """The finished cells under `runs`, of `settings` alone if any are named, sorted by folder.

    Of several runs of one cell only one counts: the one whose key the installed code would give (`key_of`
    a recorded cell and number type, by what was calibrated beside the runs), else the newest. A broken file is a
    HarnessError with its place.
    """
    if not runs.is_dir():
        raise HarnessError(f"no runs folder at {runs}; name it with --runs, or fill it with 'harness run'")
    with no_collection():
        found = [(folder, _record(folder)) for folder in run_folders(runs)]
    if not found:
        raise HarnessError(f"no run in {runs}; name another folder with --runs, or fill it with 'harness run'")
    wanted = [(at, record) for at, record in found if not settings or record.cell.setting in settings]
    done = [(at, record) for at, record in wanted if is_finished(at, record)]
    whole = {at for at, _ in done}
    with using(with_calibrations(installed(), runs, {record.cell.setting for _, record in done})):
        kept, stale = _current(done, key_of, lambda record: record.cell)
        kept, twice = _current(kept, key_of, _by_content)
    with no_collection():
        lines: dict[str, SeenLines] = {}
        counted = tuple(_settled(at, record, lines.setdefault(record.cell.setting, SeenLines())) for at, record in kept)
    return Results(
        folder=runs,
        runs=counted,
        unfinished=tuple(at for at, _ in wanted if at not in whole),
        stale=(*stale, *twice),
    )


def load_run(folder: Path) -> Run:
    """The finished run in `folder`, whatever else there is of its cell; HarnessError with the place that is broken."""
    return _settled(folder, _record(folder), SeenLines())


def pooled(runs: Iterable[Run], condition: str, metric: str) -> Observations:
    """The judged replies of all `runs` under one condition. Of an arm, ask `Arm.replies`, which pools them once."""
    return Observations(seen for run in runs for seen in run.values.get((condition, metric), ()))


@contextmanager
def no_collection() -> Iterator[None]:
    """Holds the garbage collector still: it would look through a million observations again and again, for nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


Found = tuple[Path, RunRecord]


def _current(
    done: Sequence[Found], key_of: KeyOf, cell_of: Callable[[RunRecord], Cell]
) -> tuple[list[Found], tuple[tuple[Path, str], ...]]:
    """The one run of each cell that counts, and the others, each with the reason why it does not."""
    by_cell = grouped(done, lambda one: cell_of(one[1]))
    kept: list[Found] = []
    stale: list[tuple[Path, str]] = []
    for same in by_cell.values():
        if len(same) == 1:
            kept += same
            continue
        newest = max(same, key=lambda one: (one[1].created, str(one[0])))
        chosen = next((one for one in same if one[1].key == key_of(one[1].cell, one[1].dtype)), None)
        reason = (
            "a newer run of the same cell counts" if chosen is None else "made from other inputs than now installed"
        )
        kept.append(chosen or newest)
        stale += [(at, reason) for at, _ in same if at != kept[-1][0]]
    return kept, tuple(stale)


def _by_content(record: RunRecord) -> Cell:
    """The cell with its model by content: one model may lie in several places."""
    return replace(record.cell, model=record.model_digest, vector_grader="")


def _record(at: Path) -> RunRecord:
    """The record of the run that was just seen in `at`."""
    found = read_run(at)
    if found is None:
        time.sleep(SETTLING_SECONDS)
        found = read_run(at)
    if found is None:
        raise HarnessError(f"{at} was taken away while it was read; give the same command again")
    return found


def _settled(at: Path, record: RunRecord, lines: SeenLines) -> Run:
    """The run in `at`; read again where a merge, a run or a grader may just have put another in its place."""
    try:
        return _run(at, record, lines)
    except HarnessError:
        time.sleep(SETTLING_SECONDS)
        return _run(at, _record(at), lines)


def _run(at: Path, record: RunRecord, lines: SeenLines) -> Run:
    check_seal(at)
    values = read_observations(at, record.cell.seed, record, lines)
    if not values:
        raise HarnessError(f"{at}: results.jsonl is empty; 'harness rejudge' writes it again from the replies")
    return Run(
        folder=at,
        record=record,
        inputs=_inputs(record),
        values=values,
        checks=read_checks(at, record),
        capabilities=tuple(_capabilities(read_capabilities(at, record))),
    )


def _inputs(record: RunRecord) -> dict[str, Json]:
    inputs: dict[str, Json] = {"judges": record.judges, **record.inputs}
    inputs.pop("vectors", None)
    return {**inputs, **{f"vector {name}": key for name, key in record.vector_keys.items()}}


def _capabilities(rows: Iterable[CapabilityRow]) -> Iterator[Capability]:
    for row in rows:
        for task, told in row.results.items():
            for metric, figure in told.metrics.items():
                yield Capability(
                    task=f"{task}, in chats" if row.chat_template else task,
                    condition=row.condition,
                    metric=metric,
                    value=figure.value,
                    stderr=figure.stderr,
                    n=told.n,
                )
