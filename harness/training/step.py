"""The step that trains: rows and a steering to an adapter, and what that took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.calls import PluginFault
from harness.cells import Prepared, rendered_rows, rows_digest, training_rows
from harness.engine import TorchEngine, chat
from harness.runs import CHECKPOINT, Made, RunRecord, Step, is_trained, keep_rows, read_training, training_gates
from harness.training.beneath import Beneath, model_upon, train_missing
from harness.training.choosing import chosen
from harness.training.learner import Heard
from harness.training.lesson import lesson_of
from harness.training.loop import steps_shown, train
from harness.training.rewriting import rewritten
from harness.vectors import steered_as, vector_lookup


def train_cell(
    cell: Prepared,
    record: RunRecord,
    folder: Path,
    vectors: Mapping[str, Path],
    *,
    root: Path,
    heard: Heard | None = None,
) -> RunRecord:
    """Trains the adapter of `cell` in `folder`, unless it is there, steered by `vectors`. The record with what it took.

    `heard` is told of each step.

    What has to be made first, an adapter, replies, likelihoods, is made before, under `root`, where it is missing.
    HarnessError where the adapter that is there is cut or was changed.
    """
    first = _made_first(cell, record, root)
    cell, record = first.cell, first.record
    if cell.changes.makes_rows:
        keep_rows(folder, training_rows(cell))
    if is_trained(folder):
        (folder / CHECKPOINT).unlink(missing_ok=True)  # of a process that ended just before it did this
    else:
        _train(cell, folder, vectors, first.beneath, heard)
    made = read_training(folder, record)
    took = Step(seconds=made.seconds, tokens=made.tokens, steps=made.steps)
    return replace(
        record,
        steps={**record.steps, "train": took},
        steering=made.steering,
        gates={**record.gates, **training_gates(made)},
        made=replace(
            record.made, adapter_sha256=made.sha256, template=made.template, truncated_rows=made.truncated_rows
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _First:
    """A cell with the rows that are trained on, its record with what these took, and what stands below its adapter."""

    cell: Prepared
    record: RunRecord
    beneath: Beneath | None = None


def _made_first(cell: Prepared, record: RunRecord, root: Path) -> _First:
    with _named(cell):
        written, beneath = rewritten(cell, root), train_missing(cell, root)
        cell = written.cell if written else cell
        picked = chosen(cell, root)
        cell = picked.cell if picked else cell
    if written is not None:
        record = _noted(record, "replies", written.took, record.made)
    if beneath is not None:
        record = _noted(record, "adapter", beneath.took, replace(record.made, under_sha256=beneath.sha256))
    if picked is not None:
        record = _noted(record, "likelihoods", picked.took, record.made)
    if picked is not None and (taught := picked.taught) is not None:
        record = _noted(record, "taught", taught.took, replace(record.made, taught_sha256=taught.sha256))
    if cell.changes.makes_rows:
        record = replace(record, made=replace(record.made, rows_sha256=rows_digest(cell.rows)))
    return _First(cell=cell, record=record, beneath=beneath)


def _noted(record: RunRecord, step: str, took: Step | None, made: Made) -> RunRecord:
    """The record with what came before training, and what that took, if it was not there."""
    steps = record.steps if took is None else {**record.steps, step: took}
    return replace(record, steps=steps, made=made)


def _train(
    cell: Prepared, folder: Path, vectors: Mapping[str, Path], beneath: Beneath | None, heard: Heard | None
) -> None:
    model, tokenizer = model_upon(cell, beneath)
    engine = TorchEngine.around(model, tokenizer, cell.dtype, vector_lookup(vectors, cell.vectors))
    rows = rendered_rows(cell, tokenizer)
    shown = steps_shown(f"train {cell.title}", rows, cell.recipe, cell.cell.seed, change=cell.changes.training)
    with shown as advance, _named(cell):
        train(
            model,
            rows,
            cell.recipe,
            dtype=engine.dtype,
            seed=cell.cell.seed,
            folder=folder,
            lesson=lesson_of(cell, engine),
            row_ids=[row.id for row in cell.rows],
            template=chat.template_digest(tokenizer, system=cell.recipe.system),
            steering=steered_as(engine, cell.steering) if cell.steering else None,
            key=cell.key,
            base=cell.model.hub or cell.model.name,
            advance=advance,
            heard=heard,
        )


@contextmanager
def _named(cell: Prepared) -> Iterator[None]:
    """What a function of the arm does amiss is said with the cell."""
    try:
        yield
    except PluginFault as error:
        raise PluginFault(f"{cell.title}: {error}") from error
