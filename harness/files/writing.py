"""Whole or not at all: a file becomes what it is to be by one rename."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from harness.errors import HarnessError, system_error, way_out
from harness.files.halves import aside_of, at_work, clear_halves_of, half_of


@contextmanager
def writing(target: Path, what: str) -> Iterator[Path]:
    """A path to write to that becomes `target` by rename when the block ends, and vanishes when it raises.

    `what` names the thing for the error when the disk is full or the folder is read-only.
    """
    if not target.name or target.name == "..":
        raise HarnessError(f"cannot write {what} at {target}: that is a folder; name a file in it")
    part = half_of(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        clear_halves_of(target)
        _discard(part)  # of a process that had this one's number
        with at_work(target.parent):
            yield part
            open_to_others(part)
            if part.is_file():
                with part.open("rb") as stream:
                    os.fsync(stream.fileno())
            os.replace(part, target)
    except (OSError, SafetensorError) as error:
        # Safetensors, written in Rust, and a copied folder tell of a full disk in words alone.
        cause = error if isinstance(error, OSError) and error.errno else system_error(str(error)) or OSError(str(error))
        advice = f", {found}" if (found := way_out(cause)) else ""
        said = cause.strerror or str(cause)
        raise HarnessError(f"cannot write {what} at {target}: {said}; nothing was changed{advice}") from error
    finally:
        _discard(part)


@contextmanager
def replacing(target: Path, what: str) -> Iterator[Path]:
    """The same for a folder that takes the place of another: a reader sees the old one, the new one, or briefly none.

    Killed in between, the next who writes or locks `target` finds the old one put back.
    """
    aside = aside_of(target)
    try:
        with writing(target, what) as part:
            yield part
            if target.exists():
                target.rename(aside)
    except BaseException:
        if aside.exists() and not target.exists():
            aside.rename(target)
        raise
    if aside.exists():
        shutil.rmtree(aside)


def _discard(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with suppress(OSError):
            part.unlink()


def open_to_others(path: Path) -> None:
    """Gives a file, or a folder with all that is in it, the mode that the umask leaves to what is new.

    Some libraries write through a file of their own that nobody else may read.
    """
    left = ~_umask()
    for at in (path, *(path.rglob("*") if path.is_dir() else ())):
        if not at.is_symlink():
            wanted = (0o777 if at.is_dir() else 0o666) & left
            mode = stat.S_IMODE(at.stat().st_mode)
            if mode & wanted != wanted:
                at.chmod(mode | wanted)


def _umask() -> int:
    """The umask of this process: Linux tells it, and elsewhere it is there to be read for as long as it is changed."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Umask:")).split()[1], 8)
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
