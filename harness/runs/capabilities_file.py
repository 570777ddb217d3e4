"""capabilities.json: what a trained model still can do, one row for each task and condition that it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.documents import Json, Record, as_json, as_record, has_broken_seal, read_json, record, sealed
from harness.errors import HarnessError
from harness.files import write_json
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
    `chat_template` says that they were asked in chats, `task_sha256` is the digest of the folder of the user's own that
    the task is from.
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
    task_sha256: str = ""
    model: str = ""
    dtype: str = ""
    steering: Json = None
    vectors: Mapping[str, str] = field(default_factory=dict)
    lm_eval: str = ""
    seconds: float = 0.0


def read_capabilities(folder: Path, of: RunRecord | None = None) -> list[CapabilityRow]:
    """The rows of the run in `folder`, none where there is no file; HarnessError with row and field of a fault.

    Held to the record `of` the run they are its own alone: Unfit where none is, or where one was changed since.
    """
    file = folder / CAPABILITIES
    rows = read_json(file, what="list of capability results", way_out=WAY_OUT)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise HarnessError(f"{file}: not a list of capability results (it holds {type(rows).__name__}); {WAY_OUT}")
    read = [_row(row, f"{file}, row {number}") for number, row in enumerate(rows, start=1)]
    if of is None:
        return read
    for number, row in enumerate(rows, start=1):
        if has_broken_seal(row):
            raise Unfit(f"{file}, row {number} was changed since it was written; {WAY_OUT}")
    return _own(read, of, file)


def write_capabilities(folder: Path, rows: Sequence[CapabilityRow]) -> None:
    """Writes the rows of the run in `folder`, in one step."""
    write_json(folder / CAPABILITIES, [sealed(as_json(row)) for row in rows])


def _own(rows: Sequence[CapabilityRow], of: RunRecord, file: Path) -> list[CapabilityRow]:
    """Those of `rows` that were measured on the run `of`, as its adapter is now."""
    adapter = of.made.adapter_sha256
    own = [
        row for row in rows if row.key == of.key and (row.adapter_sha256 or adapter) == (adapter or row.adapter_sha256)
    ]
    asked = [(row.task, row.condition, row.limit, row.chat_template) for row in own]
    if rows and not own:
        other = "another run" if rows[0].key != of.key else "another adapter"
        raise Unfit(f"{file} does not belong to its run: its rows are of {other}; {WAY_OUT}")
    if len(set(asked)) != len(asked):
        raise Unfit(f"{file} does not belong to its run: a task is in it twice; {WAY_OUT}")
    return own


def _row(row: object, place: str) -> CapabilityRow:
    return as_record(row, CapabilityRow, place=place, what="capability result", way_out=WAY_OUT)
