"""Memory that is free in this process, given back to the system and to other processes."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

import torch


def give_back() -> None:
    """Returns to the system what is free in this process, garbage among it."""
    gc.collect()
    trim()


def trim() -> None:
    """Returns to the system what is free in this process, as far as it is known to be.

    The C library keeps what a training step took in pieces, and the pieces of one step of a cell do not fit the next: a
    worker grew with each cell although nothing was held, and in each cell from training to evaluation.
    """
    with suppress(AttributeError, OSError):  # only glibc has it, and only it needs it
        ctypes.CDLL(None).malloc_trim(0)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
