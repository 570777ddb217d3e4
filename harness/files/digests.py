"""What something is, told by its content: sha256 of files and of JSON values."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from stat import S_ISREG

from harness.errors import HarnessError
from harness.files.cache import cache_folder
from harness.files.writing import writing


def file_sha256(path: Path) -> str:
    """sha256 of a file, remembered by path, size and time of change for files over 16 MB."""
    stat = path.stat()
    if not S_ISREG(stat.st_mode):
        raise HarnessError(f"cannot read {path}: it is no regular file; name one that is")
    if stat.st_size < 16 << 20:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    memo = cache_folder() / "digests" / safe_name(f"{path.absolute()}-{stat.st_size}-{stat.st_mtime_ns}")
    if memo.is_file() and len(known := memo.read_text()) == 64:
        return known
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    with writing(memo, "the digest cache") as part:
        part.write_text(digest)
    return digest


def safe_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "_", name).strip("._").lower()[-120:] or "model"


def digest_of(value: object) -> str:
    """sha256 of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
