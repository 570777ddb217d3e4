"""Laws of what ends the work of others: in time, in any thread, also where the first call to end it is not heard."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import pytest

from harness.calls import TooLong, ending_within

SECONDS = 0.3


class Deaf:
    """Deleted, it takes so long that an alarm rings, and what is raised there is lost."""

    def __del__(self) -> None:
        until = time.monotonic() + 2 * SECONDS
        while time.monotonic() < until:
            pass


def for_ever() -> None:
    while True:
        pass


def deaf_for_ever() -> None:
    gone = Deaf()
    del gone
    for_ever()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("block", [for_ever, deaf_for_ever, lambda: time.sleep(60)], ids=["busy", "deaf", "asleep"])
def test_what_does_not_end_is_ended(block: Callable[[], None]) -> None:
    began = time.monotonic()
    with pytest.raises(TooLong), ending_within(SECONDS):
        block()
    assert time.monotonic() - began < 20


def test_what_does_not_end_in_another_thread_is_ended() -> None:
    ended: list[bool] = []

    def work() -> None:
        try:
            with ending_within(SECONDS):
                for_ever()
        except TooLong:
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(timeout=20)
    assert ended == [True]


def test_no_alarm_rings_afterwards_and_one_that_was_set_before_still_does() -> None:
    heard: list[int] = []
    former = signal.signal(signal.SIGALRM, lambda number, frame: heard.append(number))
    signal.setitimer(signal.ITIMER_REAL, 3 * SECONDS)
    try:
        with pytest.raises(TooLong), ending_within(SECONDS):
            for_ever()
        assert signal.getitimer(signal.ITIMER_REAL)[1] == 0
        until = time.monotonic() + 20
        while not heard and time.monotonic() < until:
            time.sleep(0.05)
        assert heard == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def test_what_comes_out_in_time_comes_out_as_it_was() -> None:
    with pytest.raises(KeyError), ending_within(30):
        raise KeyError("own")
    with ending_within(30):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
