"""results.jsonl and checks.jsonl: how each reply was judged, and what second judges said beside the first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from operator import itemgetter
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import HarnessError
from harness.files import ROWS_BYTES, Row, read_bytes, read_rows, rows_at_once, write_rows
from harness.runs.products import CHECKS, RESULTS, Unfit, check_results, is_product, is_whole
from harness.stats import Observation

if TYPE_CHECKING:
    from harness.runs.run_record import RunRecord

WAY_OUT = "move it away, and 'harness rejudge' writes it again from the replies"

Scores = Mapping[str, float | None]

_SEEN: Callable[[Row], tuple[str, str, str, str, float | None]] = itemgetter(
    "condition", "metric", "cluster", "case", "value"
)


_PLACE: Callable[[Row], tuple[str, ...]] = itemgetter("condition", "split", "metric", "case", "sample")


class ReadRow(NamedTuple):
    """A result as statistics need it: which row it is, its condition and metric, its cluster and value."""

    row: tuple[str, ...]
    place: tuple[str, str]
    seen: tuple[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One judged reply: a row of results.jsonl. `sample` counts from 1; `value` None is "cannot tell".

    `reason` says why the judge could not take the reply; None where it could, and where that was not written yet.
    """

    condition: str
    split: str
    case: str
    cluster: str
    sample: int
    metric: str
    judge: str
    score: str
    value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One reply as two judges scored it: a row of checks.jsonl. `judge` gave `first`, and `check` gave `second`.

    Those are scores of the same names. `own` are those that `check` gave and `judge` has none of.
    """

    condition: str
    split: str
    case: str
    sample: int
    judge: str
    check: str
    first: Scores
    second: Scores
    own: Scores = field(default_factory=dict)


def read_results(folder: Path, of: RunRecord | None = None) -> list[Result]:
    """The results of the run in `folder`, none where there is no file; HarnessError with the line that is broken.

    They are held to the record `of` the run: Unfit where they are not its own.
    """
    return [Result(**row) for row in _read(folder / RESULTS, Result, of)]


class SeenLines(dict[bytes, ReadRow]):
    """What lines of results say, by the line: those of other seeds and arms are mostly the same, and read once."""

    def read(self, content: bytes) -> list[ReadRow] | None:
        """What the lines of `content` say; None where one of them is blank or no result, which another reader tells."""
        lines = content.removesuffix(b"\n").split(b"\n")
        unseen = list(dict.fromkeys(line for line in lines if line not in self))
        if unseen:
            rows = rows_at_once(b"\n".join(unseen))
            if rows is None or len(rows) != len(unseen) or not _fit(rows, _NAMES):
                return None
            self.update(zip(unseen, map(_seen_in, rows), strict=True))
        return [self[line] for line in lines]


def read_observations(
    folder: Path, seed: int, of: RunRecord | None = None, seen_lines: SeenLines | None = None
) -> dict[tuple[str, str], list[Observation]]:
    """The values of the results in `folder` by (condition, metric), in the order of the file, for a model of `seed`.

    As `read_results`, and several times as fast: no record is made of a row, and a line that is in `seen_lines` is not
    read again.
    """
    values: dict[tuple[str, str], list[Observation]] = {}
    made: dict[tuple[str, float | None], Observation] = {}  # equal ones are one: that takes half the time and memory
    for _, place, key in _seen(folder / RESULTS, of, SeenLines() if seen_lines is None else seen_lines):
        if (one := made.get(key)) is None:
            one = made[key] = Observation(key[0], seed, key[1])
        values.setdefault(place, []).append(one)
    return values


def _seen(file: Path, of: RunRecord | None, lines: SeenLines) -> Iterable[ReadRow]:
    """What the rows of `file` say; what does not fit, or must be held to more than a digest, is read row by row."""
    if file.is_file():
        content = read_bytes(file, limit=ROWS_BYTES, advice=WAY_OUT)
        ours = None if of is None else is_product(file, content, of)
        told = lines.read(content) if content and ours is not False else None
        single = told is not None and (ours or len({one.row for one in told}) == len(told))
        if told is not None and single and (ours or of is None or not is_whole(of)):
            return told
    return map(_seen_in, _read(file, Result, of))


def _seen_in(row: Row) -> ReadRow:
    condition, metric, cluster, case, value = _SEEN(row)
    return ReadRow(_PLACE(row), (condition, metric), (cluster or case, None if value is None else float(value)))


def read_checks(folder: Path, of: RunRecord | None = None) -> list[Check]:
    """What second judges said in the run in `folder`; none where there is no file. Held to the record `of` the run."""
    file = folder / CHECKS
    if of is not None and CHECKS in of.products and not file.is_file():
        raise Unfit(f"{file} is lacking; 'harness rejudge' writes it again from the replies")
    return [Check(**row) for row in _read(file, Check, of)]


def row_of(one: Result | Check) -> Row:
    """One of them as its row: without a `reason` where its judge could take it, and without an `own` that is empty."""
    return {name: value for name, value in asdict(one).items() if (name, value) not in (("reason", None), ("own", {}))}


def write_results(folder: Path, results: Iterable[Result], checks: Sequence[Check]) -> None:
    """Writes the results of the run in `folder`, after the checks, if there are any: results come last."""
    if checks:
        write_rows(folder / CHECKS, [row_of(row) for row in checks])
    write_rows(folder / RESULTS, [row_of(row) for row in results])


def _read(file: Path, kind: type[Any], of: RunRecord | None) -> list[Row]:
    """The rows of a file of `kind`, each of them checked, and without what a newer harness has added."""
    if not file.is_file():
        return []
    numbered = read_rows(file, way_out=WAY_OUT)
    rows = [row for _, row in numbered]
    names = [field.name for field in fields(kind) if field.name not in _MAY_LACK]
    alike = kind is not Check or all(_are_of_the_same(row.get("first"), row.get("second")) for row in rows)
    if not alike or not _fit(rows, names):
        raise _first_fault(file, numbered, names)
    if any(len(row) != len(names) for row in rows):
        rows = [_known(row, names) for row in rows]
    if of is not None:
        check_results(file, rows, of, way_out=WAY_OUT)
    return rows


def _fit(rows: Sequence[Row], names: Sequence[str]) -> bool:
    """Whether every row has fields of these `names`, and each of its fields what it may hold."""
    try:
        return all(_FITS[name](map(itemgetter(name), rows)) for name in names) and all(
            _FITS[name](row[name] for row in rows if name in row) for name in _MAY_LACK
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        return False


def _known(row: Row, names: Sequence[str]) -> Row:
    """A row without what a newer harness has added; a reason or `own` that is null is as good as none."""
    more = "own" if "second" in names else "reason"
    known = {name: row[name] for name in names}
    return known if row.get(more) is None else {**known, more: row[more]}


def _first_fault(file: Path, numbered: Sequence[tuple[int, Row]], names: Sequence[str]) -> HarnessError:
    for number, row in numbered:
        for name in names:
            if name not in row:
                return HarnessError(f"{file}:{number}: no {name!r}; {WAY_OUT}")
        for name in (*names, *(name for name in _MAY_LACK if name in row)):
            try:
                fits = _FITS[name]((row[name],))
            except (TypeError, AttributeError, ValueError):
                fits = False
            if not fits:
                return HarnessError(f"{file}:{number}: {name!r} cannot be {row[name]!r:.60}; {WAY_OUT}")
        if "second" in names and not _are_of_the_same(row["first"], row["second"]):
            return HarnessError(f"{file}:{number}: the two judges give different scores; {WAY_OUT}")
    return HarnessError(f"{file}: rows of unlike fields; {WAY_OUT}")


def _are_of_the_same(first: object, second: object) -> bool:
    """Whether two judges gave scores of the same names, at least one."""
    return isinstance(first, dict) and isinstance(second, dict) and set(first) == set(second) != set()


def _texts(column: Iterable[Any]) -> bool:
    return set(map(type, column)) <= {str}


def _reasons(column: Iterable[Any]) -> bool:
    return set(map(type, column)) <= {str, NoneType}


def _numbers(column: Iterable[Any]) -> bool:
    known = [value for value in column if value is not None]
    return set(map(type, known)) <= {int, float} and all(map(math.isfinite, known))


def _scores(column: Iterable[Any]) -> bool:
    return all(_numbers(scores.values()) and _texts(scores) for scores in column)


_MAY_LACK = ("reason", "own")
_NAMES = [field.name for field in fields(Result) if field.name not in _MAY_LACK]

_FITS: Any = {
    **dict.fromkeys(("condition", "split", "case", "cluster", "metric", "judge", "score", "check"), _texts),
    "sample": lambda column: all(type(value) is int and value > 0 for value in column),
    "value": _numbers,
    "first": _scores,
    "second": _scores,
    "own": lambda column: _scores(scores for scores in column if scores is not None),
    "reason": _reasons,
}
