"""An adapter that is trained first, once for all cells that need the same: to stand below the one that learns, say."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.cells import Prepared, adapter_folder, adapter_key, rendered_row
from harness.contracts import FrozenAdapter
from harness.engine import TorchEngine, chat, load
from harness.errors import HarnessError
from harness.files import locked
from harness.models import materialise
from harness.runs import ADAPTER, CHECKPOINT, Step, is_trained, read_training
from harness.training.loop import steps_shown, train


@dataclass(frozen=True, slots=True, kw_only=True)
class Beneath:
    """The adapter in `folder`, of the digest `sha256`; `took` is what training it took, None where it was there."""

    folder: Path
    sha256: str
    took: Step | None = None


def train_missing(cell: Prepared, root: Path) -> Beneath | None:
    """What stands below the adapter of `cell`, trained under `root` where it is missing; None where nothing does.

    HarnessError where it is cut or was changed.
    """
    under = cell.changes.adapter.under if cell.changes.adapter else None
    return None if under is None else trained_first(cell, under, root)


def trained_first(cell: Prepared, under: FrozenAdapter, root: Path) -> Beneath:
    """The adapter `under`, trained by the recipe of `cell`, under `root` where it is missing.

    HarnessError where it is cut or was changed.
    """
    key = adapter_key(under, model=cell.model, dtype=cell.dtype, recipe=cell.recipe)
    folder = adapter_folder(root, under.name, key)
    began = time.monotonic()
    with locked(folder, wait=True):
        fresh = not is_trained(folder)
        if fresh:
            _train(cell, under, folder, key)
        (folder / CHECKPOINT).unlink(missing_ok=True)  # of a process that ended just before it did this
        made = read_training(folder)  # there is no record of a run that it could be held to
    if made.key != key:
        raise HarnessError(f"{folder} holds another adapter than its name says; move it away and run again")
    took = Step(seconds=round(time.monotonic() - began, 2), tokens=made.tokens, steps=made.steps)
    return Beneath(folder=folder / ADAPTER, sha256=made.sha256, took=took if fresh else None)


def model_upon(cell: Prepared, beneath: Beneath | None) -> tuple[Any, Any]:
    """The model that `cell` learns with, and its tokenizer: with what stands `beneath` merged into its weights."""
    under = cell.changes.adapter.under if cell.changes.adapter else None
    place = materialise(cell.model)
    if under is None or beneath is None:
        return load(place)
    return load(place, adapter=beneath.folder, weight=under.weight, random=under.random)


def _train(cell: Prepared, under: FrozenAdapter, folder: Path, key: str) -> None:
    model, tokenizer = load(materialise(cell.model))
    engine = TorchEngine.around(model, tokenizer, cell.dtype)
    recipe = replace(cell.recipe, epochs=under.epochs)
    rows = [rendered_row(cell, tokenizer, row) for row in under.rows]
    folder.mkdir(parents=True, exist_ok=True)
    with steps_shown(f"train adapter {under.name}", rows, recipe, 0) as advance:
        train(
            model,
            rows,
            recipe,
            dtype=engine.dtype,
            seed=0,
            folder=folder,
            row_ids=[row.id for row in under.rows],
            template=chat.template_digest(tokenizer, system=recipe.system),
            key=key,
            base=cell.model.hub or cell.model.name,
            advance=advance,
        )
