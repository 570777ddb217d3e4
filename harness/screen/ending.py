"""How a program begins and ends beside others: streams that are closed, signals, and the exit status they ask for."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
AGAIN_SECONDS = 0.1
ENDING = (signal.SIGTERM, signal.SIGHUP)


class Ends:
    """Makes SIGTERM and SIGHUP end the program as Ctrl-C does, and its end quiet; make one as the program begins.

    Whichever of stdin, stdout and stderr is closed becomes the null device: a file that is opened later would take its
    place, and be written to by whoever prints.
    """

    def __init__(self) -> None:
        self._received: int | None = None
        _open_standard_streams()
        sys.unraisablehook = self._unheard
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, self._end)

    def _end(self, number: int, frame: FrameType | None) -> None:
        if self._received is None:  # what comes while the first cleans up adds nothing
            self._received = number
            raise KeyboardInterrupt

    def _unheard(self, raised: sys.UnraisableHookArgs) -> None:
        """Sends a signal again that came while Python was at something whose errors nobody hears."""
        if not isinstance(raised.exc_value, KeyboardInterrupt):
            sys.__unraisablehook__(raised)
            return
        number, self._received = self._received or signal.SIGINT, None
        _thread.start_new_thread(_send, (number,))  # a Thread would wait until it has begun, and be what is interrupted

    def last(self, status: int) -> int:
        """The exit status, 128 and the number of the signal that ended the program; from here on nothing is printed."""
        for number in (signal.SIGINT, *ENDING):
            signal.signal(number, lambda number, frame: os._exit(128 + number))
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            # Python would try again as it ends, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return status if self._received is None else 128 + self._received


def _send(number: int) -> None:
    time.sleep(AGAIN_SECONDS)
    os.kill(os.getpid(), number)


def _open_standard_streams() -> None:
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
