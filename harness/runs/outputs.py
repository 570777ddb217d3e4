"""Files that a user names to be written: never over a run, an input, or anything that is not an output of ours.

An output is known by what is in it. Whatever else is there stays, unless the user says that it may be replaced; what is
no regular file, and what a run holds, always stays.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, way_out
from harness.files import half_of, writing
from harness.runs.merging import LOCK
from harness.runs.products import CHECKS, REPLIES, RESULTS
from harness.runs.run_record import RUN, is_run
from harness.runs.vector_cards import VECTORS

HEAD, TAIL = 8192, 65536  # bytes in which an output shows itself
RECORDS = frozenset({RUN, REPLIES, RESULTS, CHECKS, LOCK})
TABLES = rb"(?:\[95 % interval, clustered by case\]|no finished cell here).*\n"
SIGNS: tuple[tuple[bytes, bytes], ...] = (
    (rb"\A<!doctype html>\n.*<title>Training-time interventions: report</title>", rb"</html>\n\Z"),
    (rb"\A(?:##|###|- no finished) ", TABLES + rb"\nTranscripts: (`+) ?inspect view --log-dir [^\n]* ?\1\n\Z"),
    (rb"\A[^#]", TABLES + rb"inspect view --log-dir [^\n]*\n\Z"),
    (rb'\A\{\n  "tables": \[', rb'\n  "transcripts": "inspect view --log-dir [^\n]*"\n\}\n\Z'),
    (rb"\Asetting,scale,model,arm,intervention,weights,dose,control,metric,kind,goal,condition,seed,", rb"\n\Z"),
    (rb"\Ametric,dose,coefficient,relative,mean,low,high,n,judged,seeds,by_seed\n", rb"\n\Z"),
    (rb"\Ametric,arm,condition,mean,low,high,n,judged\n", rb"\n\Z"),
    (rb'\A\{(?:"id": [^\n]*, )?"scores": \{[^\n]*\}, "reason": ', rb"\}\n\Z"),
    (rb"\A\x89PNG\r\n.*tEXtSoftware\x00harness", rb"IEND....\Z"),
    (rb"\A<\?xml .*<dc:title>harness</dc:title>", rb"</svg>\n\Z"),
)
"""How an output of ours begins and ends: page, report as Markdown, text, JSON and CSV, a curve's numbers, a judge's
scores, a figure as PNG and SVG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Where a command may write what its user names. `inputs` are what it reads; `force` is the user's word."""

    inputs: tuple[Path, ...] = ()
    force: bool = False

    @contextmanager
    def writing(self, target: Path, what: str) -> Iterator[Path]:
        """A path to write to that becomes `target` when the block ends; HarnessError where it must not be written."""
        self.check(target, what)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        with writing(target, what) as part:
            yield part
        if mode is not None:
            target.chmod(mode)

    def check(self, target: Path, what: str) -> None:
        """HarnessError where `target` cannot or must not be written; call it before what takes long."""
        try:
            reason = self._against(target)
        except OSError as error:
            reason = f"{error.strerror}; nothing was changed, {way_out(error) or 'name another file'}"
        if reason:
            raise HarnessError(f"cannot write {what} at {target}: {reason}")

    def _against(self, target: Path) -> str:
        if not target.name or target.name == "..":
            return "it names no file; nothing was changed, name one"
        there = _looked_at(target)
        _looked_at(half_of(target))
        _check_folder(target.parent)
        if any(_same(target, one) for one in self.inputs):
            return "it is what the command reads; nothing was changed, name another file"
        if target.name in RECORDS or _in_a_run(target):
            return "runs are kept there, and nothing else; nothing was changed, name a file elsewhere"
        if there is None:
            return ""
        if stat.S_ISLNK(there.st_mode):
            return f"it is a link to {os.readlink(target)}; nothing was changed, name that or another file"
        if stat.S_ISDIR(there.st_mode):
            return "it is a folder; nothing was changed, name a file"
        if not stat.S_ISREG(there.st_mode):
            return "it is a device or a pipe, no file; nothing was changed, leave the option out to print"
        return "" if self.force else _not_ours(target, there)


def _not_ours(target: Path, there: os.stat_result) -> str:
    kept = "nothing was changed, name another file, move it away, or replace it with --force"
    if there.st_uid != os.geteuid():
        return f"it belongs to another user; {kept}"
    if not there.st_mode & stat.S_IWUSR:
        return f"it may only be read; {kept}"
    return "" if is_output(target) else f"it is there and was not written by this command; {kept}"


def is_output(file: Path) -> bool:
    """Whether a regular file is an output of ours, or empty."""
    with file.open("rb") as stream:
        head = stream.read(HEAD)
        stream.seek(max(0, file.stat().st_size - TAIL))
        tail = stream.read()
    return not head or any(_has(head, first) and _has(tail, last) for first, last in SIGNS)


def check_folder(folder: Path, what: str) -> None:
    """HarnessError where nothing can be written into `folder`, or it is that of a run; call it before long work."""
    try:
        _check_folder(folder)
    except OSError as error:
        raise HarnessError(
            f"cannot write {what} at {folder}: {error.strerror}; nothing was changed, "
            f"{way_out(error) or 'name another folder'}"
        ) from error
    if _in_a_run(folder / "file"):
        raise HarnessError(f"cannot write {what} at {folder}: runs are kept there; name a folder elsewhere")


def _has(text: bytes, pattern: bytes) -> bool:
    return re.search(pattern, text, re.DOTALL) is not None


def _looked_at(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None  # what is above it is told of by name


def _check_folder(folder: Path) -> None:
    """OSError where nothing can be written into `folder`, or it cannot be made."""
    at = folder.absolute()
    while not at.exists():
        if at.is_symlink():
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(at))
        at = at.parent
    if not at.is_dir():
        raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(at))
    if not os.access(at, os.W_OK | os.X_OK):
        number = errno.EROFS if os.statvfs(at).f_flag & os.ST_RDONLY else errno.EACCES
        raise OSError(number, os.strerror(number), str(at))


def _same(target: Path, other: Path) -> bool:
    if target.exists() and other.exists():
        return target.samefile(other)
    return os.path.realpath(target) == os.path.realpath(other)


def _in_a_run(target: Path) -> bool:
    """Whether `target` lies in the folder of a run or among the vectors, however the way there is spelled."""
    above = Path(os.path.realpath(target)).parents  # not resolve(): a link may lead to itself
    return any(is_run(folder) or (folder.name == VECTORS and any(folder.glob("*.safetensors"))) for folder in above)
