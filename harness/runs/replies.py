"""replies.jsonl: every reply of a run with what a judge needs to grade it, so that a rule need not load Inspect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.contracts import Case, Message
from harness.errors import HarnessError
from harness.files import Row, read_rows, write_rows

REPLIES = "replies.jsonl"
WAY_OUT = "move it away, and 'harness rejudge' writes it again from the logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply under one condition, and the case that it answers. `sample` counts from 1."""

    condition: str
    split: str
    sample: int
    case: Case
    reply: str


def write_replies(folder: Path, replies: Iterable[Reply]) -> None:
    """Writes the replies of the run in `folder`, in one step."""
    write_rows(folder / REPLIES, [asdict(reply) for reply in replies])


def read_replies(folder: Path) -> list[Reply] | None:
    """The replies of the run in `folder`, None where there is no file; HarnessError with the line that is broken."""
    file = folder / REPLIES
    if not file.is_file():
        return None
    return [_reply(row, f"{file}:{number}") for number, row in read_rows(file, way_out=WAY_OUT)]


def _reply(row: Row, place: str) -> Reply:
    try:
        case = row["case"]
        messages = tuple(Message(turn["role"], turn["content"]) for turn in case["messages"])
        return Reply(
            condition=str(row["condition"]),
            split=str(row["split"]),
            sample=int(row["sample"]),
            case=Case(
                id=case["id"], messages=messages, facts=case.get("facts") or {}, cluster=case.get("cluster") or ""
            ),
            reply=row["reply"],
        )
    except KeyError as error:
        raise HarnessError(f"{place}: no {error.args[0]!r}; {WAY_OUT}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise HarnessError(f"{place}: no stored reply ({error}); {WAY_OUT}") from error
