"""capabilities.json: what a trained model still can do, one row for each task and condition that it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.documents import Json, Record, as_json, as_record, read_json, record
from harness.errors import HarnessError
from harness.files import digest_of, write_json
from harness.runs.products import Unfit

if TYPE_CHECKING:
    from harness.runs.run_record import RunRecord

CAPABILITIES = "capabilities.json"
WAY_OUT = "move the file away, and its tasks are run again"


@record
class CapabilityFigure(Record):
    """The value of one metric with lm-eval's standard error, None where it gives none."""

    value: float
    stderr: float | None = None


@record
class CapabilityResult(Record):
    """The figures of one task by metric, of `n` documents."""

    n: int | None = None
    metrics: Mapping[str, CapabilityFigure] = field(default_factory=dict)


@record
class CapabilityRow(Record):
    """A task under a condition, as it was measured on the run with this `key` and adapter.

    `limit` is how many documents were asked at most, None for all. `results` are by task, or by the tasks of a group.
    `sha256` is that of the row without it; empty where that is not known.
    """

    format: str = "1"
    key: str
    adapter_sha256: str | None = None
    task: str
    condition: str
    limit: int | None = None
    results: Mapping[str, CapabilityResult]
    versions: Mapping[str, Json] = field(default_factory=dict)
    few_shot: Mapping[str, Json] = field(default_factory=dict)
    chat_template: bool = False
    model: str = ""
    dtype: str = ""
    steering: Json = None
    vectors: Mapping[str, str] = field(default_factory=dict)
    lm_eval: str = ""
    seconds: float = 0.0
    sha256: str = ""


def read_capabilities(folder: Path, of: RunRecord | None = None) -> list[CapabilityRow]:
    """The rows of the run in `folder`, none where there is no file; HarnessError with row and field of a fault.

    They are held to the record `of` the run: Unfit where they were not measured on it, or were changed since.
    """
    file = folder / CAPABILITIES
    rows = read_json(file, what="list of capability results", way_out=WAY_OUT)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise HarnessError(f"{file}: not a list of capability results (it holds {type(rows).__name__}); {WAY_OUT}")
    read = [_row(row, f"{file}, row {number}") for number, row in enumerate(rows, start=1)]
    if of is not None and (fault := _fault(read, of)):
        raise Unfit(f"{file} does not belong to its run: {fault}; {WAY_OUT}")
    return read


def write_capabilities(folder: Path, rows: Sequence[CapabilityRow]) -> None:
    """Writes the rows of the run in `folder`, in one step."""
    write_json(folder / CAPABILITIES, [as_json(replace(row, sha256=_sealed(row))) for row in rows])


def _fault(rows: Sequence[CapabilityRow], of: RunRecord) -> str:
    """What says that rows are not those of the run `of`; empty where nothing does."""
    for number, row in enumerate(rows, start=1):
        if row.key != of.key:
            return f"row {number} is of the run {row.key[:8]}"
        if row.adapter_sha256 and of.made.adapter_sha256 not in (None, row.adapter_sha256):
            return f"row {number} is of another adapter"
        if row.sha256 and row.sha256 != _sealed(row):
            return f"row {number} was changed since it was written"
    asked = [(row.task, row.condition, row.limit) for row in rows]
    return "" if len(set(asked)) == len(asked) else "a task is in it twice"


def _sealed(row: CapabilityRow) -> str:
    """The digest of `row`, without the one that it has."""
    return digest_of(as_json(replace(row, sha256="")))


def _row(row: object, place: str) -> CapabilityRow:
    return as_record(row, CapabilityRow, place=place, what="capability result", way_out=WAY_OUT)
