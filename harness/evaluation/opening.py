"""Which model answers, and how it is opened: that of a run folder, or an untrained one by its name or folder.

Neither torch nor weights are loaded before a model is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.errors import HarnessError
from harness.files import under
from harness.models import EMBEDDED, as_dtype, resolve, resolve_dtype
from harness.runs import ADAPTER, is_run, read_run, read_training

if TYPE_CHECKING:
    from harness.engine import Engine, Loader


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """Which engine answers, by its run folder or an untrained model's name or folder, and a digest of what is in it.

    `system` is how it treats a missing system turn.
    """

    folder: Path
    digest: str
    system: Literal["template", "empty"] = "template"


def open_source(folder: Path) -> Engine:
    """The engine of a run folder, or of an untrained model's name or folder."""
    if not is_model(folder):
        return open_run(folder)
    from harness.engine import open_model

    return open_model(resolve(str(folder)), dtype=resolve_dtype("auto"))


def open_run(run: Path, *, loader: Loader | None = None) -> Engine:
    """The model that the run in folder `run` ended with, ready for evaluation under its own vectors.

    `loader` opens it; torch in this process without one.
    """
    record = read_run(run)
    if record is None:
        raise HarnessError(f"no run in {run}: it has no run.json; name a folder that 'harness run' made")
    made = record.made
    if made.trains:
        read_training(run, record)
    ref = resolve(made.reference)
    if ref.digest != record.model_digest:
        raise HarnessError(f"model {made.reference} has changed since {run} was made; run the cell again")
    from harness.engine import open_model
    from harness.vectors import vector_lookup

    engine = (loader or open_model)(ref, dtype=as_dtype(made.dtype), adapter=run / ADAPTER if made.trains else None)
    files = {name: under(run.absolute().parents[2], file) for name, file in made.vectors.items()}
    engine.vectors = vector_lookup(files, record.vector_keys)
    return engine


def is_model(folder: Path) -> bool:
    """Whether `folder` is no run but a model: the name of an embedded one, or a folder of weights."""
    named = str(folder) in EMBEDDED or (folder / "config.json").is_file()
    return named and not is_run(folder)
