"""A cell, followed: each step of its training, and at the end its speed and results, are told to a tracker.

Training never fails by a tracker: what it did is told of in one line, and the cell goes on without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from harness.analysis import load_run
from harness.cells import Prepared
from harness.documents import as_json
from harness.errors import HarnessError, gist, unknown
from harness.files import read_text
from harness.runs import LOSSES, is_finished, read_run
from harness.screen import say
from harness.stats import estimate
from harness.tracking.clients import TRACKERS, About, Tracker

if TYPE_CHECKING:
    from harness.training import Heard

WAY_OUT = "move the run's folder away and run again"

_NAMED: list[str] = []


def check(name: str) -> None:
    """HarnessError for a tracker that is not known, or whose client is not installed; no name is none."""
    if name and name not in TRACKERS:
        raise unknown("tracker", name, TRACKERS)
    if name and find_spec(name) is None:
        raise HarnessError(f"--track {name} needs its client; install it: pip install {name}")


@contextmanager
def to(name: str) -> Iterator[None]:
    """Inside the block, cells are told to the tracker of that name, to none where it is empty; held to by `check`."""
    check(name)
    _NAMED.append(name)
    try:
        yield
    finally:
        _NAMED.pop()


def named() -> str:
    """The tracker that cells are told to, empty for none."""
    return _NAMED[-1] if _NAMED else ""


@contextmanager
def followed(cell: Prepared, folder: Path) -> Iterator[Heard]:
    """What is to be told of each step of the training of `cell` in `folder`; at the end its results are told."""
    if not named():
        yield _unheard
        return
    following = _Following(named(), cell, folder)
    try:
        yield following.step
    except BaseException:
        following.end({}, whole=False)
        raise
    following.end(_results(folder), whole=True)


class _Following:
    """One cell at a tracker. Steps that stand in the file at first were told by a process before this one."""

    def __init__(self, name: str, cell: Prepared, folder: Path) -> None:
        self._name, self._at = name, monotonic()
        self._client: Tracker | None = None
        log = folder / LOSSES
        self._told = len(read_text(log, advice=WAY_OUT).splitlines()) if log.is_file() else 0
        about = About(title=cell.title, key=cell.key, config=dict(_config(cell, folder)))
        with self._safely():
            self._client = TRACKERS[name](about)

    def step(self, line: Mapping[str, float]) -> None:
        """Tells what a step came to, and how fast it was."""
        now, before = monotonic(), self._at
        self._at = now
        values = {name: value for name, value in line.items() if name != "step"}
        if self._client is not None and line["step"] > self._told:
            with self._safely():
                self._client.log({**values, "tokens_per_second": line["tokens"] / (now - before)}, int(line["step"]))

    def end(self, values: Mapping[str, float], *, whole: bool) -> None:
        """Tells what the cell came to."""
        if self._client is not None:
            with self._safely():
                self._client.end(values, whole=whole)

    @contextmanager
    def _safely(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._client = None
            say(f"note: {self._name} is told no more of this cell, which goes on ({gist(error)})")


def _config(cell: Prepared, folder: Path) -> Iterator[tuple[str, str | int | float | bool]]:
    """What the record in `folder` says of the cell and its recipe, by dotted names."""
    yield from {"key": cell.key, "arm": cell.cell.arm}.items()
    if (record := read_run(folder)) is not None:
        said = as_json(record)
        for part in ("cell", "recipe"):
            yield from _flat((part,), said[part])


def _flat(names: tuple[str, ...], value: object) -> Iterator[tuple[str, str | int | float | bool]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _flat((*names, name), part)
    elif isinstance(value, str | int | float | bool) and value != "":
        yield ".".join(names), value


def _results(folder: Path) -> dict[str, float]:
    """`CONDITION/METRIC` and its mean over questions, and how fast training was; nothing where it is not finished."""
    record = read_run(folder)
    if record is None:
        return {}
    took = record.steps.get("train")
    found = {"train/seconds": took.seconds, "train/tokens": took.tokens} if took else {}
    if is_finished(folder, record):
        for (condition, metric), seen in load_run(folder).values.items():
            found[f"{condition}/{metric}"] = estimate(seen).mean
    return {name: float(value) for name, value in found.items() if value is not None}


def _unheard(line: Mapping[str, float]) -> None:
    pass
