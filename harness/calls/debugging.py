"""Whether an error is shown with where it was raised: `--debug`, which may stand anywhere, or `HARNESS_DEBUG=1`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

DEBUG, VARIABLE = "--debug", "HARNESS_DEBUG"
HOW = f"{DEBUG} shows where"
"""What an error says that a traceback would help with."""


def is_debugging() -> bool:
    """Whether errors are shown with where they were raised."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


@contextmanager
def debugging(*, asked: bool) -> Iterator[None]:
    """Inside the block this process and those that it starts show where errors were raised, if that is `asked`."""
    before = os.environ.get(VARIABLE)
    if asked:
        os.environ[VARIABLE] = "1"
    try:
        yield
    finally:
        if asked and before is None:
            del os.environ[VARIABLE]
        elif asked and before is not None:
            os.environ[VARIABLE] = before
