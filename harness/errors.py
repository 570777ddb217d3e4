"""The one exception that a user can act on, and the way out that its message carries."""

from __future__ import annotations

import difflib
import errno
import os
import re
import textwrap
from collections.abc import Iterable

_ENDLESS_WORD = re.compile(r"(\S{400})\S{400,}(\S{200})")


class HarnessError(Exception):
    """Something a user can fix: the message says what, where and the way out, in one line.

    The command line prints it and exits with status 2; a library caller catches it. Of a word of over a thousand
    characters, which somebody gave, the start and the end are said.
    """

    def __init__(self, said: object = "") -> None:
        super().__init__(_ENDLESS_WORD.sub(r"\1...\2", str(said)))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the line, as the command line does."""
        return [f"error: {self}"]


class OutOfReach(HarnessError):
    """Data of others that is neither on this machine nor to be had from its address."""


class Unanswered(HarnessError):
    """A question to a grader that has no answer, whoever asks it again now; other questions have one."""


class GraderStopped(HarnessError):
    """A grader that is asked no more: what was said is kept, and the same command goes on from there."""


def unknown(kind: str, name: str, known: Iterable[str]) -> HarnessError:
    """An error for a name that is not among `known`, with the nearest one or, failing that, the list."""
    names, shown = sorted(known), f"{name!r:.100}"
    near = difflib.get_close_matches(name[:100], names, n=1, cutoff=0.5)
    if near:
        return HarnessError(f"no {kind} named {shown}; did you mean {near[0]!r}?")
    return HarnessError(f"no {kind} named {shown}; there are: {', '.join(names) or 'none'}")


def gist(error: BaseException, width: int = 200) -> str:
    """Type and message of another library's error, on one line of about `width` characters."""
    said = textwrap.shorten(str(error), width, placeholder=" ...") or "no message"
    return f"{type(error).__name__}: {said}"


def system_error(text: str) -> OSError | None:
    """The system's error that another library tells of in words alone, such as "... (os error 28)"."""
    number = re.search(r"\(os error (\d+)\)|\[Errno (\d+)\]|OSError\((\d+),", text)
    if number is None:
        return None
    found = int(next(filter(None, number.groups())))
    return OSError(found, os.strerror(found))


def way_out(error: OSError) -> str | None:
    """What to do about a file that the system will not read or write; None where the fault is likely our own."""
    return WAYS_OUT.get(error.errno or 0)


MAKE_ROOM = "make room and give the same command again"
OPEN_IT = "make it accessible, or name another folder"
OTHER_FOLDER = "name another folder"
FEWER_FILES = "raise the limit on open files (ulimit -n) and give the same command again"
MORE_MEMORY = "free memory, or raise its limit (ulimit -v), and give the same command again"
WAYS_OUT = {
    errno.ENOSPC: MAKE_ROOM,
    errno.EDQUOT: MAKE_ROOM,
    errno.EFBIG: "raise the limit on the size of a file and give the same command again",
    errno.EACCES: OPEN_IT,
    errno.EPERM: OPEN_IT,
    errno.EROFS: OTHER_FOLDER,
    errno.ENOTDIR: OTHER_FOLDER,
    errno.EEXIST: OTHER_FOLDER,
    errno.EISDIR: "name a file",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: FEWER_FILES,
    errno.ENFILE: FEWER_FILES,
    errno.ENOMEM: MORE_MEMORY,
    errno.EAGAIN: "raise the limit on processes (ulimit -u), or end others, and give the same command again",
    errno.ENOLCK: "no file can be locked there; name another folder",
    errno.ESTALE: "mount it again, and give the same command again",
    errno.EIO: "look after the disk, then give the same command again",
}
