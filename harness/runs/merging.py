"""Runs folders of several machines combined by content: what is the same is kept once, what differs is named.

A cell's key covers all its inputs, so two cells of one key should be equal; where their replies or scores are not,
somebody has to say which counts.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError
from harness.files import (
    Busy,
    Row,
    alike,
    check_plain,
    clear_halves,
    file_sha256,
    inside,
    locked,
    read_rows,
    replacing,
    writing,
)
from harness.runs.capabilities_file import CAPABILITIES, CapabilityResult, read_capabilities
from harness.runs.products import CHECKS, REPLIES, RESULTS
from harness.runs.replies import read_replies
from harness.runs.results import read_checks, read_results
from harness.runs.run_record import RunRecord, read_run
from harness.runs.searching import run_folders
from harness.runs.training_record import ADAPTER, read_training
from harness.runs.vector_cards import VECTORS, check_pair

Outcome = Literal["copied", "same", "conflict", "replaced", "skipped", "broken"]
Side = Literal["ours", "theirs"]
Check = Callable[[Path], None]

LOCK = "claims.lock.json"
"""The lock of the claims, in the runs folder itself."""

# The rows that a cell came to. Adapters and logs hold times and paths, so they differ where nothing that counts does.
ROWS = (REPLIES, RESULTS, CHECKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What became of one cell or shared file: `place` is its path in the merged folder, `source` where it came from."""

    place: Path
    source: Path
    outcome: Outcome
    why: str = ""


def merge(
    sources: Sequence[Path],
    target: Path,
    *,
    keep: Side | None = None,
    dry_run: bool = False,
    check: Check = lambda folder: None,
) -> list[Merged]:
    """Copies the finished cells and vectors of `sources` that `target` lacks, one at a time and each in one step.

    A cell that is there with other replies or scores is a conflict: it stays as it is, as with `keep` "ours"; with
    "theirs" it is replaced. A cell whose files do not belong together, that holds a link, or that `check` finds
    fault with, is broken, and is not copied. Nothing of `sources` is changed. HarnessError for a source that is
    no runs folder, that lies within `target`, or holds it.
    """
    for source in sources:
        _check(source, target)
    how = _How(keep=keep, dry_run=dry_run, check=check)
    if not dry_run:
        clear_halves(target / VECTORS)
    done = []
    for source in sources:
        done += [_cell(folder, source, target, how) for folder in run_folders(source)]
        done += [_vector(file, source, target, dry_run) for file in _shared(source)]
        done += _lock(source, target)
    return done


