"""The model that a run ended with, opened for evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import runs
from harness.engine import Engine, open_model
from harness.errors import HarnessError
from harness.files import file_sha256
from harness.models import resolve
from harness.vectors import vector_lookup


def open_run(run: Path) -> Engine:
    """The model that the run in folder `run` ended with, ready for evaluation under its own vectors."""
    record = runs.read(run)
    if record is None:
        raise HarnessError(f"no run in {run}: it has no run.json; name a folder that 'harness run' made")
    made = record["made"]
    adapter = _trained(run, made) if made["trains"] else None
    ref = resolve(made["reference"])
    if ref.digest != record["inputs"]["cell"]["model"]:
        raise HarnessError(f"model {made['reference']} has changed since {run} was made; run the cell again")
    engine = open_model(ref, dtype=made["dtype"], adapter=adapter)
    files = {name: run.parents[2] / file for name, file in made["vectors"].items()}
    engine.vectors = vector_lookup(files)
    return engine


def _trained(run: Path, made: Mapping[str, Any]) -> Path:
    adapter = run / "adapter"
    weights = adapter / "adapter_model.safetensors"
    if not weights.is_file() or "adapter_sha256" not in made:
        raise HarnessError(f"{run} holds no adapter, or not the whole of it; give its 'harness run' command again")
    if file_sha256(weights) != made["adapter_sha256"]:
        raise HarnessError(f"the adapter in {adapter} is cut or was changed; run the cell again with --force")
    return adapter
