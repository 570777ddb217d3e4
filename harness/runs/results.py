"""results.jsonl and checks.jsonl: how each reply was judged, and what second judges said beside the first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from operator import itemgetter
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.files import Row, read_rows, write_rows
from harness.runs.products import CHECKS, RESULTS, Unfit, check_results
from harness.stats import Observation

if TYPE_CHECKING:
    from harness.runs.run_record import RunRecord

WAY_OUT = "move it away, and 'harness rejudge' writes it again from the replies"

Scores = Mapping[str, float | None]

_SEEN: Callable[[Row], tuple[str, str, str, str, float | None]] = itemgetter(
    "condition", "metric", "cluster", "case", "value"
)


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
    """One reply as two judges scored it: a row of checks.jsonl. `judge` gave `first`, and `check` gave `second`."""

    condition: str
    split: str
    case: str
    sample: int
    judge: str
    check: str
    first: Scores
    second: Scores


def read_results(folder: Path, of: RunRecord | None = None) -> list[Result]:
    """The results of the run in `folder`, none where there is no file; HarnessError with the line that is broken.

    They are held to the record `of` the run: Unfit where they are not its own.
    """
    return [Result(**row) for row in _read(folder / RESULTS, Result, of)]


def read_observations(folder: Path, seed: int, of: RunRecord | None = None) -> dict[tuple[str, str], list[Observation]]:
    """The values of the results in `folder` by (condition, metric), in the order of the file, for a model of `seed`.

    As `read_results`, and several times as fast: no record is made of a row.
    """
    values: dict[tuple[str, str], list[Observation]] = {}
    made: dict[tuple[str, float | None], Observation] = {}  # equal ones are one: that takes half the time and memory
    for condition, metric, cluster, case, value in map(_SEEN, _read(folder / RESULTS, Result, of)):
        key = (cluster or case, value)
        if (seen := made.get(key)) is None:
            seen = made[key] = Observation(cluster or case, seed, None if value is None else float(value))
        values.setdefault((condition, metric), []).append(seen)
    return values


def read_checks(folder: Path, of: RunRecord | None = None) -> list[Check]:
    """What second judges said in the run in `folder`; none where there is no file. Held to the record `of` the run."""
    file = folder / CHECKS
    if of is not None and CHECKS in of.products and not file.is_file():
        raise Unfit(f"{file} is lacking; 'harness rejudge' writes it again from the replies")
    return [Check(**row) for row in _read(file, Check, of)]


def row_of(one: Result | Check) -> Row:
    """One of them as its row: a result that its judge could take has no `reason`, as rows always were."""
    return {name: value for name, value in asdict(one).items() if (name, value) != ("reason", None)}


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
    names = [field.name for field in fields(kind) if field.name != "reason"]
    alike = kind is not Check or all(_are_of_the_same(row.get("first"), row.get("second")) for row in rows)
    try:
        fits = alike and all(_FITS[name](map(itemgetter(name), rows)) for name in names)
        fits = fits and _reasons(row.get("reason") for row in rows)
    except (KeyError, TypeError, AttributeError, ValueError):
        fits = False
    if not fits:
        raise _first_fault(file, numbered, names)
    if any(len(row) != len(names) for row in rows):
        rows = [_known(row, names) for row in rows]
    if of is not None:
        check_results(file, rows, of, way_out=WAY_OUT)
    return rows


def _known(row: Row, names: Sequence[str]) -> Row:
    """A row without what a newer harness has added; a reason that is null is as good as none."""
    known = {name: row[name] for name in names}
    return known if row.get("reason") is None or "second" in names else {**known, "reason": row["reason"]}


def _first_fault(file: Path, numbered: Sequence[tuple[int, Row]], names: Sequence[str]) -> HarnessError:
    for number, row in numbered:
        for name in names:
            if name not in row:
                return HarnessError(f"{file}:{number}: no {name!r}; {WAY_OUT}")
            try:
                fits = _FITS[name]((row[name],))
            except (TypeError, AttributeError, ValueError):
                fits = False
            if not fits:
                return HarnessError(f"{file}:{number}: {name!r} cannot be {row[name]!r:.60}; {WAY_OUT}")
        if not _reasons((row.get("reason"),)):
            return HarnessError(f"{file}:{number}: 'reason' cannot be {row['reason']!r:.60}; {WAY_OUT}")
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


_FITS: Any = {
    **dict.fromkeys(("condition", "split", "case", "cluster", "metric", "judge", "score", "check"), _texts),
    "sample": lambda column: all(type(value) is int and value > 0 for value in column),
    "value": _numbers,
    "first": _scores,
    "second": _scores,
}
