"""`harness.run`: trains and evaluates what is missing, as the command of that name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from harness.notebooks.asked import names, numbers, runs_in, settings_of, texts
from harness.notebooks.pages import Report, report


def run(
    setting: str | Path | Sequence[str | Path],
    intervention: str | Iterable[str] = ("none", "ip", "ps"),
    *,
    seed: int | Iterable[int] = 0,
    dose: float | Iterable[float] = 1.0,
    scale: str = "mini",
    model: str = "",
    epochs: int = 0,
    prompt: str | Iterable[str] = (),
    runs: str | Path = "runs",
    grader: str = "",
    track: str = "",
    force: bool = False,
    calibrated: bool = True,
) -> Report:
    """Trains and evaluates what is missing of every combination, and gives the report on these settings.

    A `setting` is a name or a file that describes one. `epochs` 0 are the recipe's, `prompt` is put on rows in the
    place of an arm's own, `grader` is a model that judges may ask, as Inspect names it, `track` (`trackio`, `wandb`,
    `mlflow`) is told losses, speed and results, `force` begins the cells anew, and without `calibrated` training goes
    by the recipes as they stand. Nothing that is done is done again.
    HarnessError, a line without a traceback in a notebook, for whatever does not fit.
    """
    from harness import cells, pipeline, tracking
    from harness.graders import opened
    from harness.registry import installed, using
    from harness.runs import keep_used, with_calibrations

    folder, settings, arms = runs_in(runs), settings_of(setting), names(intervention)
    seeds, doses = [int(one) for one in numbers(seed)], [float(one) for one in numbers(dose)]
    known = with_calibrations(installed(), folder, settings, use=calibrated)
    with using(known), tracking.to(track):
        cells.check_names(settings, arms, scale=scale, model=model, weights=[""])
        how = partial(cells.grid, scale=scale, model=model, epochs=epochs, prompts=texts(prompt))
        wanted = how(settings, arms, seeds=seeds, doses=doses)
        keep_used(settings, folder)
        pipeline.run(wanted, folder, force=force, grader=opened(grader) if grader else None)
        return report(folder, settings)
