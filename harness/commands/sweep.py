"""`harness sweep`: the cells of an experiment file, planned or done, with what failed told at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cells import vector_file
from harness.commands.cells import at_most, plan_record, show_plans
from harness.commands.page import console, print_json
from harness.errors import HarnessError
from harness.registry import installed, using
from harness.sweep import Experiment, Planned, Swept, Where, key_of, load, planned

if TYPE_CHECKING:
    from harness.planning import Plan


def sweep(file: Path, runs: Path, where: Where, *, as_json: bool) -> int:
    """Does what is missing of the experiment in `file`, prints its tables, and gives the exit status: 1 where a
    cell failed for good, which is told last, in one line each."""
    check(where)
    experiment = load(file)
    from harness import analysis, report
    from harness.sweep import sweep as swept_by

    lock_claims(experiment, runs)
    swept = swept_by(experiment, runs, where)
    if as_json:
        print_json(_as_record(experiment, swept, runs))
    elif swept.before or len(swept.failed) < len(swept.finished):
        with using(experiment.registry(installed())):
            results = analysis.load(runs, settings=experiment.settings)
            scales = {cell.scale for cell in experiment.cells}
            tables = tuple(table for table in analysis.tables(results, installed()) if table.scale in scales)
            report.show(results, tables, console())
    tell_failed(swept)
    return 1 if swept.failed else 0


def tell_failed(swept: Swept) -> None:
    """Prints every cell that failed for good, in one line each, to stderr."""
    for one in swept.failed:
        print(f"harness: failed: {one.job.title}: {one.outcome.cause}", file=sys.stderr)


def lock_claims(experiment: Experiment, runs: Path) -> None:
    """Fixes the claims that `experiment` names, and its file, before its first cell; a lock that is there stays."""
    if experiment.claims is None:
        return
    from harness.claims import lock, read_claims

    lock(read_claims(experiment.claims, installed()), runs, experiment=experiment.file)


def expected(experiment: Experiment, runs: Path, where: Where) -> str:
    """How many cells are to do and about how long that takes, in one line; measures the machine if any is to do."""
    from harness import planning

    with using(experiment.registry(installed())):
        cells = [one.cell.cell for one in planned(experiment)]
        todo = [one for one in planning.plan(cells, runs, measure=False) if not one.done]
        plans = planning.plan(cells, runs) if todo else []
    return f"{len(todo)} of {len(cells)} cells to do; {_cost(plans, _hours(plans), where, None)}"


def plan(file: Path, runs: Path, where: Where, *, hourly_price: float | None, as_json: bool) -> None:
    """Prints the cells of the experiment in `file`, what they share, and about what they take; trains nothing."""
    show_plan(load(file), runs, where, hourly_price=hourly_price, as_json=as_json)


def show_plan(experiment: Experiment, runs: Path, where: Where, *, hourly_price: float | None, as_json: bool) -> None:
    """Prints the cells of `experiment`, what they share, and about what they take; trains nothing."""
    check(where)
    from harness import planning

    with using(experiment.registry(installed())):
        cells = planned(experiment)
        plans = planning.plan([one.cell.cell for one in cells], runs)
    shared = _shared(cells, plans, runs)
    key = key_of(experiment, cells)
    hours = _hours(plans)
    if as_json:
        print_json(
            {
                "experiment": experiment.name,
                "key": key,
                "cells": [plan_record(one) for one in plans],
                "shared": shared,
                "left_out": list(experiment.left_out),
                "worker_hours": hours,
                "cost": None if hours is None or hourly_price is None else hours * hourly_price,
            }
        )
        return
    show_plans(plans)
    page = console()
    for line in (*shared, *experiment.left_out, _cost(plans, hours, where, hourly_price)):
        page.print(line, soft_wrap=True)
    page.print(f"experiment {experiment.name}, key {key[:8]}")


def check(where: Where) -> None:
    """HarnessError where no cell could be done at a time."""
    if where.jobs is not None and where.jobs < 1:
        raise HarnessError(f"--jobs {where.jobs} would do nothing; write --jobs 1 or more")


def _shared(cells: Sequence[Planned], plans: Sequence[Plan], runs: Path) -> list[str]:
    """What is made once for several cells, one line each."""
    untrained = sum(one.beside for one in cells)
    lines = [f"shared: {_counted(untrained, 'untrained model')} evaluated once, to compare with"] if untrained else []
    waiting = {one.folder for one in plans if not one.done}
    vectors = Counter(
        file
        for one in cells
        if one.cell.folder(runs) in waiting
        for name, key in one.cell.vectors.items()
        if not (file := vector_file(runs, name, key)).is_file()
    )
    lines += [f"shared: vector {file.stem} extracted once, for {_counted(n, 'cell')}" for file, n in vectors.items()]
    models = {one.cell.model.digest: one.cell.model.name for one in cells}
    return [*lines, f"shared: {_counted(len(models), 'model')} fetched or converted once: {', '.join(models.values())}"]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _hours(plans: Sequence[Plan]) -> float | None:
    seconds = [one.seconds for one in plans if not one.done]
    known = [one for one in seconds if one is not None]
    return sum(known) / 3600 if len(known) == len(seconds) else None


def _cost(plans: Sequence[Plan], hours: float | None, where: Where, hourly_price: float | None) -> str:
    todo = [one for one in plans if not one.done]
    tokens = sum(one.train_tokens for one in todo), sum(one.reply_tokens for one in todo)
    said = f"cost: {tokens[0]:,} tokens trained on, at most {tokens[1]:,} written"
    if hours is None:
        return f"{said}; time not known, since a model is not on this machine"
    said += f"; {at_most(hours * 3600)} of one worker"
    if (where.jobs or 1) > 1:
        longest = max((one.seconds or 0.0 for one in todo), default=0.0)
        said += f", {at_most(max(longest, hours * 3600 / (where.jobs or 1)))} for {where.jobs} at once"
    return said if hourly_price is None else f"{said}; {hours * hourly_price:.2f} at {hourly_price:g} an hour"


def _as_record(experiment: Experiment, swept: Swept, runs: Path) -> dict[str, Any]:
    before = [
        {"cell": asdict(cell.cell), "status": "done", "fresh": False, "folder": str(cell.folder(runs.absolute()))}
        for cell in swept.before
    ]
    ended = [{"cell": asdict(one.job.cell), **asdict(one.outcome), "attempts": one.attempts} for one in swept.finished]
    return {
        "experiment": experiment.name,
        "key": swept.key,
        "left_out": list(experiment.left_out),
        "cells": [*before, *ended],
    }
