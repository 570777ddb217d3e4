"""`harness judge`: any judge on replies that were made anywhere."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.graders import Grading, paid
from harness.contracts import Case, Fact, Judge, Message, Verdict
from harness.errors import HarnessError
from harness.files import writing
from harness.judging import judged
from harness.registry import installed

if TYPE_CHECKING:
    from harness.graders import ModelGrader
    from harness.runs import Stored

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a replies file: where it stands, its own id if it has one, and what is to be judged."""

    place: str
    own_id: Any
    case: Case
    reply: str


def judge(name: str, replies: Path, grading: Grading, *, output: Path | None) -> None:
    """Writes one JSON row of scores per row of `replies`, in order, to `output` or stdout, once all are judged.

    What a grader cost is said on stderr.
    """
    chosen = installed().judge(name)
    grader = grading.opened_for([chosen])
    rows = read_rows(replies)
    graded = (_record(row, verdict) for row, verdict in zip(rows, verdicts(chosen, rows, grader), strict=True))
    lines = [json.dumps(line, ensure_ascii=False, allow_nan=False) for line in graded]
    text = "".join(f"{line}\n" for line in lines)
    if output is None:
        print(text, end="")
    else:
        with writing(output, "the scores") as part:
            part.write_text(text, encoding="utf-8")
    if grader is not None:
        print(paid(grader), file=sys.stderr)


def read_rows(file: Path) -> list[Row]:
    """The rows of a JSON-lines file, each checked; HarnessError with file and line for the first that is wrong."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"cannot read {file}: {error.strerror}; --replies names a JSON-lines file") from error
    except UnicodeDecodeError:
        raise HarnessError(f"{file} is not UTF-8 text; save it as UTF-8") from None
    rows = list(_rows(file, text))
    if not rows:
        raise HarnessError(f"{file} has no row; write one JSON object per line, each with a 'reply'")
    return rows


def rows_of(folder: Path, replies: Sequence[Stored]) -> list[Row]:
    """The stored replies of the run in `folder`, each with its place there."""
    return [
        Row(
            place=f"{folder}, {reply.condition}, {reply.split}/{reply.case.id} sample {reply.sample}",
            own_id=None,
            case=reply.case,
            reply=reply.reply,
        )
        for reply in replies
    ]


def _rows(file: Path, text: str) -> Iterator[Row]:
    # Not splitlines(): a reply may hold U+2028 and its like unescaped.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise HarnessError(f"{place}: cut, or not JSON ({error}); one JSON object per line") from None
        if not isinstance(row, dict):
            raise HarnessError(f'{place}: not a JSON object; write {{"reply": "..."}}')
        reply = row.get("reply")
        if not isinstance(reply, str):
            raise HarnessError(f"{place}: 'reply' must be a string, the text to judge (it may be empty)")
        case = Case(id=str(row.get("id", number)), messages=_messages(row, place), facts=_facts(row, place))
        yield Row(place=place, own_id=row.get("id"), case=case, reply=reply)


def _messages(row: Mapping[str, Any], place: str) -> tuple[Message, ...]:
    turns = row.get("messages") or []
    if not isinstance(turns, list) or not all(
        isinstance(turn, dict) and turn.get("role") in ROLES and isinstance(turn.get("content"), str) for turn in turns
    ):
        raise HarnessError(f"{place}: 'messages' must be a list of {{role, content}}, role one of {', '.join(ROLES)}")
    return tuple(Message(turn["role"], turn["content"]) for turn in turns)


def _facts(row: Mapping[str, Any], place: str) -> dict[str, Fact]:
    facts = row.get("facts") or {}
    if not isinstance(facts, dict) or not all(isinstance(fact, str | int | float | None) for fact in facts.values()):
        raise HarnessError(f"{place}: 'facts' must be an object of strings, numbers, true, false or null")
    return facts


def verdicts(judge: Judge, rows: Sequence[Row], grader: ModelGrader | None = None) -> list[Verdict]:
    """What `judge` says of each row, asking `grader` where it asks; a HarnessError names the place of a bad row.

    What a grader said is kept when one fails, and is not asked for again.
    """
    return asyncio.run(_judged(judge, rows, grader if judge.grader else None))


async def _judged(judge: Judge, rows: Sequence[Row], grader: ModelGrader | None) -> list[Verdict]:
    if grader is None:
        return [await _verdict(judge, row, None) for row in rows]
    async with grader:
        return await asyncio.gather(*(_verdict(judge, row, grader) for row in rows))


async def _verdict(judge: Judge, row: Row, grader: ModelGrader | None) -> Verdict:
    try:
        return await judged(judge, row.case, row.reply, grader)
    except HarnessError as error:
        raise HarnessError(f"{row.place}: {error}") from error


def _record(row: Row, verdict: Verdict) -> dict[str, Any]:
    own = {} if row.own_id is None else {"id": row.own_id}
    return {**own, "scores": dict(verdict.scores), "reason": verdict.reason}
