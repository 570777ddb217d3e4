"""How a sweep stands, on stderr: one living line on a terminal, else a line for each cell that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.screen import console, duration, say
from harness.sweep.schedule import Finished, State

Tell = Callable[[State, Finished | None], None]


@contextmanager
def board() -> Iterator[Tell]:
    """What `carry_out` tells of a sweep, for a person to see. `HARNESS_PROGRESS=0` silences it."""
    if os.environ.get("HARNESS_PROGRESS") == "0":
        yield lambda state, finished: None
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _living() as tell:
            yield tell
    else:
        yield _line


def spelled(state: State) -> str:
    """`3 of 12 done, 2 running, 1 failed, 14 min 05 s left`."""
    parts = [f"{state.done} of {state.total} done", f"{state.running} running"]
    if state.failed:
        parts.append(f"{state.failed} failed")
    if state.left is not None and state.done + state.failed < state.total:
        parts.append(f"{duration(state.left)} left")
    return ", ".join(parts)


def ending(finished: Finished) -> str:
    """What became of a job, in one line."""
    outcome = finished.outcome
    if outcome.status != "done":
        return f"failed: {finished.job.title}: {outcome.cause}"
    how = f"done in {duration(outcome.seconds)}" if outcome.fresh else "was done"
    again = f", at attempt {finished.attempts}" if finished.attempts > 1 else ""
    return f"{how}{again}: {finished.job.title}"


def _line(state: State, finished: Finished | None) -> None:
    if finished is not None:
        say(f"{ending(finished)} ({spelled(state)})")


@contextmanager
def _living() -> Iterator[Tell]:
    from rich.status import Status

    page = console(stderr=True)
    with Status("sweep", console=page) as status:

        def tell(state: State, finished: Finished | None) -> None:
            if finished is not None:
                page.print(ending(finished), soft_wrap=True)
            status.update(spelled(state))

        yield tell
