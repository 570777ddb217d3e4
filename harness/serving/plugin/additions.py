"""What is added for one key: a safetensors file, named by the sha256 of its bytes, of one vector for each block."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

KEY = re.compile(r"[0-9a-f]{64}")
LARGEST_BYTES = 1 << 30


def read_additions(folder: Path, key: str, *, blocks: int, width: int) -> dict[int, Tensor]:
    """The vector of each block in the file of `key`, (hidden,) fp32; ValueError for a file that is not that."""
    if not KEY.fullmatch(key):
        raise ValueError(f"{key[:80]!r} is no key of additions: 64 digits of a sha256")
    file = folder / f"{key}.safetensors"
    if not file.is_file():
        raise ValueError(f"no additions {key}: hand them to the server before a request names them")
    return parse_additions(file.read_bytes(), key, blocks=blocks, width=width)


def parse_additions(content: bytes, key: str, *, blocks: int, width: int) -> dict[int, Tensor]:
    """The same of a file's bytes."""
    import torch
    from safetensors.torch import load

    if hashlib.sha256(content).hexdigest() != key:
        raise ValueError(f"additions {key} are not those bytes: their sha256 is another")
    try:
        tensors = load(content)
    except Exception as error:  # the library's own has no public base
        raise ValueError(f"additions {key} are no safetensors file: {error}") from None
    found: dict[int, Tensor] = {}
    for name, vector in tensors.items():
        if not name.isdigit() or int(name) >= blocks:
            raise ValueError(f"additions {key} name block {name[:20]!r}, and this model has blocks 0 to {blocks - 1}")
        if vector.shape != (width,) or vector.dtype != torch.float32:
            raise ValueError(f"additions {key}: block {name} is {vector.dtype} {tuple(vector.shape)}, not ({width},)")
        if not bool(vector.isfinite().all()):
            raise ValueError(f"additions {key}: block {name} has values that are not finite")
        found[int(name)] = vector
    if not found:
        raise ValueError(f"additions {key} name no block")
    return found


def keep_additions(folder: Path, key: str, content: bytes) -> None:
    """Puts those bytes into the file of `key`, in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=folder, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.replace(part, folder / f"{key}.safetensors")
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
