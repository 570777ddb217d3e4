"""What is read from disk: regular files of a size that their kind may have, and JSON that says one thing.

Every reader of a file goes through here, so that a pipe is not waited for, a device is not read for ever, and whatever
is no text or no JSON is one line that names the file.
"""

from __future__ import annotations

import json
import os
import re
import stat
import zipfile
from pathlib import Path
from typing import Any, NoReturn

from harness.errors import HarnessError, way_out

DOCUMENT_BYTES = 16 << 20
"""The most that one JSON document or trait file may take."""

WRITTEN_BYTES = 256 << 10
"""The most that a YAML file may take: a person writes it, and reading it takes about 3 s for each MB."""

ROWS_BYTES = 2 << 30
"""The most that a file of JSON lines, a journal or a data set may take."""

DEPTH = 100
"""How deep JSON and YAML may be nested."""

DIGITS = 300
"""How long a number may be: what is longer is no float either."""


class NoFile(HarnessError):
    """There is no file of that name."""


class NotJson(ValueError):
    """What a text has that JSON may not have here; `line` is where, if that is known."""

    def __init__(self, said: str, line: int | None = None) -> None:
        super().__init__(said if line is None else f"line {line}: {said}")
        self.said, self.line = said, line

    def place(self, file: Path) -> str:
        """`FILE:LINE`, or the file alone."""
        return str(file) if self.line is None else f"{file}:{self.line}"


def read_bytes(file: Path, *, limit: int = DOCUMENT_BYTES, start: int = 0, what: str = "", advice: str) -> bytes:
    """The content of a regular file of at most `limit` bytes, from byte `start` on.

    NoFile where there is none, HarnessError for a folder, a pipe, a device, or a file that is larger or cannot be
    read; `advice` says what to do then, and `what` names it.
    """
    said = f"cannot read {what and what + ' '}{file}"
    try:
        # Without waiting for somebody to write into a pipe.
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if file.is_symlink():
            raise HarnessError(f"{said}: it is a link to what is not there; {advice}") from None
        raise NoFile(f"{said}: {os.strerror(2)}; {advice}") from None
    except (OSError, ValueError) as error:
        raise _unreadable(said, error, advice) from error
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            os.close(handle)
            raise HarnessError(f"{said}: it is {_called(about.st_mode)}, not a file; {advice}")
        with os.fdopen(handle, "rb") as stream:
            # One more than may be: what grows while it is read ends here too.
            stream.seek(start)
            content = b"" if about.st_size > limit else stream.read(limit - start + 1)
    except OSError as error:
        raise _unreadable(said, error, advice) from error
    if (size := max(about.st_size, start + len(content))) > limit:
        raise HarnessError(f"{said}: it has {size:,} bytes, and may have {limit:,}; {advice}")
    return content


def check_regular(file: Path, *, advice: str) -> None:
    """HarnessError unless `file` is a regular file: call it before another library opens it."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        raise NoFile(f"cannot read {file}: {os.strerror(2)}; {advice}") from None
    except (OSError, ValueError) as error:
        raise _unreadable(f"cannot read {file}", error, advice) from error
    if not stat.S_ISREG(mode):
        raise HarnessError(f"cannot read {file}: it is {_called(mode)}, not a file; {advice}")


def unpacked_bytes(file: Path) -> int:
    """What the zip archive in `file` unpacks to, by its own word; 0 where it is none."""
    if not zipfile.is_zipfile(file):
        return 0
    with zipfile.ZipFile(file) as packed:
        return sum(part.file_size for part in packed.infolist())


def read_text(file: Path, *, limit: int = DOCUMENT_BYTES, what: str = "", advice: str) -> str:
    """The text in `file`, UTF-8, without a byte order mark; errors as of `read_bytes`, and with the line."""
    content = read_bytes(file, limit=limit, what=what, advice=advice)
    try:
        return decoded(content)
    except NotJson as error:
        raise HarnessError(f"{error.place(file)}: {error.said}; {advice}") from None


def decoded(content: bytes) -> str:
    """UTF-8 as text, without a byte order mark; NotJson, with the line, for what is none."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotJson("UTF-16 or UTF-32, not UTF-8 text, as which it is to be saved", 1)
    if (nul := content.find(b"\0")) >= 0:
        raise NotJson("a NUL byte, which no text has; it is to be saved as UTF-8", content.count(b"\n", 0, nul) + 1)
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotJson("not UTF-8 text, as which it is to be saved", line) from None


def parsed(text: str, *, rows: int = 0) -> Any:
    """The JSON value in `text`; NotJson for what no reader takes alike.

    That is besides bad syntax: a key that is there twice, NaN, infinities, numbers that are too large for a float or
    of more than `DIGITS` digits, half a surrogate pair, and nesting deeper than `DEPTH`. An array of `rows` objects
    that hold nothing nested is not searched for depth.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at character {error.colno}", error.lineno) from None
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    except _Literal as error:
        raise NotJson(str(error), _line_of(text, error.literal)) from None
    if text.count("[") + text.count("{") > DEPTH + rows and _is_deep(value):
        raise NotJson(_TOO_DEEP)
    if _SURROGATE.search(text):
        _check_pairs(value)
    return value


class _Literal(ValueError):
    def __init__(self, said: str, literal: str) -> None:
        super().__init__(said)
        self.literal = literal


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise _Literal(f"the key {twice!r:.80} is there twice", "")
    return made


def _float(text: str) -> float:
    value = float(text)
    if value - value:  # neither infinity is 0 away from itself
        raise _Literal(f"{text:.40} is too large a number", text)
    return value


def _int(text: str) -> int:
    if len(text) > DIGITS:
        raise _Literal(f"a number of {len(text):,} digits", text)
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise _Literal(f"{text} is no JSON number", text)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=_float, parse_int=_int, parse_constant=_no_number)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOO_DEEP = f"nested deeper than {DEPTH}"


def _line_of(text: str, literal: str) -> int | None:
    return text.count("\n", 0, text.index(literal)) + 1 if literal else None


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH):
        parts = [one.values() if type(one) is dict else one for one in level]
        level = [below for part in parts if type(part) is not str for below in part if type(below) in (dict, list)]
        if not level:
            return False
    return True


def _check_pairs(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise NotJson(f"half a surrogate pair (\\u{ord(error.object[error.start]):x}), which is no character") from None


def _unreadable(said: str, error: OSError | ValueError, advice: str) -> HarnessError:
    if isinstance(error, OSError):
        return HarnessError(f"{said}: {error.strerror}; {way_out(error) or advice}")
    return HarnessError(f"{said!r}: no file can be called that; {advice}")


def _called(mode: int) -> str:
    for test, name in _KINDS:
        if test(mode):
            return name
    return "no regular file"


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
