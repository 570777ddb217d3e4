"""The main flow: rows, vectors, an adapter, replies, results; each step's files are the next one's input.

A step whose files are there is not done again, so a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness import grading, runs, tracking, training, vectors
from harness.cells import (
    Cell,
    Fit,
    Prepared,
    bases_of,
    check_prompts,
    left_out,
    prepared,
    rendered_rows,
    told_left_out,
    training_rows,
    vector_file,
)
from harness.documents import frozen
from harness.engine import load_tokenizer, trim
from harness.errors import HarnessError
from harness.files import check_clock, check_inspect_home, clear_halves, locked
from harness.judging import asking, rule_judges
from harness.models import as_dtype, materialise
from harness.registry import installed
from harness.runs import FittedBy, Made, RunRecord
from harness.screen import say
from harness.serving import EngineChoice, ServedModels

if TYPE_CHECKING:
    from harness.graders import ModelGrader


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A cell's run folder, and whether anything was left to do there."""

    folder: Path
    fresh: bool


def run(
    cells: Sequence[Cell],
    root: Path,
    *,
    force: bool = False,
    grader: ModelGrader | None = None,
    engine: EngineChoice | None = None,
) -> list[Path]:
    """Trains and evaluates what is missing of `cells` under `root`, and gives their run folders in order.

    The untrained model is evaluated once for each setting, scale and model. Every cell is checked before
    the first one starts; `force` begins the named cells anew. Judges that ask a grader ask `grader` once the rest of
    a cell is done, or are left out. Cells of another engine than torch need it as `engine`; all are trained before the
    first of them is evaluated, since both want the memory of a GPU.
    """
    wanted = [prepared(cell) for cell in cells]
    for name in dict.fromkeys(cell.cell.vector_grader for cell in wanted):
        vectors.opened_grader(name)  # one that is not there is told of before any work
    bases = bases_of(wanted)
    if grader is not None and any(_will_ask(cell, root, grader) for cell in (*wanted, *bases)):
        grader.check()
    for cell in (*wanted, *bases):
        if force or not is_done(cell, root):
            check(cell)
    for cell in {(cell.cell.setting, cell.cell.scale): cell for cell in wanted}.values():
        for line in told_left_out(cell.setting, cell.cell.scale):
            say(line)
    for note in dict.fromkeys(cell.fit.told(root) for cell in wanted if cell.fit.note):
        say(f"note: {note}")
    if engine is not None:
        for base in bases:
            train(base, root, wait=True)
        for cell in wanted:
            train(cell, root, force=force)
    with answering(engine):
        for base in bases:
            run_cell(base, root, wait=True, grader=grader)
        return [run_cell(cell, root, force=force and engine is None, grader=grader).folder for cell in wanted]


@contextmanager
def answering(engine: EngineChoice | None) -> Iterator[None]:
    """Inside the block, cells of `engine` can be evaluated; its server, if it has one here, ends with the block."""
    if engine is None:
        yield
        return
    from harness import evaluation

    loader = ServedModels(engine)
    with evaluation.engines(engine.name, loader):
        try:
            yield
        finally:
            loader.stop()  # at first, so that nobody waits for it


def train(cell: Prepared, root: Path, *, force: bool = False, wait: bool = False) -> None:
    """Does what is missing of one cell up to its adapter; Busy when another process is at it, unless told to `wait`."""
    folder = cell.folder(root)
    with locked(folder, wait=wait):
        record = _begun(cell, folder, force=force)
        if record.status != "done":
            with tracking.followed(cell, folder) as heard:
                _trained(cell, record, folder, root, heard)


def check(cell: Prepared) -> None:
    """HarnessError where the model of `cell` is unsound, lacks a layer that is named, or would not be told what its
    rows and prompts say.

    The model is fetched or converted if need be; of it the tokenizer alone is loaded.
    """
    check_clock()
    folder = materialise(cell.model)
    if cell.cell.lora_targets:
        training.check_layers(folder, cell.recipe.lora)
    tokenizer = load_tokenizer(folder)
    rendered_rows(cell, tokenizer)
    check_prompts(cell, tokenizer)


