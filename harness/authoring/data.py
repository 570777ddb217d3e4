"""Data sets of others: pinned by commit and sha256, read from a local mirror or the cache, else downloaded.

No row of such a set is part of this repository. A file is taken from the first of: the folder that
`HARNESS_DATA_MIRROR` names, the cache folder, its address; and its digest is checked at each. A file whose
digest nobody has written down yet is pinned by its size; the digest seen first is then recorded in the cache
folder, and held to from then on.
"""

from __future__ import annotations

import hashlib
import os
import re
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from harness.errors import HarnessError, OutOfReach
from harness.files import ROWS_BYTES, cache_folder, read_bytes, read_rows, read_text, under, writing

MIRROR = "HARNESS_DATA_MIRROR"
TIMEOUT_SECONDS = 60

_refused: dict[tuple[str, Path], str] = {}
"""What was tried in this process and could not be had: an address that does not answer is not waited for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One file of a public data set, and what it must be.

    `mirror` is its path below a mirror or the cache, `SOURCE/FILE`; `licence` is as its authors state it.
    `sha256` is None where it is not known; then `size`, in bytes, is given.
    """

    name: str
    address: str
    commit: str
    sha256: str | None
    licence: str
    mirror: str
    size: int | None = None

    def __post_init__(self) -> None:
        assert self.sha256 is not None or self.size is not None, f"{self.name} is pinned by nothing"


def github(repository: str, commit: str, path: str) -> str:
    """The address of one file of a GitHub repository at one commit."""
    return f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"


def fetch(pin: Pin) -> Path:
    """The file that `pin` means, on this machine, its digest checked; downloaded on first use.

    HarnessError when it is not what was pinned, OutOfReach when it is nowhere to be had; the message says where to
    put it.
    """
    mirrored = _mirrored(pin)
    if mirrored is not None:
        return _checked(mirrored, pin, f"repair the mirror, or unset {MIRROR} to download it")
    cached = under(cache_folder() / "data", pin.mirror)
    if not cached.is_file():
        content = _downloaded(pin, cached)
        with writing(cached, f"the data file {pin.name}") as part:
            part.write_bytes(content)
    return _checked(cached, pin, "delete it and run again to download it")


def read_jsonl(path: Path) -> list[dict[str, object]]:
    """The JSON objects of a file, one per line, blank lines left out; errors name the file and the line."""
    return [row for _, row in read_rows(path, way_out="repair the file, or fetch it again")]


def _mirrored(pin: Pin) -> Path | None:
    named = os.environ.get(MIRROR)
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise HarnessError(f"{MIRROR} names {folder}, which is no folder; correct it or unset it")
    path = under(folder, pin.mirror)
    return path if path.is_file() else None


def _checked(path: Path, pin: Pin, way_out: str) -> Path:
    content = read_bytes(path, limit=ROWS_BYTES, advice=way_out)
    if wrong := _wrong(content, pin):
        raise HarnessError(f"{path} has {wrong}; {way_out}")
    if pin.sha256 is None and not _record(pin).is_file():
        with writing(_record(pin), f"the digest of the data file {pin.name}") as part:
            part.write_text(_sha256(content) + "\n", encoding="ascii")
    return path


def _wrong(content: bytes, pin: Pin) -> str | None:
    """What `content` has that `pin` does not allow, and what it should have."""
    if pin.size is not None and len(content) != pin.size:
        return f"{len(content)} bytes, not the pinned {pin.size}"
    record, seen = _record(pin), _sha256(content)
    if pin.sha256 is not None:
        return None if seen == pin.sha256 else f"sha256 {seen}, not the pinned {pin.sha256}"
    if not record.is_file():
        return None
    first = read_text(record, what=f"the digest seen first of {pin.name}", advice="move it away").strip()
    if not re.fullmatch("[0-9a-f]{64}", first):
        raise HarnessError(f"{record} holds no digest, where that seen first of {pin.name} should be; move it away")
    return None if seen == first else f"sha256 {seen}, not {first} as at its first use (recorded in {record})"


def _record(pin: Pin) -> Path:
    """Where the digest is kept that a file without a pinned one had at its first use here."""
    return under(cache_folder() / "data", f"{pin.mirror}.sha256")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _downloaded(pin: Pin, target: Path) -> bytes:
    if (pin.address, target) in _refused:
        raise OutOfReach(_refused[pin.address, target])
    try:
        with urllib.request.urlopen(pin.address, timeout=TIMEOUT_SECONDS) as response:
            content = bytes(response.read(ROWS_BYTES))
    except (OSError, HTTPException) as error:
        cause = " ".join(str(error).split()) or type(error).__name__
        _refused[pin.address, target] = (
            f"cannot download the data file {pin.name} from {pin.address} ({cause}); "
            f"fetch it by hand and put it at {target}, or into a folder named by {MIRROR} as {pin.mirror}"
        )
        raise OutOfReach(_refused[pin.address, target]) from error
    if wrong := _wrong(content, pin):
        raise HarnessError(f"{pin.address} gave {wrong}; put the right file at {target}")
    return content
