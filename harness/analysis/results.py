"""Reads finished cells from a runs folder: run.json and results.jsonl, nothing that needs torch or Inspect."""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from harness.analysis.origin import UNKNOWN, Origin, origin
from harness.cells import Cell, current_key
from harness.errors import HarnessError
from harness.runs import run_folders
from harness.stats import Observation

KeyOf = Callable[[Cell, str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A check that a run failed: what was seen and what was wanted, in words."""

    name: str
    seen: str
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The scores that `judge` and its second judge, `check`, gave one reply."""

    judge: str
    check: str
    first: Mapping[str, float | None]
    second: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One metric of one capability task under a condition, of `n` documents, with lm-eval's standard error."""

    task: str
    condition: str
    metric: str
    value: float
    stderr: float | None
    n: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished cell: what it is, what its prompt or vector is about, what it was made from, its judged replies.

    `relative` is the norm that steering added over the residual RMS, None without steering. `model` is the digest
    of the model, the same wherever the model was read from. `values` holds one observation per case and sample,
    by (condition, metric), in the order of the file. `checks` holds what a judge and its second judge gave each reply.
    `capabilities` are those of the run as it is now. `origin` is how the run was made and what it took.
    """

    folder: Path
    cell: Cell
    key: str
    model: str
    created: str
    inputs: Mapping[str, Any]
    relative: float | None
    concept: str
    failed: tuple[Gate, ...]
    values: Mapping[tuple[str, str], Sequence[Observation]]
    checks: Sequence[Check] = ()
    capabilities: Sequence[Capability] = ()
    origin: Origin = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The runs that count, and the folders left out: unfinished ones, and stale ones with the reason."""

    folder: Path
    runs: tuple[Run, ...]
    unfinished: tuple[Path, ...]
    stale: tuple[tuple[Path, str], ...]


def load(runs: Path, *, settings: Sequence[str] = (), key_of: KeyOf = current_key) -> Results:
    """The finished cells under `runs`, of `settings` alone if any are named, sorted by folder.

    Of several runs of one cell only one counts: the one whose key the installed code would give (`key_of`
    a recorded cell and number type), else the newest. A broken file is a HarnessError with its place.
    """
    if not runs.is_dir():
        raise HarnessError(f"no runs folder at {runs}; name it with --runs, or fill it with 'harness run'")
    found = [(folder, _record(folder / "run.json")) for folder in run_folders(runs)]
    if not found:
        raise HarnessError(f"no run in {runs}; name another folder with --runs, or fill it with 'harness run'")
    wanted = [(at, record) for at, record in found if not settings or record["cell"]["setting"] in settings]
    done = [(at, record) for at, record in wanted if record["status"] == "done" and (at / "results.jsonl").is_file()]
    whole = {at for at, _ in done}
    unfinished = tuple(at for at, _ in wanted if at not in whole)
    kept, stale = _current(done, key_of, _cell)
    kept, twice = _current(kept, key_of, lambda record: replace(_cell(record), model=_digest(record), vector_grader=""))
    with no_collection():
        read = tuple(_run(at, record) for at, record in kept)
    return Results(
        folder=runs,
        runs=read,
        unfinished=unfinished,
        stale=(*stale, *twice),
    )


@contextmanager
def no_collection() -> Iterator[None]:
    """Holds the garbage collector still: it would look through a million observations again and again, for nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _record(file: Path) -> dict[str, Any]:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        names = {field.name for field in fields(Cell)}
        needed = names - {"weights", "vector_grader"}
        if not needed <= set(record["cell"]) <= names or not isinstance(record["status"], str):
            raise ValueError(f"'cell' must have {', '.join(sorted(needed))}")
        if not all(isinstance(record.get(part, {}), dict) for part in ("inputs", "gates", "judges")):
            raise ValueError("'inputs', 'gates' and 'judges' must be objects")
    except (ValueError, KeyError, TypeError) as error:
        raise HarnessError(f"{file}: not a run record ({error}); remove its folder and run the cell again") from error
    return dict(record)


Found = tuple[Path, Mapping[str, Any]]


def _cell(record: Mapping[str, Any]) -> Cell:
    return Cell(**record["cell"])


def _digest(record: Mapping[str, Any]) -> str:
    return str(record.get("inputs", {}).get("cell", {}).get("model", record["cell"]["model"]))


def _current(
    done: Sequence[Found], key_of: KeyOf, cell_of: Callable[[Mapping[str, Any]], Cell]
) -> tuple[list[Found], tuple[tuple[Path, str], ...]]:
    """The one run of each cell that counts, and the others, each with the reason why it does not."""
    by_cell: dict[Cell, list[Found]] = {}
    for at, record in done:
        by_cell.setdefault(cell_of(record), []).append((at, record))
    kept: list[Found] = []
    stale: list[tuple[Path, str]] = []
    for same in by_cell.values():
        if len(same) == 1:
            kept += same
            continue
        newest = max(same, key=lambda one: (str(one[1].get("created")), str(one[0])))
        chosen = next((one for one in same if one[1].get("key") == _key_now(one[1], key_of)), None)
        reason = (
            "a newer run of the same cell counts" if chosen is None else "made from other inputs than now installed"
        )
        kept.append(chosen or newest)
        stale += [(at, reason) for at, _ in same if at != kept[-1][0]]
    return kept, tuple(stale)


def _key_now(record: Mapping[str, Any], key_of: KeyOf) -> str | None:
    return key_of(Cell(**record["cell"]), str(record.get("inputs", {}).get("dtype", "fp32")))


def _run(at: Path, record: Mapping[str, Any]) -> Run:
    cell, gates = _cell(record), record.get("gates", {})
    return Run(
        folder=at,
        cell=cell,
        key=str(record.get("key", "")),
        model=_digest(record),
        created=str(record.get("created", "")),
        inputs=_inputs(record),
        concept=str(record.get("concept") or ""),
        relative=(record.get("steering") or {}).get("relative"),
        failed=tuple(
            Gate(name=name, seen=str(gate.get("seen")), wanted=str(gate.get("wanted")))
            for name, gate in gates.items()
            if gate.get("ok") is not True
        ),
        values=_values(at / "results.jsonl", cell.seed),
        checks=_checks(at / "checks.jsonl"),
        capabilities=_capabilities(at / "capabilities.json", str(record.get("key", ""))),
        origin=origin(record),
    )


def _inputs(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the run was made from, one name each: a vector counts by its own name."""
    inputs = {"judges": record.get("judges"), **record.get("inputs", {})}
    vectors = inputs.pop("vectors", None) or {}
    return inputs | {f"vector {name}": key for name, key in vectors.items()}


def _values(file: Path, seed: int) -> dict[tuple[str, str], list[Observation]]:
    values: dict[tuple[str, str], list[Observation]] = {}

    def observed(row: Mapping[str, Any]) -> None:
        seen = Observation(row["cluster"] or row["case"], seed, _number(row["value"]))
        values.setdefault((row["condition"], row["metric"]), []).append(seen)

    _each_row(file, observed)
    if not values:
        raise HarnessError(f"{file}: empty; remove the file and run the cell again")
    return values


def _checks(file: Path) -> tuple[Check, ...]:
    found: list[Check] = []

    def compared(row: Mapping[str, Any]) -> None:
        first, second = ({name: _number(one) for name, one in row[side].items()} for side in ("first", "second"))
        if not first or set(first) != set(second):
            raise ValueError("the two judges give different scores")
        found.append(Check(judge=row["judge"], check=row["check"], first=first, second=second))

    if file.is_file():
        _each_row(file, compared)
    return tuple(found)


def _capabilities(file: Path, key: str) -> tuple[Capability, ...]:
    """The rows that were measured on the run with this `key`."""
    if not file.is_file():
        return ()
    try:
        return tuple(
            Capability(
                task=task,
                condition=row["condition"],
                metric=metric,
                value=float(figure["value"]),
                stderr=_number(figure["stderr"]),
                n=said["n"],
            )
            for row in json.loads(file.read_text(encoding="utf-8"))
            if row["key"] == key
            for task, said in row["results"].items()
            for metric, figure in said["metrics"].items()
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(f"{file}: cut or broken ({_reason(error)}); remove it and run the cell again") from error


def _each_row(file: Path, take: Callable[[Mapping[str, Any]], None]) -> None:
    """Hands over every row, or raises HarnessError with the line of the first that is broken."""
    lines = file.read_bytes().splitlines()
    for number, row in enumerate(_rows(lines), start=1):
        try:
            take(json.loads(lines[number - 1].decode()) if row is None else row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise HarnessError(
                f"{file}:{number}: cut or broken ({_reason(error)}); remove the file and run the cell again"
            ) from error


def _rows(lines: Sequence[bytes]) -> Sequence[Any]:
    """All lines parsed at once, which takes half the time; a None for each where that cannot be done."""
    try:
        rows = json.loads(b"[" + b",".join(lines) + b"]")
    except ValueError:
        rows = []
    return rows if len(rows) == len(lines) else [None] * len(lines)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if not math.isfinite(float(value)):
        raise ValueError(f"value {value} is not a finite number")
    return float(value)


def _reason(error: Exception) -> str:
    return f"no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
