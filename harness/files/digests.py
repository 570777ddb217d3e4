"""What something is, told by its content: sha256 of files and of JSON values."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from harness.errors import HarnessError
from harness.files.cache import cache_folder
from harness.files.reading import check_regular
from harness.files.writing import writing

REMEMBERED_BYTES = 16 << 20
"""Files over this are remembered: below it, reading one takes no longer than looking up what is remembered."""

SAMPLES, SAMPLE_BYTES = 64, 4096
TICK_NS = 50_000_000
"""Longer than the steps in which a file system counts time: two changes further apart have different times."""

Identity = tuple[str, int, int, int, int, int]


def file_sha256(path: Path) -> str:
    """sha256 of a file's content.

    What was found for a large file is remembered by all that the system knows it by (`identity`) and by the bytes of
    a sample of it, so a file that was replaced, renamed over or edited in place is read again.
    """
    check_regular(path, advice="name one that is a file")
    with path.open("rb") as stream:
        before = identity(path, os.fstat(stream.fileno()))
        if before[-1] < REMEMBERED_BYTES:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        memo = cache_folder() / "digests" / digest_of([*before, _sample(stream, before[-1])])
        if (known := _remembered(memo)) is not None:
            return known
        settled = _settled(before)
        stream.seek(0)
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        after = identity(path, os.fstat(stream.fileno()))
    if settled and after == before:
        with suppress(HarnessError), writing(memo, "the digest cache") as part:
            part.write_text(digest)  # where the cache can be written: else the file is read anew each time
    return digest


def content_sha256(path: Path) -> str:
    """sha256 of a file's content, read anew each time."""
    check_regular(path, advice="name one that is a file")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def identity(path: Path, stat: os.stat_result) -> Identity:
    """All that the system knows a file by: full path, device, inode, times of change and of writing, size.

    The time of change is set by the system alone, so that no tool can put it back.
    """
    return (
        str(path.resolve()),
        stat.st_dev,
        stat.st_ino,
        stat.st_ctime_ns,
        stat.st_mtime_ns,
        stat.st_size,
    )


def safe_name(name: str) -> str:
    """A form of `name` for people, fit for a file: others may share it, so it never identifies anything."""
    return re.sub(r"[^A-Za-z0-9._]+", "_", name).strip("._").lower()[-120:] or "model"


def digest_of(value: object) -> str:
    """sha256 of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _sample(stream: BinaryIO, size: int) -> str:
    """sha256 over blocks from all over the file, the first and the last bytes among them."""
    whole = hashlib.sha256()
    for at in range(SAMPLES):
        stream.seek((size - SAMPLE_BYTES) * at // (SAMPLES - 1))
        whole.update(stream.read(SAMPLE_BYTES))
    return whole.hexdigest()


def _settled(seen: Identity) -> bool:
    """Waits until a further change would show in the times of a file; False where its clock is ahead of ours."""
    changed = seen[3]
    if 0 <= time.time_ns() - changed < TICK_NS:
        time.sleep(TICK_NS / 1e9)
    return time.time_ns() - changed >= TICK_NS


def _remembered(memo: Path) -> str | None:
    try:
        known = memo.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return known if re.fullmatch(r"[0-9a-f]{64}", known) else None
