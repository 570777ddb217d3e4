"""Replies that a person labels, to tell how far a judge errs: drawn, written as a sheet, and read back.

A sheet is JSON lines, a reply each, in a drawn order and without arm, seed or the judge's word. Beside it lies its key,
which knows what was drawn, with which chance, and the digest of every reply; who labels need not open it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar

from harness.contracts import Case, Judge
from harness.documents import Record, read_record, record
from harness.errors import HarnessError
from harness.files import Row, read_rows

CANNOT_TELL = "cannot tell"
LEAST = 2
"""Replies of each word of the judge, in each arm and condition, that a draw takes at the least, if there are."""

WHAT = "key of labels"
RESTORE = "restore it, or draw again with 'harness judge JUDGE --runs RUNS --sample N'"


@record
class DrawnReply(Record):
    """One reply of a sheet: its digest, the chance with which it was drawn, and what the judge had said then."""

    id: str
    reply_sha256: str
    chance: float
    said: float


@record
class LabelDraw(Record):
    """The key of a sheet: what was drawn, from which runs (their keys), and what a label may be.

    `low` and `high` bound a label, null where nothing does; `whole` says that it is one of the two.
    """

    SEALED: ClassVar[bool] = True
    FORMAT: ClassVar[int] = 1

    format: int = 1
    setting: str
    metric: str
    judge: str
    version: str = ""
    seed: int = 0
    low: float | None = None
    high: float | None = None
    whole: bool = False
    runs: tuple[str, ...] = ()
    replies: tuple[DrawnReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A reply that may be drawn. `group` is its arm and condition, which a sheet does not tell."""

    id: str
    group: tuple[str, ...]
    said: float
    condition: str
    case: Case
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """A sheet that came back: its key, a person's label by id, and how many of each are not to be used.

    `places` has the line of every reply as FILE:LINE. `empty` were left so; `untold` a person could not tell.
    """

    file: Path
    draw: LabelDraw
    given: Mapping[str, float]
    places: Mapping[str, str]
    empty: int
    untold: int


def key_of(sheet: Path) -> Path:
    """Where the key of a sheet lies: `labels.jsonl` has `labels.key.json` beside it."""
    return sheet.with_name(f"{sheet.stem}.key.json")


def range_of(said: Sequence[float]) -> tuple[float | None, float | None, bool]:
    """Least and greatest label of a score that was `said` (0 or 1, shares, ratings), and whether it is only these."""
    for low, high in ((0.0, 1.0), (0.0, 100.0)):
        if all(low <= value <= high for value in said):
            return low, high, high == 1 and set(said) <= {low, high}
    return None, None, False


def drawn(candidates: Sequence[Candidate], number: int, *, seed: int) -> list[tuple[Candidate, float]]:
    """`number` of the candidates in a drawn order, each with the chance that it had.

    As many from each group and word of the judge (yes and no, or the two halves of its numbers) as from any other,
    as far as there are so many. HarnessError where `number` is too few for that.
    """
    strata: dict[tuple[str, ...], list[Candidate]] = {}
    words = _words(candidates)
    for one in sorted(candidates, key=lambda one: one.id):
        strata.setdefault((*one.group, words[one.id]), []).append(one)
    wanted = {name: min(LEAST, len(same)) for name, same in strata.items()}
    if (least := sum(wanted.values())) > number:
        raise HarnessError(
            f"--sample {number} is too few for {len(strata)} groups of arm, condition and what the judge said; "
            f"draw {least} at the least, or name fewer with --arm and --condition"
        )
    for _ in range(number - least):
        open_ = [name for name, same in strata.items() if wanted[name] < len(same)]
        if not open_:
            break
        wanted[min(open_, key=lambda name: (wanted[name], name))] += 1
    random = Random(seed)
    taken = [
        (one, wanted[name] / len(same))
        for name, same in sorted(strata.items())
        for one in random.sample(same, wanted[name])
    ]
    random.shuffle(taken)
    return taken


