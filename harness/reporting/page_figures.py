"""The figures of the page and what its runs answer, most of its time: in as many processes as there are cores, where
that is safe.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.analysis import Table, Tradeoff, tradeoffs, trait_of
from harness.calls import watch_no_more
from harness.claims import Decision, answers
from harness.contracts import CLEAN
from harness.registry import installed
from harness.reporting.answers import sentences
from harness.reporting.csv_form import block_csv
from harness.reporting.drawings import condition_bars, metric_bars, tradeoff_figure
from harness.reporting.figures import dose_csv, dose_figure
from harness.reporting.forest import Forest, forest_figure, of_arms, of_decisions
from harness.reporting.prompt_drawing import prompt_csv, prompt_figure
from harness.reporting.svg import STYLE, inline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 6  # metrics in one figure: a setting names the important ones first, and tables have all

FEWEST = 4  # tables for which other processes are worth starting


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A figure of the page: the SVG element, the words below it, and its numbers as CSV."""

    svg: str
    caption: str
    csv: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the page says of a table in sentences and figures: `forest` goes with the sentences."""

    sentences: tuple[str, ...]
    forest: Drawn | None
    drawn: tuple[Drawn, ...]


def told_of(tables: Sequence[Table]) -> list[Told]:
    """What is said of each table. However many processes draw, it is the same to the byte."""
    watch_no_more()
    cores = len(os.sched_getaffinity(0)) if can_fork() else 1
    if cores > 1 and len(tables) >= FEWEST:
        import matplotlib.figure  # noqa: F401  # once, and not in each process

        try:
            return _forked(tables, min(cores, len(tables)))
        except BrokenProcessPool:
            pass  # out of memory, most likely: one process needs the least
    return [_of_table(at, table) for at, table in enumerate(tables)]


def can_fork() -> bool:
    """Whether a fork of this process could draw: on Linux, and no other thread may hold a lock that it needs."""
    return sys.platform == "linux" and threading.active_count() == 1 and "torch" not in sys.modules


def _forked(tables: Sequence[Table], processes: int) -> list[Told]:
    """A fork has the tables without being sent them: they hold every judged reply."""
    with warnings.catch_warnings():
        # Python 3.12 warns of threads that are not its own; those of a linear algebra library outlive a fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(processes, mp_context=fork, initializer=_begin, initargs=(tables,)) as pool:
            return list(pool.map(_at, range(len(tables))))


_TABLES: list[Table] = []
"""Those of a forked process; empty in any other."""


def _begin(tables: Sequence[Table]) -> None:
    """A process that draws leaves Ctrl-C to the one that has forked it, and ends on SIGTERM without a word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    _TABLES.extend(tables)


def _at(at: int) -> Told:
    return _of_table(at, _TABLES[at])


def _of_table(at: int, table: Table) -> Told:
    (answer,) = answers([table], installed())
    forest = of_arms(answer)
    return Told(
        sentences=sentences(answer),
        forest=None if forest is None else _drawn_forest(forest, f"f{at + 1}y-"),
        drawn=tuple(_drawn(f"f{at + 1}", table)),
    )


def forest_of(decisions: Sequence[Decision]) -> Drawn | None:
    """The comparisons of claims as a figure; None where nothing was compared."""
    found = of_decisions(decisions)
    return None if found is None else _drawn_forest(found, "claims-")


def _drawn_forest(forest: Forest, prefix: str) -> Drawn:
    import matplotlib

    told = "; dashed: what counts" if any(lane.counts for lane in forest.lanes) else ""
    caption = f"Differences in points with 95 % intervals{told}. The words are the verdicts."
    with matplotlib.rc_context(STYLE):
        label = "differences with intervals and verdicts; the numbers can be saved as CSV"
        return _inline(forest_figure(forest), label, prefix, caption, forest.csv())


def _drawn(prefix: str, table: Table) -> Iterator[Drawn]:
    import matplotlib

    trait, against = trait_of(table), tradeoffs(table)
    with matplotlib.rc_context(STYLE):
        if trait is not None:
            caption = f"{trait.metric} under each condition. Bar: mean; line: 95 % interval; dots: seeds."
            label = f"{trait.metric} by arm and condition; the numbers are in the tables below"
            yield _inline(condition_bars(table, trait), label, f"{prefix}a-", caption, block_csv(table, [trait]))
        bars = metric_bars(table, most=MOST)
        if bars is not None:
            label = "metrics in clean by arm; the numbers are in the tables below"
            blocks = [block for block in table.blocks if block.kind == "mean"][:MOST]
            numbers = block_csv(table, blocks, conditions=(CLEAN,))
            yield _inline(bars, label, f"{prefix}b-", f"In clean{_of(table)}.", numbers)
        if against:
            label = "trait against skill by arm; the numbers are under At a glance"
            blocks = [one.trait for one in against[:1]] + [one.skill for one in against]
            numbers = block_csv(table, blocks, conditions=(CLEAN,))
            yield _inline(tradeoff_figure(against), label, f"{prefix}c-", _unbeaten(against), numbers)
        if table.prompts is not None:
            label = "gain of prompts against suppression; the numbers are under prompts before and after training"
            caption = "What each prompt gains before training against how much less of the trait its arm has in clean."
            yield _inline(prompt_figure(table.prompts), label, f"{prefix}p-", caption, prompt_csv(table.prompts))
        for at, one in enumerate(table.sweeps):
            caption = f"{one.label} by dose, in clean{_of(table)}. Band: 95 % interval; grey: seeds."
            label = f"{one.label} by dose; the numbers are under doses in clean"
            shown = replace(one, curves=one.curves[:MOST])
            yield _inline(dose_figure(table, shown), label, f"{prefix}d{at}-", caption, dose_csv(shown))


def _of(table: Table) -> str:
    metrics = sum(1 for block in table.blocks if block.kind == "mean")
    return f", the first {MOST} of {metrics} metrics" if metrics > MOST else ""


def _inline(figure: Figure, label: str, prefix: str, caption: str, numbers: str) -> Drawn:
    return Drawn(svg=inline(figure, label=label, prefix=prefix), caption=caption, csv=numbers)


def _unbeaten(against: Sequence[Tradeoff]) -> str:
    told = [
        f"{one.skill.metric}: {', '.join(place.arm.label for place in one.places if place.unbeaten)}" for one in against
    ]
    return (
        "Trait against skill in clean; up and left is better. Filled and bold: no arm has less trait and more skill, "
        f"by the means ({'; '.join(told)}). Lines: 95 % intervals. Grey: placebos and the untrained model."
    )
