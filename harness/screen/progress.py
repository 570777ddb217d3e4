"""A progress bar on stderr with rate and time left; plain, sparse lines where stderr is not a terminal.

In a notebook it stands below the cell.

Nothing is ever written to stdout, which may carry JSON. `HARNESS_PROGRESS=0` silences it.
"""

from __future__ import annotations

import html
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Any, Protocol

from harness.screen.durations import duration
from harness.screen.shown import shown_lines
from harness.screen.terminal import console, say

EVERY = 15.0  # seconds between lines where stderr is a file
OFTEN = 0.5  # between two states of a bar in a notebook


class Advance(Protocol):
    """Says that `steps` of the total are done, and how many units (tokens, say) that was; else one unit a step."""

    def __call__(self, *, steps: int = 1, count: int | None = None) -> None: ...


def bar(title: str, *, total: int, unit: str) -> AbstractContextManager[Advance]:
    """Progress through `total` steps, its rate in `unit`/s. Call what `with` gives after each step or batch."""
    if os.environ.get("HARNESS_PROGRESS") == "0":
        return _silent()
    if (display := _notebook()) is not None:
        return _below_the_cell(display, title, total, unit)
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return _drawn(title, total, unit)
    return _lines(title, total, unit)


def _notebook() -> Any | None:
    """The display of a notebook, where this process is the kernel of one."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return sys.modules["IPython"].display if getattr(shell, "kernel", None) is not None else None


@contextmanager
def _silent() -> Iterator[Advance]:
    yield lambda *, steps=1, count=None: None


@contextmanager
def _drawn(title: str, total: int, unit: str) -> Iterator[Advance]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
    )
    # stdout stays untouched: rich would send what is printed there to stderr.
    with Progress(*columns, console=console(stderr=True), redirect_stdout=False) as progress:
        task = progress.add_task(title, total=total, rate="")
        started, counted = monotonic(), 0

        def advance(*, steps: int = 1, count: int | None = None) -> None:
            nonlocal counted
            counted += steps if count is None else count
            progress.update(task, advance=steps, rate=_rate(counted, monotonic() - started, unit))

        yield advance


def _below_the_cell(display: Any, title: str, total: int, unit: str) -> AbstractContextManager[Advance]:
    name = html.escape(shown_lines(title))

    def drawn(done: int, words: str) -> Any:
        return display.HTML(f'<progress max="{total}" value="{done}" aria-label="{name}"></progress> {name}: {words}')

    handle = display.display(drawn(0, f"0/{total}"), display_id=True)
    return _in_words(total, unit, every=OFTEN, show=lambda done, words: handle.update(drawn(done, words)))


def _lines(title: str, total: int, unit: str) -> AbstractContextManager[Advance]:
    say(f"{title}: 0/{total}")
    return _in_words(total, unit, every=EVERY, show=lambda done, words: say(f"{title}: {words}"))


@contextmanager
def _in_words(total: int, unit: str, *, every: float, show: Callable[[int, str], object]) -> Iterator[Advance]:
    """Has `show` tell how many are done, and in words how far that is, `every` so many seconds and at the end."""
    started = shown = monotonic()
    done = counted = 0

    def advance(*, steps: int = 1, count: int | None = None) -> None:
        nonlocal done, counted, shown
        done += steps
        counted += steps if count is None else count
        now = monotonic()
        if now - shown >= every and done < total:
            shown = now
            left = (now - started) / done * (total - done) if done else 0.0
            show(done, f"{done}/{total}, {_rate(counted, now - started, unit)}, {duration(left)} left")

    try:
        yield advance
    except BaseException:
        show(done, f"stopped at {done}/{total}")
        raise
    seconds = monotonic() - started
    show(done, f"{done}/{total} in {duration(seconds)}, {_rate(counted, seconds, unit)}")


def _rate(count: int, seconds: float, unit: str) -> str:
    rate = count / seconds if seconds > 0 else 0.0
    return f"{rate:,.0f} {unit}/s" if rate >= 10 else f"{rate:.2g} {unit}/s"
