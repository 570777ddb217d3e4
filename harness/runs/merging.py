"""Runs folders of several machines combined by content: what is the same is kept once, what differs is named.

A cell's key covers all its inputs, so two cells of one key should be equal; where their replies or scores are not,
somebody has to say which counts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.files import (
    Busy,
    Row,
    check_plain,
    file_sha256,
    inside,
    locked,
    read_rows,
)
from harness.runs.capabilities_file import CAPABILITIES, CapabilityResult, read_capabilities
from harness.runs.products import CHECKS, REPLIES, RESULTS
from harness.runs.replies import read_replies
from harness.runs.results import read_checks, read_results
from harness.runs.run_record import RunRecord, read_run
from harness.runs.searching import run_folders
from harness.runs.sharing import Merged, Side, check_place, copy_folder, merge_shared
from harness.runs.training_record import ADAPTER, read_training

Check = Callable[[Path], None]

LOCK = "claims.lock.json"
"""The lock of the claims, in the runs folder itself."""

# The rows that a cell came to. Adapters and logs hold times and paths, so they differ where nothing that counts does.
ROWS = (REPLIES, RESULTS, CHECKS)


def merge(
    sources: Sequence[Path],
    target: Path,
    *,
    keep: Side | None = None,
    dry_run: bool = False,
    check: Check = lambda folder: None,
) -> list[Merged]:
    """Copies the finished cells of `sources`, and what cells share, that `target` lacks, one by one, each in one step.

    A cell that is there with other replies or scores is a conflict: it stays as it is, as with `keep` "ours"; with
    "theirs" it is replaced. A cell whose files do not belong together, that holds a link, or that `check` finds
    fault with, is broken, and is not copied. Nothing of `sources` is changed. HarnessError for a source that is
    no runs folder, that lies within `target`, or holds it.
    """
    for source in sources:
        _check(source, target)
    how = _How(keep=keep, dry_run=dry_run, check=check)
    done = []
    for source in sources:
        done += [_cell(folder, source, target, how) for folder in run_folders(source)]
        done += merge_shared(source, target, keep=keep, dry_run=dry_run)
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
        check_place(place)
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
                copy_folder(folder, place, "the cell")
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


def _lock(source: Path, target: Path) -> list[Merged]:
    """The lock of the claims stays where it is: one that is copied would say that it was there before the runs."""
    there, here = source / LOCK, target / LOCK
    if not there.is_file():
        return []
    if here.is_file() and file_sha256(here) == file_sha256(there):
        return [Merged(place=Path(LOCK), source=there, outcome="same")]
    why = "the claims were locked differently here" if here.is_file() else "locks are not copied: lock the claims here"
    return [Merged(place=Path(LOCK), source=there, outcome="skipped", why=why)]
