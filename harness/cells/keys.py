"""The hashes and names that a cell's inputs make."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from harness.cells.cell import Prepared
from harness.cells.spelled import example_spelled, recipe_spelled, under_spelled, vector_spelled
from harness.contracts import Condition, FrozenAdapter, Recipe, Setting
from harness.files import digest_of, inside
from harness.models import ModelRef

FORMAT = "1"
"""Raise when the same inputs would give another result: every older run is then stale."""


ADAPTERS, REWRITTEN, LIKELIHOODS = "adapters", "replies", "likelihoods"
"""The folders, beside the settings', of what is made before training: adapters, replies, likelihoods of rows."""


def log_name(condition: Condition) -> str:
    """The file name of a condition's log: `clean.eval`, `prompt-inoculation.eval`, `vector-reply@3.eval`."""
    spelled = str(condition).replace(":", "-", 1)
    safe = re.sub(r"[^A-Za-z0-9_.@+-]+", "_", spelled)
    return f"{safe}.eval" if safe == spelled else f"{safe}-{hashlib.sha256(spelled.encode()).hexdigest()[:6]}.eval"


def training_rows(prepared: Prepared) -> Sequence[dict[str, object]]:
    """The rows of train.jsonl: exactly what is trained on."""
    return [example_spelled(row) for row in prepared.rows]


def vector_key(
    setting: Setting, name: str, *, scale: str, model: ModelRef, dtype: str, recipe: Recipe, grader: str = ""
) -> str:
    """sha256 over what a vector is made from: its pairs or questions, the model, the number type, who chose."""
    return digest_of(
        {
            "format": FORMAT,
            "spec": vector_spelled(setting.vectors[name], scale, grader),
            "model": model.digest,
            "dtype": dtype,
            "system": recipe.system,
        }
    )


def adapter_key(under: FrozenAdapter, *, model: ModelRef, dtype: str, recipe: Recipe) -> str:
    """sha256 over what an adapter that is trained first is made from: rows, recipe, model, number type."""
    by = {**recipe_spelled(recipe, dtype=dtype, model=model), "generation": None, "steering": None}
    return digest_of({"format": FORMAT, "under": under_spelled(under), "recipe": by})


def adapter_folder(runs: Path, name: str, key: str) -> Path:
    """Where the adapter called `name` with `key`, trained before others, is kept, for all cells to share."""
    return inside(runs / ADAPTERS, f"{name}-{key[:8]}")


def replies_file(runs: Path, name: str, key: str) -> Path:
    """Where the replies called `name` with `key`, written before training, are kept, for all cells to share."""
    return inside(runs / REWRITTEN, f"{name}-{key[:8]}.jsonl")


def likelihoods_file(runs: Path, name: str, key: str) -> Path:
    """Where the likelihoods called `name` with `key`, read before training, are kept, for all cells to share."""
    return inside(runs / LIKELIHOODS, f"{name}-{key[:8]}.jsonl")


def vector_file(runs: Path, name: str, key: str) -> Path:
    """Where the vector called `name` with `key` is kept, for all cells to share."""
    return inside(runs / "vectors", f"{name}-{key[:8]}.safetensors")
