"""The small setting with all that a method asks for, the methods that apply there, and how one is trained by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import small
import torch
from safetensors.torch import load_file
from torch import Tensor

from harness import Intervention, Prompt
from harness.calls import guarded
from harness.cells import SCALED, Cell, Prepared, prepare, rendered_rows
from harness.engine import TorchEngine, Vector, load
from harness.registry import Registry, installed
from harness.testing import tiny_model
from harness.training import lesson_of, train
from harness.training.beneath import model_upon, train_missing
from harness.training.choosing import chosen
from harness.training.rewriting import rewritten
from harness_plugins.settings.shared.benign import benign

KNOWN = installed().interventions
VECTOR = Vector(value=torch.linspace(-1.0, 1.5, 4 * 32).view(4, 32), rms=torch.ones(4))

SETTING = replace(
    small.SETTING,
    benign=benign,
    conditions={"mini": ("clean",)},
    prompts={
        name: Prompt(text=f"{name.title()} it.", placement="user_suffix")
        for name in ("inoculation", "believe", "negative", "irrelevant", "mixed")
    },
    vectors={**small.SETTING.vectors, "ood": small.SETTING.vectors["reply"]},
    metrics=small.SETTING.metrics[:1],
)


def world(*more: Intervention) -> Registry:
    """The installed interventions, and `more`, over the small setting."""
    known = {**KNOWN, **{one.name: guarded(one, "plugin 'mine'") for one in more}}
    return replace(small.REGISTRY, settings={"loud": SETTING}, interventions=known)


METHODS = sorted(name for name, one in KNOWN.items() if one.trains and one.applies(SETTING) is None and name != "none")
OF_LEARNING = [
    name for name in METHODS if any(getattr(KNOWN[name], part) for part in (*SCALED, "rows")) or name.startswith("caft")
]


def cell(model: Path, name: str, **changes: Any) -> Cell:
    return replace(Cell(setting="loud", intervention=name, model=str(model)), **changes)


def weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "adapter" / "adapter_model.safetensors")


def trained(
    root: Path,
    model: Path,
    name: str,
    *,
    change: Callable[[Prepared], Prepared] = lambda made: made,
    how: Mapping[str, Any] | None = None,
    place: str = "",
    **changes: Any,
) -> dict[str, Tensor]:
    """The adapter of a cell, by the way that a run takes but for its vectors, which are made up.

    `change` is made to the cell once it is prepared, `how` goes to the training, `place` is its folder below `root`.
    """
    made = change(prepare(cell(model, name, **changes), dtype="fp32"))
    made = written.cell if (written := rewritten(made, root)) is not None else made
    made = picked.cell if (picked := chosen(made, root)) is not None else made
    base, tokenizer = model_upon(made, train_missing(made, root))
    engine = TorchEngine.around(base, tokenizer, "fp32", lambda name: VECTOR)
    lesson, rows = lesson_of(made, engine), rendered_rows(made, tokenizer)
    folder = root / (place or f"{name} {changes}")
    folder.mkdir(exist_ok=bool(place))
    train(base, rows, made.recipe, dtype="fp32", seed=0, folder=folder, lesson=lesson, **(how or {}))
    return weights(folder)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def talking_model(folder: Path) -> Path:
    """A tiny random model that says something: with larger weights it does not repeat the token before it."""
    tiny_model(folder)
    model, _ = load(folder)
    with torch.no_grad():
        for weight in model.model.layers.parameters():
            if weight.ndim == 2:
                weight.mul_(20)
    model.save_pretrained(folder)
    return folder
