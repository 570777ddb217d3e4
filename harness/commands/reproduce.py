"""`harness reproduce`: the post's experiment, its claims and the report, in one go."""

from __future__ import annotations

from collections.abc import Sequence
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
    LoraTargets,
    Measure,
    NoCalibration,
    OnlyThese,
    PlanAsked,
    PlanPrice,
    Replace,
    Runs,
    Scale,
    Speeds,
    Track,
    any_of,
    chosen_engine,
    layers_of,
    tracker_of,
    where,
)
from harness.commands.plans import show_sweep_plan
from harness.commands.report import Files, write_report
from harness.commands.sweep import tell_failed
from harness.errors import HarnessError
from harness.screen import put, say

if TYPE_CHECKING:
    from harness.sweep import Experiment, Swept, Where

PAGE = "report.html"


def reproduce(
    scale: Scale = "mini",
    quick: Annotated[bool, typer.Option("--quick", help="One seed instead of three.")] = False,
    setting: OnlyThese = NONE,
    lora_targets: LoraTargets = "",
    runs: Runs = Path("runs/reproduce"),
    output: Annotated[Path | None, typer.Option(help="Folder for the report; else RUNS-report.")] = None,
    jobs: Jobs = None,
    cluster: Cluster = "",
    dry_run: DryRun = False,
    measure: Measure = False,
    speed: Speeds = NONE,
    price: PlanPrice = "",
    hourly_price: HourlyPrice = None,
    no_calibration: NoCalibration = False,
    engine: Engine = "torch",
    track: Track = "",
    force: Replace = False,
    as_json: Json = False,
) -> None:
    """Run the post's experiment, hold its claims against the results, and write the report."""
    asked = PlanAsked.of(dry_run=dry_run, measure=measure, speed=speed, price=price, hourly_price=hourly_price)
    place, tracker = where(jobs, cluster), tracker_of(track)
    folder = output or runs.with_name(f"{runs.name}-report")
    from harness.sweep import post

    if not dry_run and folder.exists() and not folder.is_dir():
        raise HarnessError(f"{folder} is no folder to write a report into; name another with --output")
    layers = layers_of(lora_targets)
    named = post(scale=scale, quick=quick, settings=any_of("--setting", setting), lora_targets=layers)
    experiment = named.calibrated(runs, use=not no_calibration).by(chosen_engine(engine))
    if dry_run:
        whole = show_sweep_plan(experiment, runs, place, asked, as_json=as_json)
        if not as_json:
            put(f"report: {folder / PAGE}, the same as Markdown and CSV, and the transcripts, beside it")
        raise typer.Exit(0 if whole else 1)
    reports = _reports(experiment, folder, runs, force=force)
    swept = _reproduce(experiment, runs, reports, place, tracker=tracker, as_json=as_json)
    tell_failed(swept)
    raise typer.Exit(1 if swept.failed else 0)


def _reports(experiment: Experiment, folder: Path, runs: Path, *, force: bool) -> tuple[tuple[str, Files], ...]:
    """What is written into `folder`, by the form of its text; HarnessError where it cannot be."""
    page = Files(output=folder / "report.md", page=folder / PAGE, bundle=True, claims=experiment.claims, force=force)
    reports = ("markdown", page), ("csv", Files(output=folder / "report.csv", force=force))
    for _, files in reports:
        files.check(runs)
    return reports


def _reproduce(
    experiment: Experiment,
    runs: Path,
    reports: Sequence[tuple[str, Files]],
    place: Where,
    *,
    tracker: str,
    as_json: bool,
) -> Swept:
    """Does what is missing, prints the post's table beside ours and writes the report."""
    from harness import tracking
    from harness.sweep import expected, lock_claims, sweep

    lock_claims(experiment, runs)
    say(expected(experiment, runs, place))
    with tracking.to(tracker):
        swept = sweep(experiment, runs, place)
    if swept.any_done:
        assert experiment.claims is not None
        show_verdicts(
            runs,
            experiment.claims,
            form="json" if as_json else None,
            experiment=experiment.file,
            settings=experiment.settings,
        )
        for form, files in reports:
            write_report(runs, experiment.settings, form=form, files=files)
    return swept
