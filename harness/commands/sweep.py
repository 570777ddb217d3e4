"""`harness sweep`: the cells of an experiment file, planned or done, with what failed told at the end."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import (
    Cluster,
    DryRun,
    Jobs,
    Json,
    Measure,
    NoCalibration,
    Runs,
    check_hourly_price,
    check_measure,
    where,
)
from harness.commands.plans import show_sweep_plan
from harness.screen import console, print_json, say

if TYPE_CHECKING:
    from harness.sweep import Experiment, Swept, Where


def sweep(
    file: Annotated[Path, typer.Argument(help="The experiment: settings, interventions, seeds, as YAML.")],
    runs: Runs = Path("runs"),
    jobs: Jobs = None,
    cluster: Cluster = "",
    dry_run: DryRun = False,
    measure: Measure = False,
    no_calibration: NoCalibration = False,
    hourly_price: Annotated[float | None, typer.Option(help="Of one worker, for the plan's cost.")] = None,
    as_json: Json = False,
) -> None:
    """Train and evaluate the cells of an experiment file, several at once."""
    check_measure(measure, dry_run=dry_run)
    check_hourly_price(hourly_price, dry_run=dry_run)
    place = where(jobs, cluster)
    from harness.sweep import load, plan

    experiment = load(file).calibrated(runs, use=not no_calibration)
    if dry_run:
        show_sweep_plan(plan(experiment, runs, measure=measure), place, hourly_price=hourly_price, as_json=as_json)
        return
    swept = _sweep(experiment, runs, place, as_json=as_json)
    tell_failed(swept)
    raise typer.Exit(1 if swept.failed else 0)


def _sweep(experiment: Experiment, runs: Path, place: Where, *, as_json: bool) -> Swept:
    """Does what is missing of `experiment`, and prints its tables where any cell has been done."""
    from harness import analysis, report
    from harness.registry import installed, using
    from harness.sweep import lock_claims
    from harness.sweep import sweep as swept_by

    lock_claims(experiment, runs)
    swept = swept_by(experiment, runs, place)
    if as_json:
        print_json(_as_record(experiment, swept, runs))
    elif any_done(swept):
        with using(experiment.registry(installed())):
            results = analysis.load(runs, settings=experiment.settings)
            scales = {cell.scale for cell in experiment.cells}
            tables = tuple(table for table in analysis.tables(results, installed()) if table.scale in scales)
            report.show(results, tables, console())
    return swept


def any_done(swept: Swept) -> bool:
    """Whether there is a cell to report on."""
    return bool(swept.before) or len(swept.failed) < len(swept.finished)


def tell_failed(swept: Swept) -> None:
    """Prints every cell that failed for good, in one line each, to stderr."""
    for one in swept.failed:
        say(f"harness: failed: {one.job.title}: {one.outcome.cause}")


def _as_record(experiment: Experiment, swept: Swept, runs: Path) -> dict[str, object]:
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
