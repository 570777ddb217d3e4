"""Published vector files, read: whatever form they have, rows by number. Only tensors and arrays of numbers are read.

The public repositories keep a vector as one tensor (a row for each layer), as a mapping from layers to rows, alone or
one entry deep among others, as a row of one layer, or as a folder with a file for each layer; in PyTorch's, NumPy's or
safetensors' form.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from harness.errors import HarnessError
from harness.files import NoFile, check_regular, digest_of, file_sha256, opened_tensors, unpacked_bytes

RowsAre = Literal["hidden_states", "blocks"]
"""What a row's number counts: blocks, or hidden states, of which 0 is the embeddings' and i that of block i - 1."""

LARGEST = 1 << 30
"""The most bytes that a published vector may take, in its files and unpacked."""
MOST_FILES = 1000
TORCH, NUMPY, SAFE = (".pt", ".pth", ".bin"), (".npy", ".npz"), (".safetensors",)
FORMS = (*TORCH, *NUMPY, *SAFE)
NUMBER = re.compile(r"(?<!\d)(\d{1,4})(?!\d)")
WANTED = "a tensor of shape (blocks + 1, hidden), or a row for each of some layers"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRows:
    """The rows of a published vector, (hidden,) fp32 by their numbers, and the `shape` that they were kept in.

    `whole` says that they were one tensor with a row for each layer; `sha256` is that of the file, or of all files of
    a folder with their names.
    """

    rows: Mapping[int, Tensor]
    shape: tuple[int, ...]
    whole: bool
    sha256: str


def read_published(source: Path, *, layer: int | None = None) -> PublishedRows:
    """The rows in `source`, a file or a folder of files; a row alone is that of `layer`.

    HarnessError where it holds anything else, or values that are not finite.
    """
    if source.is_dir():
        return _folder(source, layer)
    rows, shape, whole = _numbered(_content(source), str(source), layer)
    return PublishedRows(rows=rows, shape=shape, whole=whole, sha256=file_sha256(source))


def _folder(source: Path, layer: int | None) -> PublishedRows:
    if layer is not None:
        raise HarnessError(f"{source} is a folder, whose files have their layers in their names; leave out the layer")
    files = sorted(file for file in source.iterdir() if file.suffix in FORMS and not file.name.startswith("."))
    if not files:
        raise HarnessError(f"{source} has no file of a layer ({', '.join(FORMS)}); name a vector's file or folder")
    if len(files) > MOST_FILES:
        raise HarnessError(f"{source} has {len(files):,} files, more than any model has layers; name a vector's folder")
    if sum(file.stat().st_size for file in files) > LARGEST:
        raise HarnessError(f"{source} has files of more than {LARGEST:,} bytes; name the folder of one vector")
    found: dict[int, Tensor] = {}
    for file in files:
        number = _number(file.stem)
        if number is None:
            raise HarnessError(f"{file} has not one number in its name, its layer; rename it or move it away")
        if number in found:
            raise HarnessError(f"{source} has two files of layer {number}, one of them {file.name}; move one away")
        rows, _, _ = _numbered(_content(file), str(file), number)
        if len(rows) != 1:
            raise HarnessError(f"{file} holds {len(rows)} rows, and a file of a layer one; name that file alone")
        (found[number],) = rows.values()
    widths = {row.shape for row in found.values()}
    if len(widths) > 1:
        raise HarnessError(f"{source} has rows of several widths; name the folder of one vector")
    sha256 = digest_of({file.name: file_sha256(file) for file in files})
    return PublishedRows(rows=found, shape=(len(found), next(iter(found.values())).numel()), whole=False, sha256=sha256)


def _content(source: Path) -> Any:
    """The tensor in a file, or its tensors by name."""
    advice = f"name {WANTED}, in a file {', '.join(FORMS)}"
    try:
        check_regular(source, advice=advice)
    except NoFile:
        raise HarnessError(f"no file {source}; {advice}") from None
    if (size := source.stat().st_size) > LARGEST:
        raise HarnessError(f"{source} has {size:,} bytes, and a vector at most {LARGEST:,}; name a vector's file")
    if source.suffix in SAFE:
        return _safe(source, advice)
    return _numpy(source) if source.suffix in NUMPY else _torch(source)


def _safe(source: Path, advice: str) -> dict[str, Tensor]:
    with opened_tensors(source, otherwise="no safetensors file", advice=advice) as stored:
        return {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118


def _numpy(source: Path) -> Any:
    try:
        if (whole := unpacked_bytes(source)) > LARGEST:
            raise ValueError(f"it unpacks to {whole:,} bytes")
        found = np.load(source, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return _as_tensor(found)
        with found:
            return {name: _as_tensor(found[name]) for name in found.files}
    except Exception as error:  # whatever the library makes of a file that is none of its own
        raise _unread(source, "array of numbers", error) from None


def _as_tensor(array: Any) -> Any:
    """The array as a tensor; what torch has no such numbers for stays as it is, and is refused with its kind."""
    return torch.from_numpy(array.copy()) if array.dtype.kind == "f" and array.dtype.itemsize <= 8 else array


def _torch(source: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd pickle is refused below, or turns out a tensor
            if (whole := unpacked_bytes(source)) > LARGEST:
                raise ValueError(f"it unpacks to {whole:,} bytes")
            return torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise HarnessError(
            f"{source} holds more than tensors, or is cut; what is not a tensor could run code and is never loaded"
        ) from None
    except Exception as error:  # whatever the library makes of a file that is none of its own
        raise _unread(source, ".pt file", error) from None


def _unread(source: Path, what: str, error: Exception) -> HarnessError:
    said = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return HarnessError(f"{source} is no {what} or is cut ({said[:120]}); fetch it again")


def _numbered(found: Any, source: str, layer: int | None) -> tuple[dict[int, Tensor], tuple[int, ...], bool]:
    """The rows of what a file held by their numbers, the shape that it had, and whether it was one tensor of rows."""
    if isinstance(found, Mapping):
        return _of_mapping(found, source, layer)
    value = _checked(found, source)
    if value.ndim == 2 and value.shape[0] > 1:
        if layer is not None:
            raise HarnessError(f"{source} holds {value.shape[0]} rows, not one of layer {layer}; leave out the layer")
        return dict(enumerate(value)), tuple(value.shape), True
    if layer is None:
        raise HarnessError(f"{source} holds one row, and which layer it is of is not said; give it by --layer N")
    return {layer: value.reshape(-1)}, tuple(value.shape), False


def _of_mapping(
    found: Mapping[Any, Any], source: str, layer: int | None
) -> tuple[dict[int, Tensor], tuple[int, ...], bool]:
    """Rows by the numbers of their keys; or, where one entry alone has tensors, what that holds."""
    held = {key: value for key, value in found.items() if isinstance(value, Tensor) or _holds_tensors(value)}
    numbers = {key: _number(key) for key in held}
    if len(held) == 1:
        ((key, value),) = held.items()
        if numbers[key] is None or isinstance(value, Mapping):
            return _numbered(value, f"{source}, entry {str(key)[:40]!r},", layer)
    if not held:
        raise HarnessError(f"{source} holds no tensor; name {WANTED}")
    rows: dict[int, Tensor] = {}
    for key, value in held.items():
        at, place = numbers[key], f"{source}, entry {str(key)[:40]!r},"
        if at is None or not isinstance(value, Tensor):
            names = ", ".join(str(one)[:40] for one in list(held)[:5])
            raise HarnessError(f"{source} holds tensors that are no rows of layers, among {names}; save {WANTED}")
        if at in rows:
            raise HarnessError(f"{source} holds two rows of layer {at}; save {WANTED}")
        row = _checked(value, place)
        if row.ndim == 2 and row.shape[0] != 1:
            raise HarnessError(f"{place} holds {row.shape[0]} rows, and a layer has one; save {WANTED}")
        rows[at] = row.reshape(-1)
    if len({row.numel() for row in rows.values()}) > 1:
        raise HarnessError(f"{source} holds rows of several widths; save {WANTED}")
    if layer is not None:
        raise HarnessError(f"{source} says which layers its rows are of; leave out the layer")
    return rows, (len(rows), next(iter(rows.values())).numel()), False


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and any(isinstance(one, Tensor) for one in value.values())


def _number(key: object) -> int | None:
    """The one number in a key or a name: 12, "12", "layer_12", "model.layers.12"; None for none, or several."""
    if isinstance(key, bool):
        return None
    found = NUMBER.findall(str(key)) if isinstance(key, int | str) else []
    return int(found[0]) if len(found) == 1 else None


def _checked(found: Any, source: str) -> Tensor:
    """A plain tensor of finite numbers, of one or two dimensions, as fp32."""
    if not isinstance(found, Tensor):
        kind = getattr(found, "dtype", type(found).__name__)
        raise HarnessError(f"{source} holds {kind}, not a tensor of numbers; save {WANTED}")
    if found.layout != torch.strided or found.device.type != "cpu" or found.is_quantized:
        raise HarnessError(f"{source} holds a tensor that is sparse, quantised or without values; save a plain one")
    if found.ndim not in (1, 2) or not found.is_floating_point() or not found.numel():
        raise HarnessError(f"{source} holds {found.dtype} of shape {tuple(found.shape)}, not {WANTED}")
    if found.numel() * found.element_size() > LARGEST:
        raise HarnessError(f"{source} holds {tuple(found.shape)} numbers, more than any model has; fetch it again")
    rows = found.detach().float().contiguous()
    if not bool(rows.isfinite().all()):
        raise HarnessError(f"{source} has values that are not finite; fetch or make it again")
    return rows


def to_blocks(found: PublishedRows, source: Path, *, blocks: int, width: int, rows_are: RowsAre | None) -> Tensor:
    """The output of each block, (blocks, hidden), 0 where the file has no row of it.

    Without `rows_are` as many rows as there are hidden states are these. HarnessError where they may be either, or are
    another model's.
    """
    seen = next(iter(found.rows.values())).numel()
    if seen != width:
        raise HarnessError(f"{source} is {seen} wide, and this model {width}: it was made for another model")
    counted = rows_are or _told(found, source, blocks)
    first, most = (1, blocks) if counted == "hidden_states" else (0, blocks - 1)
    what = f"{most + 1} {counted.replace('_', ' ')}"
    if outside := [number for number in found.rows if number > most]:
        raise HarnessError(f"{source} has a row {outside[0]}, and this model {what}; it was made for another model")
    if found.whole and len(found.rows) != most + 1:
        raise HarnessError(f"{source} has {len(found.rows)} rows, and this model {what}; it was made for another model")
    value = torch.zeros(blocks, width)
    for number, row in found.rows.items():
        if number >= first:
            value[number - first] = row
    if not bool(value.any()):
        raise HarnessError(f"{source} is 0 at every block, so steering with it would change nothing; fetch it again")
    return value


def _told(found: PublishedRows, source: Path, blocks: int) -> RowsAre:
    """What the rows count, where their number tells."""
    if sorted(found.rows) == list(range(blocks + 1)):
        return "hidden_states"
    if found.whole and len(found.rows) != blocks:
        raise HarnessError(
            f"{source} has {len(found.rows)} rows, and this model {blocks} blocks, so {blocks + 1} are wanted; it was "
            "made for another model"
        )
    which = ", ".join(map(str, list(found.rows)[:3])) + (", ..." if len(found.rows) > 3 else "")
    raise HarnessError(
        f"{source} has rows {which}, which may count hidden states, of which 0 is the embeddings', or blocks; say so "
        "by --rows hidden_states or --rows blocks"
    )