def _words(candidates: Sequence[Candidate]) -> dict[str, str]:
    """What the judge said of each candidate, by id, in one of two words."""
    middles: dict[tuple[str, ...], float] = {}
    _, _, whole = range_of([one.said for one in candidates])
    for group in {one.group for one in candidates}:
        said = sorted(one.said for one in candidates if one.group == group)
        middles[group] = 0.5 if whole else said[(len(said) - 1) // 2]
    return {one.id: "more" if one.said > middles[one.group] else "less" for one in candidates}


def draw_of(
    taken: Sequence[tuple[Candidate, float]],
    among: Sequence[Candidate],
    *,
    setting: str,
    metric: str,
    judge: Judge,
    seed: int,
    runs: Sequence[str],
) -> LabelDraw:
    """The key of a sheet of what was `taken` out of all that it was drawn `among`."""
    low, high, whole = range_of([one.said for one in among])
    return LabelDraw(
        setting=setting,
        metric=metric,
        judge=judge.name,
        version=judge.version,
        seed=seed,
        low=low,
        high=high,
        whole=whole,
        runs=tuple(runs),
        replies=tuple(
            DrawnReply(id=one.id, reply_sha256=digest(one.reply), chance=chance, said=one.said) for one, chance in taken
        ),
    )


def sheet_of(taken: Sequence[tuple[Candidate, float]], draw: LabelDraw, *, summary: str) -> list[Row]:
    """The rows of a sheet: what a person sees of each reply, and a `label` to fill in."""
    ask = asked(summary, draw.low, draw.high, whole=draw.whole)
    return [
        {
            "id": one.id,
            "metric": draw.metric,
            "ask": ask,
            "condition": one.condition,
            "case": one.case.id,
            "facts": dict(one.case.facts),
            "messages": [{"role": turn.role, "content": turn.content} for turn in one.case.messages],
            "reply": one.reply,
            "label": None,
        }
        for one, _ in taken
    ]


def asked(summary: str, low: float | None, high: float | None, *, whole: bool) -> str:
    """What a person is asked, and what a label may be."""
    may = "1 for yes, 0 for no" if whole else "a number" if low is None else f"a number from {low:g} to {high:g}"
    return f'{summary}: {may}, "{CANNOT_TELL}" where that is so'


def digest(reply: str) -> str:
    """sha256 of a reply's text."""
    return hashlib.sha256(reply.encode("utf-8", "surrogatepass")).hexdigest()


def read_labels(sheet: Path) -> Labels:
    """The sheet that came back; HarnessError with file and line where it is not what was drawn, or a label is none."""
    rows = read_rows(sheet, way_out="--labels names a sheet that 'harness judge --sample' wrote, its labels filled in")
    draw = _read_key(sheet)
    known = {one.id: one for one in draw.replies}
    places: dict[str, str] = {}
    given: dict[str, float] = {}
    untold = 0
    for number, row in rows:
        place = f"{sheet}:{number}"
        one = _drawn_of(row, known, place)
        if one.id in places:
            raise HarnessError(f"{place}: the reply {one.id!r} stands here and at {places[one.id]}; leave one label")
        places[one.id] = place
        label = _label(row, draw, place)
        untold += label == CANNOT_TELL
        if isinstance(label, float):
            given[one.id] = label
    lacking = [name for name in known if name not in places]
    if lacking:
        raise HarnessError(
            f"{sheet} has {len(places)} of the {len(known)} replies that were drawn, and lacks {lacking[0]!r}; put "
            'the line back, with null or "cannot tell" where there is no label'
        )
    if not given:
        raise HarnessError(f"{sheet} has no label yet; write one into each line, for null")
    empty = len(places) - len(given) - untold
    return Labels(file=sheet, draw=draw, given=given, places=places, empty=empty, untold=untold)


def has_key(sheet: Path, draw: LabelDraw) -> bool:
    """Whether the key of `sheet` is there, and is that of `draw`."""
    try:
        return _read_key(sheet) == draw
    except HarnessError:
        return False


def _read_key(sheet: Path) -> LabelDraw:
    key = key_of(sheet)
    draw = read_record(key, LabelDraw, what=WHAT, way_out=RESTORE, seal=True)
    if draw is None:
        raise HarnessError(f"no key at {key} for the labels in {sheet}; {RESTORE}")
    if any(not 0 < one.chance <= 1 for one in draw.replies) or len({one.id for one in draw.replies}) < len(
        draw.replies
    ):
        raise HarnessError(f"{key}: chances outside of 0 to 1, or a reply twice; {RESTORE}")
    return draw


def _drawn_of(row: Row, known: Mapping[str, DrawnReply], place: str) -> DrawnReply:
    name = row.get("id")
    one = known.get(name) if isinstance(name, str) else None
    if one is None:
        raise HarnessError(f"{place}: no reply of id {name!r:.60} was drawn; leave the lines of the sheet as they were")
    reply = row.get("reply")
    if not isinstance(reply, str) or digest(reply) != one.reply_sha256:
        raise HarnessError(f"{place}: the reply is not the one that was drawn; change nothing but 'label'")
    return one


def _label(row: Row, draw: LabelDraw, place: str) -> float | str | None:
    label = row.get("label")
    if label is None or label == CANNOT_TELL:
        return label
    number = float(label) if type(label) in (int, float) else math.nan
    low, high = (-math.inf, math.inf) if draw.low is None or draw.high is None else (draw.low, draw.high)
    if not low <= number <= high or not math.isfinite(number) or (draw.whole and number not in (low, high)):
        may = asked("", draw.low, draw.high, whole=draw.whole).removeprefix(": ")
        raise HarnessError(f"{place}: the label {label!r:.60} is none; write {may}")
    return number
