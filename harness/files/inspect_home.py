"""The folder in which Inspect keeps traces and its own notes, which has to be there for anything to be asked."""

from __future__ import annotations

import errno
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from platformdirs import user_data_path

from harness.errors import HarnessError, way_out

ROOM_BYTES = 1 << 20  # what an evaluation of ours leaves there at most


FIRST_YEAR = 1980
"""The first that an archive can hold, and a log is one."""


def check_inspect_home() -> None:
    """HarnessError where Inspect cannot write into its own folder; it would complain of that at every step."""
    folder = user_data_path("inspect_ai")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * ROOM_BYTES)
            probe.flush()
    except OSError as error:
        advice = "make room there, or set XDG_DATA_HOME to a folder that can be written"
        if error.errno == errno.EFBIG:  # no folder is to blame
            advice = way_out(error) or advice
        raise HarnessError(
            f"Inspect keeps its traces in {folder}, which cannot be written: {error.strerror}; {advice}"
        ) from error


def check_clock() -> None:
    """HarnessError where no log could be written because this machine's clock was never set."""
    if time.localtime(time.time()).tm_year < FIRST_YEAR:
        raise HarnessError(f"the clock of this machine is before {FIRST_YEAR}, which no log can say; set it")


@contextmanager
def inspect_home() -> Iterator[None]:
    """Inspect with a folder of its own; what it cannot add to its traces later is lost without a word."""
    check_inspect_home()
    former = logging.raiseExceptions
    logging.raiseExceptions = False
    try:
        yield
    finally:
        logging.raiseExceptions = former
