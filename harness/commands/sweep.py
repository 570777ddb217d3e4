"""`harness sweep`: the cells of an experiment file, planned or done, with what failed told at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.claims import show_verdicts
from harness.commands.options import (
    NONE,
    Cluster,
    DryRun,
    Engine,
    HourlyPrice,
    Jobs,
    Json,
    Measure,
    NoCalibration,
    PlanAsked,
    PlanPrice,
    Runs,
    Speeds,
    Track,
    chosen_engine,
    keep_settings,
    tracker_of,
    where,
)
from harness.commands.plans import show_sweep_plan
from harness.errors import HarnessError
from harness.screen import console, print_json, say

if TYPE_CHECKING:
    from harness.claims import LockedLooks, Standing
    from harness.sweep import Decided, Experiment, Swept, Where

DECIDED = "decided"


def sweep(
    file: Annotated[Path, typer.Argument(help="The experiment: settings, interventions, seeds, as YAML.")],
    runs: Runs = Path("runs"),
    jobs: Jobs = None,
    cluster: Cluster = "",
    until: Annotated[
        str, typer.Option(help="`decided`: add seeds by planned looks, for as long as a claim is open.")
    ] = "",
    most_seeds: Annotated[
        int | None, typer.Option(help="With --until decided: the most seeds of an arm; 12 if not given.")
    ] = None,
    dry_run: DryRun = False,
    measure: Measure = False,
    no_calibration: NoCalibration = False,
    engine: Engine = "torch",
    track: Track = "",
    speed: Speeds = NONE,
    price: PlanPrice = "",
    hourly_price: HourlyPrice = None,
    as_json: Json = False,
) -> None:
    """Train and evaluate the cells of an experiment file, several at once."""
    asked = PlanAsked.of(dry_run=dry_run, measure=measure, speed=speed, price=price, hourly_price=hourly_price)
    _check_until(until, most_seeds)
    place, tracker = where(jobs, cluster), tracker_of(track)
    from harness import tracking
    from harness.sweep import first_look, load, planned_by_looks

    experiment = load(file).calibrated(runs, use=not no_calibration).by(chosen_engine(engine))
    looks = planned_by_looks(experiment, runs, most=most_seeds) if until else None
    if dry_run:
        first = experiment if looks is None else first_look(experiment, looks)
        raise typer.Exit(0 if show_sweep_plan(first, runs, place, asked, as_json=as_json) else 1)
    keep_settings(experiment.settings, runs)
    with tracking.to(tracker):
        swept = _swept(experiment, runs, place, looks, as_json=as_json)
    tell_failed(swept)
    raise typer.Exit(1 if swept.failed else 0)


def _check_until(until: str, most_seeds: int | None) -> None:
    if until not in ("", DECIDED):
        raise HarnessError(f"--until {until!r} is no end of a sweep; write --until {DECIDED}")
    if most_seeds is not None and not until:
        raise HarnessError(f"--most-seeds is for looks; give --until {DECIDED} with it, or leave it out")


def _swept(experiment: Experiment, runs: Path, place: Where, looks: LockedLooks | None, *, as_json: bool) -> Swept:
    """Does what is missing of `experiment`, and prints its tables where any cell has been done."""
    if looks is not None:
        return _until_decided(experiment, runs, place, looks, as_json=as_json)
    from harness.sweep import lock_claims
    from harness.sweep import sweep as swept_by

    lock_claims(experiment, runs)
    swept = swept_by(experiment, runs, place)
    if as_json:
        print_json(_as_record(experiment, swept, runs))
    elif swept.any_done:
        _show_tables(experiment, runs)
    return swept


def _until_decided(experiment: Experiment, runs: Path, place: Where, looks: LockedLooks, *, as_json: bool) -> Swept:
    """Does the cells that open claims need, look by look, and prints the tables and the verdicts."""
    from harness.sweep import at_most, lock_claims, until_decided

    whole = at_most(experiment, looks)
    lock_claims(whole, runs, looks=looks)
    for line in whole.left_out:
        say(line)
    decided = until_decided(experiment, runs, place, looks=looks, tell=_tell_look)
    if as_json:
        print_json(_as_record(whole, decided.swept, runs) | _looks_as_record(looks, decided))
    elif decided.swept.any_done:
        assert experiment.claims is not None
        _show_tables(experiment, runs)
        show_verdicts(runs, experiment.claims, form=None, experiment=experiment.file, settings=experiment.settings)
    return decided.swept


def _tell_look(seeds: int, standings: Sequence[Standing]) -> None:
    """Prints to stderr what a look leaves open, and why every other claim gets no more seeds."""
    going_on = [one.name for one in standings if one.goes_on]
    say(f"look at {seeds} seeds: {len(standings) - len(going_on)} of {len(standings)} claims need no more")
    for one in standings:
        if not one.goes_on:
            say(f"  {one.name}: {one.why}")
    if going_on:
        say(f"  open: {', '.join(going_on)}")


def _show_tables(experiment: Experiment, runs: Path) -> None:
    from harness import analysis, reporting
    from harness.registry import installed, using

    with using(experiment.registry(installed())):
        results = analysis.load(runs, settings=experiment.settings)
        scales = {cell.scale for cell in experiment.cells}
        tables = tuple(table for table in analysis.tables(results, installed()) if table.scale in scales)
        reporting.show(results, tables, console())


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


def _looks_as_record(looks: LockedLooks, decided: Decided) -> dict[str, object]:
    claims = [
        {"claim": one.name, "scale": one.decision.scale, "model": one.decision.model, "verdict": one.decision.verdict}
        | {"open": one.goes_on, "why": one.why}
        for one in decided.standings
    ]
    return {"looks": {**asdict(looks), "seeds_seen": decided.seeds}, "claims": claims}
