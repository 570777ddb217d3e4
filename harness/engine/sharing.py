"""Base weights that stay in memory from one load to the next, while every load gets a model of its own."""

from __future__ import annotations

import copy
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from harness.files import file_sha256, identity
from harness.models import model_files

Signature = tuple[object, ...]


@contextmanager
def keeping(*, room: Callable[[], float]) -> Iterator[None]:
    """Inside the block the model that was loaded last stays, unless its weights take more than `room()` bytes.

    Loading it again then reads nothing from the disk. `room` is asked once a model has been read.
    """
    _SHELF.open(room)
    try:
        yield
    finally:
        _SHELF.close()


def model_of(folder: Path, read: Callable[[], Any]) -> Any:
    """The model that `read` reads from `folder`: modules of its own, around weights that may be kept here.

    Whoever gets it may wrap, convert and replace its weights, and must not write into them.
    """
    return _SHELF.take(folder, read)


def shallow(model: Any) -> Any:
    """A copy of `model` whose parameters are its own objects around the same memory; all else is copied."""
    parameters = {id(one): nn.Parameter(one.data, requires_grad=one.requires_grad) for one in model.parameters()}
    return copy.deepcopy(model, parameters)


def weight_count(model: Any) -> int:
    """How many numbers all parameters are, tied ones once."""
    return sum(one.numel() for one in model.parameters())


def weight_bytes(model: Any) -> int:
    """Bytes of all parameters, tied ones once."""
    return sum(one.numel() * one.element_size() for one in model.parameters())


@dataclass(frozen=True, slots=True)
class _Kept:
    signature: Signature
    model: Any


class _WeightShelf:
    """The one model that is kept, for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._room: Callable[[], float] | None = None
        self._kept: _Kept | None = None

    def open(self, room: Callable[[], float]) -> None:
        with self._lock:
            self._room = room

    def close(self) -> None:
        with self._lock:
            self._room = None
            self._drop()

    def take(self, folder: Path, read: Callable[[], Any]) -> Any:
        with self._lock:
            if self._room is None:
                return read()
            signature = signature_of(folder)
            if self._kept is None or self._kept.signature != signature:
                self._drop()
                model = read()
                if weight_bytes(model) > self._room():
                    return model
                self._kept = _Kept(signature, model)
            return shallow(self._kept.model)

    def _drop(self) -> None:
        if self._kept is not None:
            self._kept = None
            gc.collect()


def signature_of(folder: Path) -> Signature:
    """What tells that a folder holds another model than it did: each file by content, and by what the system knows."""
    files = model_files(folder) if folder.is_dir() else []
    return (folder.resolve(), *((*identity(path, path.stat()), file_sha256(path)) for path in files))


_SHELF = _WeightShelf()
