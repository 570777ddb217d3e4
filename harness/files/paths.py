"""Names made paths: whatever was read or typed is the name of something in its folder, or it is refused."""

from __future__ import annotations

import stat
import unicodedata
from pathlib import Path

from harness.errors import HarnessError

LONGEST = 255  # bytes, on every file system in use


def inside(folder: Path, *names: str) -> Path:
    """`folder` / name / name ..., each the plain name of something in it; HarnessError for one that leads elsewhere."""
    for name in names:
        if fault := _fault(name):
            raise HarnessError(f"{name[:80]!r} cannot be a name in {folder}: {fault}; choose another name")
    return folder.joinpath(*names)


def under(folder: Path, path: str) -> Path:
    """The file that the relative `path`, as `vectors/NAME`, means below `folder`; HarnessError where it leads out."""
    return inside(folder, *path.split("/"))


def alike(place: Path) -> str | None:
    """What lies beside `place` under another name that some file systems take for the same, in case or in accents."""
    wanted = _folded(place.name)
    if not place.parent.is_dir():
        return None
    return next(
        (one.name for one in place.parent.iterdir() if one.name != place.name and _folded(one.name) == wanted), None
    )


def check_plain(path: Path) -> None:
    """HarnessError where `path`, a file or a folder with all that is in it, is no plain file or folder, but a link say.

    What is hidden, as a lock is, is passed by.
    """
    at = path.lstat().st_mode
    if stat.S_ISDIR(at):
        for one in sorted(path.iterdir()):
            if not one.name.startswith("."):
                check_plain(one)
    elif not stat.S_ISREG(at):
        what = "a link" if stat.S_ISLNK(at) else "no file"
        raise HarnessError(f"{path} is {what}, and nothing but files belongs there; put the file itself in its place")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _fault(name: str) -> str | None:
    if name in ("", ".", "..") or name.startswith("."):
        return "it is empty or begins with a dot"
    if "/" in name or "\\" in name:
        return "it has a slash, and would lead to another folder"
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name):
        return "it has a character that no name may have"
    return f"it has more than {LONGEST} bytes" if len(name.encode()) > LONGEST else None