def run_cell(
    cell: Prepared, root: Path, *, force: bool = False, wait: bool = False, grader: ModelGrader | None = None
) -> Ran:
    """Does what is missing of one cell; Busy when another process is at it, unless told to `wait`."""
    folder = cell.folder(root)
    with locked(folder, wait=wait):
        record = _begun(cell, folder, force=force)
        missing = not _is_done(cell, record, folder)
        if not missing and (grader is None or grading.is_graded(cell.setting, record, grader)):
            return Ran(folder=folder, fresh=False)
        with tracking.followed(cell, folder) as heard:
            if missing:
                record = _completed(cell, record, folder, root, heard)
            if grader is not None and not grading.is_graded(cell.setting, record, grader):
                grading.grade(folder, cell.setting, record, grader=grader)
    return Ran(folder=folder, fresh=True)


def _completed(cell: Prepared, record: RunRecord, folder: Path, root: Path, heard: training.Heard) -> RunRecord:
    """The record of the cell, trained, asked and judged but for judges that want a grader who was not there."""
    check_inspect_home()  # before what takes hours, not after it
    if record.status != "done":
        record = _trained(cell, record, folder, root, heard)
    from harness import evaluation  # it brings Inspect, which a finished cell does not need

    record = _saved(evaluation.ask(cell, record, folder), folder)
    return grading.grade(folder, cell.setting, record, grader=grading.grader_of_before(cell.setting, record))


def _trained(cell: Prepared, record: RunRecord, folder: Path, root: Path, heard: training.Heard) -> RunRecord:
    """The record with vectors and, where there is one, adapter."""
    record, files = vectors.extract_missing(cell, record, root)
    if cell.intervention.trains:
        record = _saved(training.train_cell(cell, record, folder, files, root=root, heard=heard), folder)
        trim()  # replies are written in other pieces of memory than training took
    return record


def is_done(cell: Prepared, root: Path) -> bool:
    """Whether `cell` is trained, evaluated and graded by the judges that are installed."""
    folder = cell.folder(root)
    record = runs.read_run(folder)
    return record is not None and record.key == cell.key and _is_done(cell, record, folder)


def _is_done(cell: Prepared, record: RunRecord, folder: Path) -> bool:
    return runs.is_finished(folder, record) and grading.is_graded(cell.setting, record)


def _will_ask(cell: Prepared, root: Path, grader: ModelGrader) -> bool:
    record = runs.read_run(cell.folder(root))
    if record is None:
        return bool(asking(cell.setting, installed()))
    return not grading.is_graded(cell.setting, record, grader)


def _begun(cell: Prepared, folder: Path, *, force: bool) -> RunRecord:
    """The record of the cell, in a folder that is ready for the next step; `force` empties it first."""
    if force and folder.exists():
        shutil.rmtree(folder)
    clear_halves(folder)
    record = runs.read_run(folder)
    if record is None:
        materialise(cell.model)
    elif record.key != cell.key:
        raise HarnessError(f"{folder} holds another run than its name says; move it away and run again")
    if cell.intervention.trains and not cell.changes.makes_rows:
        runs.keep_rows(folder, training_rows(cell))
    if record is None:
        record = _saved(_new(cell), folder)
    if record.status != "done" and record.made.plain is None:  # begun by an older harness
        record = replace(record, made=replace(record.made, plain=cell.plain))
    return record


def _new(cell: Prepared) -> RunRecord:
    return RunRecord(
        cell=cell.cell,
        key=cell.key,
        status="running",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        inputs=frozen(cell.inputs),
        recipe=replace(cell.recipe, dtype=as_dtype(cell.dtype)),
        concept=cell.intervention.concept(cell.setting, cell.recipe),
        left_out=left_out(cell.setting, cell.cell.scale),
        judges=rule_judges(cell.setting, installed()),
        made=Made(
            reference=cell.cell.model,
            trains=cell.intervention.trains,
            dtype=cell.dtype,
            vectors={name: vector_file(Path(), name, key).as_posix() for name, key in cell.vectors.items()},
            plain=cell.plain,
        ),
        fit=FittedBy(calibration=cell.fit.calibration or None, note=cell.fit.note) if cell.fit != Fit() else None,
        versions=runs.versions(),
        commit=runs.commit(),
        hardware=runs.hardware(),
    )


def _saved(record: RunRecord, folder: Path) -> RunRecord:
    runs.write_run(folder, record)
    return record
