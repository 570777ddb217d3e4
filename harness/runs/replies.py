"""replies.jsonl: every reply of a run with what a judge needs to grade it, so that a rule need not load Inspect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contracts import Case, Message
from harness.errors import HarnessError
from harness.files import Row, as_lines, read_rows, write_rows
from harness.runs.products import REPLIES, Product, Unfit, check_replies, product_of

if TYPE_CHECKING:
    from harness.runs.run_record import RunRecord

WAY_OUT = "move it away, and 'harness rejudge' writes it again from the logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply under one condition, and the case that it answers. `sample` counts from 1."""

    condition: str
    split: str
    sample: int
    case: Case
    reply: str


def write_replies(folder: Path, replies: Iterable[Reply], of: RunRecord | None = None) -> Product:
    """Writes the replies of the run in `folder`, in one step: what its record is to know of them.

    Unfit, and nothing written, where the record `of` the run knows others.
    """
    rows = [asdict(reply) for reply in replies]
    made, known = product_of(as_lines(rows)), of.products.get(REPLIES) if of is not None else None
    if known is not None and made.sha256 != known.sha256:
        raise Unfit(
            f"the logs in {folder} have other replies than the run was graded by; restore {REPLIES}, or move "
            "the folder away and give its 'harness run' command again"
        )
    write_rows(folder / REPLIES, rows)
    return made


def read_replies(folder: Path, of: RunRecord | None = None) -> list[Reply] | None:
    """The replies of the run in `folder`, None where there is no file; HarnessError with the line that is broken.

    They are held to the record `of` the run: Unfit where they are not its own.
    """
    file = folder / REPLIES
    if not file.is_file():
        return None
    numbered = read_rows(file, way_out=WAY_OUT)
    replies = [_reply(row, f"{file}:{number}") for number, row in numbered]
    if of is not None:
        check_replies(file, [asdict(reply) for reply in replies], of, way_out=WAY_OUT)
    return replies


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
