"""The step that extracts: the vectors that a cell needs, made where they are missing, for all cells to share."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from harness.cells import Prepared, vector_file
from harness.engine import open_model
from harness.files import clear_halves
from harness.models import as_dtype
from harness.runs import VECTORS, RunRecord, Step, is_vector
from harness.vectors.making import ensure, opened_grader


def extract_missing(cell: Prepared, record: RunRecord, root: Path) -> tuple[RunRecord, dict[str, Path]]:
    """The files of the vectors that `cell` needs, by name, and the record with what extracting them took, if it did."""
    files = {name: vector_file(root, name, key) for name, key in cell.vectors.items()}
    clear_halves(root / VECTORS)
    if all(map(is_vector, files.values())):
        return record, files
    began = time.monotonic()
    engine = open_model(cell.model, dtype=as_dtype(cell.dtype))
    grader = opened_grader(cell.cell.vector_grader)
    files = ensure(engine, cell.setting, cell.cell.scale, root, cell.vectors, grader=grader)
    took = Step(seconds=round(time.monotonic() - began, 2))
    return replace(record, steps={**record.steps, "vectors": took}), files
