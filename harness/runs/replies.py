"""replies.jsonl: every reply of a run with what a judge needs to grade it, so that a rule need not load Inspect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args

from harness.contracts import Case, Message, Role
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

    @property
    def place(self) -> tuple[str, str, str, int]:
        """Which reply of its run it is."""
        return self.condition, self.split, self.case.id, self.sample


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
    replies = [reply_of(row, f"{file}:{number}") for number, row in read_rows(file, way_out=WAY_OUT)]
    if of is not None:
        check_replies(file, replies, of, way_out=WAY_OUT)
    return replies


def reply_of(row: Row, place: str, way_out: str = WAY_OUT) -> Reply:
    """A row as a reply; HarnessError that begins with `place` and names the field that is wrong."""
    for name, fits in _FITS.items():
        if name not in row:
            raise HarnessError(f"{place}: no {name!r}; {way_out}")
        if not fits(row[name]):
            raise HarnessError(f"{place}: no stored reply: {name!r} cannot be {row[name]!r:.80}; {way_out}")
    try:
        return Reply(
            condition=row["condition"],
            split=row["split"],
            sample=row["sample"],
            case=_case(row["case"]),
            reply=row["reply"],
        )
    except HarnessError as error:
        raise HarnessError(f"{place}: no stored reply: {error}; {way_out}") from error


def _case(row: Mapping[str, Any]) -> Case:
    return Case(
        id=row["id"],
        messages=tuple(Message(turn["role"], turn["content"]) for turn in row["messages"]),
        facts=row.get("facts") or {},
        cluster=row.get("cluster") or "",
    )


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_case(value: object) -> bool:
    if not isinstance(value, Mapping) or not _is_text(value.get("id")) or not _is_text(value.get("cluster") or ""):
        return False
    turns, facts = value.get("messages"), value.get("facts") or {}
    return (
        isinstance(turns, list | tuple)
        and all(map(_is_turn, turns))
        and isinstance(facts, Mapping)
        and all(type(fact) in (str, int, float, bool, NoneType) for fact in facts.values())
    )


def _is_turn(value: object) -> bool:
    return isinstance(value, Mapping) and value.get("role") in get_args(Role) and _is_text(value.get("content"))


_FITS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("condition", "split", "reply"), _is_text),
    "sample": lambda value: type(value) is int and value > 0,
    "case": _is_case,
}