def _check(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise HarnessError(f"no runs folder at {source}; name one that has runs in it")
    here, there = source.resolve(), target.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise HarnessError(f"{source} and {target} are one folder, or one holds the other; name two apart")
    if not run_folders(source):
        raise HarnessError(f"no run in {source}; name a folder that 'harness run' has filled")


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    """How cells are merged, as `merge` was told."""

    keep: Side | None
    dry_run: bool
    check: Check


def _cell(folder: Path, source: Path, target: Path, how: _How) -> Merged:
    try:
        check_plain(folder)
        record = _finished(folder, how.check)
        place = inside(target, record.cell.setting, record.cell.intervention, folder.name)
        _check_place(place)
    except _Unfinished as reason:
        return Merged(place=folder.relative_to(source), source=folder, outcome="skipped", why=str(reason))
    except HarnessError as error:
        return Merged(place=folder.relative_to(source), source=folder, outcome="broken", why=str(error))
    inner = place.relative_to(target)
    if how.dry_run:
        return _compared(folder, place, record, inner, how)
    try:
        with locked(place):
            found = _compared(folder, place, record, inner, how)
            if found.outcome in ("copied", "replaced"):
                _copy(folder, place)
            return found
    except Busy:
        return Merged(place=inner, source=folder, outcome="skipped", why="another process is working on it")


class _Unfinished(Exception):
    """A cell that cannot be merged yet; the message says why."""


def _finished(folder: Path, check: Check) -> RunRecord:
    """The record of a cell that is done and whole; HarnessError where it is broken, or its files are not its own."""
    record = read_run(folder)
    if record is None or record.status != "done":
        raise _Unfinished("not finished")
    if not read_results(folder, record):
        raise HarnessError(f"{folder / RESULTS} is lacking or empty; run the cell again")
    read_checks(folder, record)
    read_replies(folder, record)
    read_capabilities(folder, record)
    if (folder / ADAPTER).is_dir():
        read_training(folder, record)
    check(folder)
    return record


def _check_place(place: Path) -> None:
    if place.is_symlink():
        raise HarnessError(f"{place} is a link, and what it leads to is not written over; move it away")
    if other := alike(place):
        raise HarnessError(f"{place} and {other} beside it are one name on some file systems; move one of them away")


def _compared(folder: Path, place: Path, record: RunRecord, inner: Path, how: _How) -> Merged:
    try:
        there = _finished(place, how.check)
    except _Unfinished:
        return Merged(place=inner, source=folder, outcome="copied")
    except HarnessError as error:
        return Merged(place=inner, source=folder, outcome="replaced", why=f"what was there is broken: {error}")
    if there.key != record.key:
        why = "a cell of another key has the same name; move one of them away"
        return Merged(place=inner, source=folder, outcome="broken", why=why)
    differing = list(_differences(folder, place))
    if not differing:
        return Merged(place=inner, source=folder, outcome="same")
    made = f"here by {_made(there)}, there by {_made(record)}"
    why = f"{', '.join(differing)} differ ({made})"
    if how.keep == "theirs":
        return Merged(place=inner, source=folder, outcome="replaced", why=why)
    return Merged(place=inner, source=folder, outcome="same" if how.keep == "ours" else "conflict", why=why)


def _differences(folder: Path, place: Path) -> Iterator[str]:
    """What two finished cells do not share, in words: rows that are in only one of them, by file."""
    for name in ROWS:
        ours, theirs = (Counter(map(_spelled, _rows(at / name))) for at in (place, folder))
        if ours != theirs:
            alone = max((ours - theirs).total(), (theirs - ours).total())
            yield f"{alone:,} of {max(ours.total(), theirs.total()):,} rows of {name}"
    if _measured(place) != _measured(folder):
        yield CAPABILITIES


def _measured(folder: Path) -> list[tuple[str, Mapping[str, CapabilityResult]]]:
    """The figures of a cell's capabilities, without when and with what they were measured."""
    return [(row.condition, row.results) for row in read_capabilities(folder)]


def _made(record: RunRecord) -> str:
    """The machine and the versions behind a cell, in a few words."""
    gpus = ", ".join(record.hardware.gpus)
    threads = f", {record.hardware.threads} threads" if record.hardware.threads and not gpus else ""
    processor = record.hardware.processor or "an unknown machine"
    return f"{gpus or processor}{threads}, torch {record.versions.get('torch', '?')}"


def _rows(file: Path) -> list[Row]:
    return (
        [row for _, row in read_rows(file, way_out="move the run away and run the cell again")]
        if file.is_file()
        else []
    )


def _spelled(row: Row) -> str:
    return json.dumps(row, sort_keys=True)


def _copy(folder: Path, place: Path) -> None:
    """`folder` in the place of `place`: whoever looks sees the old one, the new one, or for a moment none."""
    with replacing(place, "the cell") as part:
        shutil.copytree(folder, part, ignore=shutil.ignore_patterns(".*"), symlinks=True)


def _shared(source: Path) -> list[Path]:
    return sorted(
        file
        for file in (source / VECTORS).glob("*")
        if (file.is_symlink() or not file.is_dir()) and not file.name.startswith(".")
    )


def _vector(file: Path, source: Path, target: Path, dry_run: bool) -> Merged:
    place = target / file.relative_to(source)
    inner = place.relative_to(target)
    try:
        check_plain(file)
        check_pair(file.with_suffix(".safetensors"))
        _check_place(place)
    except HarnessError as error:
        return Merged(place=inner, source=file, outcome="broken", why=str(error))
    if place.is_file():
        same = file_sha256(place) == file_sha256(file)
        why = "" if same else "made of the same inputs with other rounding; the one that is here stays"
        return Merged(place=inner, source=file, outcome="same", why=why)
    if not dry_run:
        with writing(place, "the vector") as part:
            shutil.copyfile(file, part)
    return Merged(place=inner, source=file, outcome="copied")


def _lock(source: Path, target: Path) -> list[Merged]:
    """The lock of the claims stays where it is: one that is copied would say that it was there before the runs."""
    there, here = source / LOCK, target / LOCK
    if not there.is_file():
        return []
    if here.is_file() and file_sha256(here) == file_sha256(there):
        return [Merged(place=Path(LOCK), source=there, outcome="same")]
    why = "the claims were locked differently here" if here.is_file() else "locks are not copied: lock the claims here"
    return [Merged(place=Path(LOCK), source=there, outcome="skipped", why=why)]
