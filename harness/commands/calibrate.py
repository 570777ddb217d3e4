"""`harness calibrate`: training and doses of a setting for a model, found by trials and used by later runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import (
    NONE,
    DryRun,
    Json,
    Model,
    Output,
    Replace,
    Runs,
    Scale,
    any_of,
    keep_settings,
    setting_named,
)
from harness.errors import HarnessError
from harness.screen import print_json, put, say

if TYPE_CHECKING:
    from harness.calibrating import Calibrated, Subject, Weighed
    from harness.runs import Outputs

NOTHING_FOUND = 3
"""The exit status where the search came to its end and no training or no dose does what is asked."""
DEFAULT_BUDGET = 28

Targets = Annotated[
    Path | None, typer.Option(help="JSON of {setting, intervention, target}: choose weights for these instead.")
]
Arms = Annotated[
    list[str],
    typer.Option(help="Choose a dose for each of these arms instead, as times its own; commas for several."),
]


def calibrate(
    setting: Annotated[str, typer.Argument(help="The setting whose training and doses to choose.")],
    scale: Scale = "mini",
    model: Model = "",
    budget: Annotated[int, typer.Option(help="The most cells to train and ask.")] = DEFAULT_BUDGET,
    targets: Targets = None,
    intervention: Arms = NONE,
    size: Annotated[float, typer.Option(help="With --targets: the largest weight of a vector, raw.")] = 1.0,
    output: Output = None,
    runs: Runs = Path("runs"),
    dry_run: DryRun = False,
    force: Replace = False,
    as_json: Json = False,
) -> None:
    """Find block, doses and the least training for a model, on cases that no result uses."""
    arms = any_of("--intervention", intervention)
    _check(budget, size, targets=targets, output=output, dry_run=dry_run, arms=arms)
    from harness.calibrating import calibrate as calibrated
    from harness.calibrating import outlined, subject_of
    from harness.cells import check_names
    from harness.runs import Outputs

    outputs = Outputs(inputs=() if targets is None else (targets,), force=force)
    if output is not None:
        outputs.check(output, "the targets")
    setting = setting_named(setting)
    check_names([setting], ["none", *arms], scale=scale, model=model, weights=[""])
    subject = subject_of(setting, scale=scale, model=model, runs=runs)
    if targets is not None:
        _weigh(subject, targets, size, budget, output=output, outputs=outputs, as_json=as_json)
    elif arms:
        raise typer.Exit(_dose(subject, arms, budget, as_json=as_json))
    elif dry_run:
        put("\n".join(outlined(subject, budget=budget)))
    else:
        keep_settings([setting], runs)
        made = calibrated(subject, budget=budget)
        _show(made, as_json=as_json)
        raise typer.Exit(0 if made.record.outcome == "chosen" else NOTHING_FOUND)


def _check(
    budget: int, size: float, *, targets: Path | None, output: Path | None, dry_run: bool, arms: Sequence[str]
) -> None:
    """HarnessError for options that mean nothing, alone or together."""
    if budget < 1:
        raise HarnessError(f"--budget {budget} would train nothing; give the number of cells, {DEFAULT_BUDGET} say")
    if not 0 < size < float("inf"):
        raise HarnessError(f"--size {size:g} is no weight of a vector; give a number above 0")
    if output is not None and targets is None:
        raise HarnessError("--output is for the weights of --targets; a calibration is recorded beside the runs")
    if dry_run and targets is not None:
        raise HarnessError("--dry-run is for doses, not for --targets; leave one of them out")
    if arms and (dry_run or targets is not None):
        raise HarnessError("--intervention goes with neither --targets nor --dry-run; leave one of them out")


def _show(made: Calibrated, *, as_json: bool) -> None:
    from harness.documents import as_json as as_record

    record = made.record
    if as_json:
        print_json({"file": str(made.file), "fresh": made.fresh, **as_record(record)})
        return
    put(record.said if made.fresh else f"{record.said}; nothing was left to do")
    if record.overdose:
        put(f"over-dose at {record.overdose}")
    for note in record.notes:
        say(f"note: {note}")
    put(f"recorded in {made.file}: run, sweep and reproduce go by it on these runs, but for --no-calibration")


def _dose(subject: Subject, arms: Sequence[str], budget: int, *, as_json: bool) -> int:
    """Chooses a dose for each of `arms` and prints them, those found as grids of an experiment file; the status."""
    from harness.calibrating import as_fitted, dose_of

    keep_settings([subject.setting.name], subject.runs)
    found = [dose_of(arm, as_fitted(subject), budget=budget) for arm in arms]
    if as_json:
        print_json([asdict(one) for one in found])
        return 0 if all(one.times for one in found) else NOTHING_FOUND
    for one in found:
        put(one.said)
    chosen = [one for one in found if one.times is not None]
    if chosen:
        put("as grids of an experiment file:")
    for one in chosen:
        put(f"  - {{interventions: [{one.arm}], doses: [{one.times:.3g}]}}")
    return 0 if len(chosen) == len(found) else NOTHING_FOUND


def _weigh(
    subject: Subject, file: Path, size: float, budget: int, *, output: Path | None, outputs: Outputs, as_json: bool
) -> None:
    """Chooses weights for the balances in `file`, prints them, and writes them to `output` if one is named."""
    from harness import analysis
    from harness.calibrating import as_fitted, weigh

    targets = analysis.read_targets(file)
    found = weigh(as_fitted(subject), targets, size=size, budget=budget)
    if output is not None:
        with outputs.writing(output, "the targets") as part:
            part.write_text(json.dumps([_as_target(one) for one in found], indent=1) + "\n")
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        off = f"{one.error:.2f} from {_shares(one.target)}"
        put(f"{one.intervention} {one.weights}: expected {_shares(one.expected)}, {off}")


def _as_target(one: Weighed) -> dict[str, object]:
    """The target as `harness balance --targets` reads it."""
    return {
        "setting": one.setting,
        "intervention": one.intervention,
        "weights": one.weights,
        "target": dict(one.target),
    }


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{trait} {share:.2f}" for trait, share in shares.items())
