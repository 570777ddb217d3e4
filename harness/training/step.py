"""The step that trains: rows and a steering to an adapter, and what that took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.cells import Prepared, rendered_rows
from harness.engine import TorchEngine, additions, chat, load
from harness.models import materialise
from harness.runs import CHECKPOINT, RunRecord, Step, is_trained, read_training, training_gates
from harness.screen import bar
from harness.training.loop import train
from harness.training.schedule import batches
from harness.vectors import steered_as, vector_lookup


def train_cell(cell: Prepared, record: RunRecord, folder: Path, vectors: Mapping[str, Path]) -> RunRecord:
    """Trains the adapter of `cell` in `folder`, unless it is there, steered by `vectors`. The record with what it took.

    HarnessError where the adapter that is there is cut or was changed.
    """
    if is_trained(folder):
        (folder / CHECKPOINT).unlink(missing_ok=True)  # of a process that ended just before it did this
    else:
        _train(cell, folder, vectors)
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


def _train(cell: Prepared, folder: Path, vectors: Mapping[str, Path]) -> None:
    model, tokenizer = load(materialise(cell.model))
    engine = TorchEngine.around(model, tokenizer, cell.dtype, vector_lookup(vectors, cell.vectors))
    rows = rendered_rows(cell, tokenizer)
    steps = len(batches([len(row.ids) for row in rows], cell.recipe, cell.cell.seed))
    with bar(f"train {cell.title}", total=steps, unit="tok") as advance:
        train(
            model,
            rows,
            cell.recipe,
            dtype=engine.dtype,
            seed=cell.cell.seed,
            folder=folder,
            additions=additions(engine, cell.steering) if cell.steering else None,
            row_ids=[row.id for row in cell.rows],
            template=chat.template_digest(tokenizer, system=cell.recipe.system),
            steering=steered_as(engine, cell.steering) if cell.steering else None,
            key=cell.key,
            advance=lambda done, tokens: advance(steps=done, count=tokens),
        )
