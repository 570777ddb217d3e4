"""`harness calibrate`: training and doses of a setting for a model, found by trials and used by later runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import DryRun, Json, Model, Runs, Scale
from harness.errors import HarnessError
from harness.screen import print_json, put, say

if TYPE_CHECKING:
    from harness.calibrating import Calibrated

NOTHING_FOUND = 3
"""The exit status where the search came to its end and no training or no dose does what is asked."""
DEFAULT_BUDGET = 28


def calibrate(
    setting: Annotated[str, typer.Argument(help="The setting whose training and doses to choose.")],
    scale: Scale = "mini",
    model: Model = "",
    budget: Annotated[int, typer.Option(help="The most cells to train and ask.")] = DEFAULT_BUDGET,
    runs: Runs = Path("runs"),
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Find block, doses and the least training for a model, on cases that no result uses."""
    if budget < 1:
        raise HarnessError(f"--budget {budget} would train nothing; give the number of cells, {DEFAULT_BUDGET} say")
    from harness.calibrating import calibrate as calibrated
    from harness.calibrating import outlined, subject_of
    from harness.cells import check_names

    check_names([setting], ["none"], scale=scale, model=model, weights=[""])
    subject = subject_of(setting, scale=scale, model=model, runs=runs)
    if dry_run:
        put("\n".join(outlined(subject, budget=budget)))
        return
    made = calibrated(subject, budget=budget)
    _show(made, as_json=as_json)
    raise typer.Exit(0 if made.record.outcome == "chosen" else NOTHING_FOUND)


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
    put(f"recorded in {made.file}, and used by run, sweep and reproduce on these runs unless --no-calibration")
