"""`harness run`: checks the cells, trains and evaluates what is missing, and ends with the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.graders import Grading
from harness.commands.options import (
    NONE,
    Connections,
    DryRun,
    Grader,
    Json,
    MaxCost,
    Measure,
    Model,
    NoCalibration,
    Price,
    Runs,
    Scale,
    Several,
    VectorGrader,
    any_of,
    balances,
    check_measure,
    doses,
    seeds,
    several,
    vector_files,
)
from harness.commands.plans import asking, plan_record, show_plans
from harness.contracts import CLEAN
from harness.screen import console, print_json, say

if TYPE_CHECKING:
    from harness.cells import Cell
    from harness.registry import Registry

SEED: list[str] = ["0"]
UNSTEERED: list[str] = [CLEAN]

Dose = Annotated[str, typer.Option(help="Scales each intervention; commas for several.")]
Weights = Annotated[
    list[str], typer.Option(help="A balance of traits for comp_ arms, as spanish=0.8,french=0.4; repeat it.")
]
Vector = Annotated[
    list[str], typer.Option(help="NAME=FILE: a vector made or imported before, in place of the setting's; repeat it.")
]
Tasks = Annotated[
    list[str], typer.Option(help="lm-eval tasks to ask the trained and the untrained model; commas for several.")
]
TaskConditions = Annotated[
    list[str], typer.Option(help="What these tasks are asked under: clean, or vector:EXPRESSION@COEF.")
]
TaskLimit = Annotated[int, typer.Option(help="Ask the first so many of each task; 0 is all.", min=0)]
Force = Annotated[bool, typer.Option("--force", help="Begin these cells anew.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """Every combination of these is a cell."""

    settings: Sequence[str]
    interventions: Sequence[str]
    seeds: Sequence[int]
    doses: Sequence[float]
    weights: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilitiesAsked:
    """lm-eval tasks to ask under each of `conditions`, the first `limit` questions of each where there is one."""

    tasks: Sequence[str] = ()
    conditions: Sequence[str] = (CLEAN,)
    limit: int | None = None

    def check(self) -> None:
        """HarnessError where a task or a condition is none, before anything is trained."""
        if self.tasks:
            from harness import capabilities

            capabilities.check(self.tasks, self.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellsAsked:
    """What the options name. An empty `model` is the recipe's own; `vectors` are files by name."""

    combined: Combined
    scale: str
    model: str
    runs: Path
    grading: Grading
    vectors: Mapping[str, str]
    vector_grader: str
    capabilities: CapabilitiesAsked
    calibrated: bool = True

    def registry(self) -> Registry:
        """What is installed, with the vectors that are named and what was calibrated beside the runs."""
        from harness.cells import with_vectors
        from harness.registry import installed
        from harness.runs import with_calibrations

        settings = self.combined.settings
        found = with_calibrations(installed(), self.runs, settings, use=self.calibrated)
        return with_vectors(found, settings, self.vectors)


def run(
    setting: Several,
    intervention: Several,
    scale: Scale = "mini",
    model: Model = "",
    seed: Several = SEED,
    dose: Dose = "1",
    weights: Weights = NONE,
    vector: Vector = NONE,
    vector_grader: VectorGrader = "",
    capabilities: Tasks = NONE,
    capability_conditions: TaskConditions = UNSTEERED,
    capability_limit: TaskLimit = 0,
    runs: Runs = Path("runs"),
    grader: Grader = "",
    connections: Connections = None,
    max_cost: MaxCost = None,
    price: Price = "",
    dry_run: DryRun = False,
    measure: Measure = False,
    no_calibration: NoCalibration = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train and evaluate what is missing, then print the table."""
    check_measure(measure, dry_run=dry_run)
    asked = CellsAsked(
        combined=_combined(setting, intervention, seed, dose, weights),
        scale=scale,
        model=model,
        runs=runs,
        grading=Grading(model=grader, connections=connections, max_cost=max_cost, price=price),
        vectors=vector_files(vector),
        vector_grader=vector_grader,
        capabilities=_capabilities(capabilities, capability_conditions, capability_limit),
        calibrated=not no_calibration,
    )
    done = partial(_plan, measure=measure) if dry_run else partial(_run, force=force)
    done(asked, as_json=as_json)


def _combined(setting: list[str], intervention: list[str], seed: list[str], dose: str, weights: list[str]) -> Combined:
    return Combined(
        settings=several("--setting", setting),
        interventions=several("--intervention", intervention),
        seeds=seeds(seed),
        doses=doses(dose),
        weights=balances(weights),
    )


def _capabilities(tasks: list[str], conditions: list[str], limit: int) -> CapabilitiesAsked:
    return CapabilitiesAsked(
        tasks=any_of("--capabilities", tasks),
        conditions=several("--capability-conditions", conditions),
        limit=limit or None,
    )


def _run(asked: CellsAsked, *, force: bool, as_json: bool) -> None:
    """Runs every combination and prints the tables of these settings at this scale."""
    from harness.registry import installed, using

    with using(asked.registry()):
        cells = _checked(asked)
        _note_left_out(asked)
        grader = asked.grading.opened()
        from harness import analysis, pipeline, report

        if grader is not None:
            _tell_estimate(cells, asked.grading)
        asked.capabilities.check()
        folders = pipeline.run(cells, asked.runs, force=force, grader=grader)
        _measure(cells, folders, asked)
        results = analysis.load(asked.runs, settings=asked.combined.settings)
        tables = tuple(table for table in analysis.tables(results, installed()) if table.scale == asked.scale)
        if as_json:
            print_json({"runs": [str(folder) for folder in folders], **report.as_record(results, tables)})
        else:
            report.show(results, tables, console())


def _plan(asked: CellsAsked, *, measure: bool, as_json: bool) -> None:
    """Prints what `run` would do and about how long it would take; trains nothing."""
    from harness.registry import using

    with using(asked.registry()):
        cells = _checked(asked)
        asked.capabilities.check()
        from harness import planning

        plans = planning.plan(cells, asked.runs, measure=measure, grader=asked.grading.model, price=asked.grading.price)
    if as_json:
        print_json([plan_record(one) for one in plans])
    else:
        _note_left_out(asked)
        show_plans(plans)


def _checked(asked: CellsAsked) -> list[Cell]:
    """The cells, every name in them looked up."""
    from harness import cells

    of = asked.combined
    cells.check_names(of.settings, of.interventions, scale=asked.scale, model=asked.model, weights=of.weights)
    return cells.grid(
        of.settings,
        of.interventions,
        scale=asked.scale,
        model=asked.model,
        seeds=of.seeds,
        doses=of.doses,
        weights=of.weights,
        vector_grader=asked.vector_grader,
    )


def _note_left_out(asked: CellsAsked) -> None:
    """Says which questions of others cannot be asked here, and why."""
    from harness.cells import left_out
    from harness.registry import installed

    for name in asked.combined.settings:
        for split, reason in left_out(installed().setting(name), asked.scale).items():
            say(f"note: {name} is run without its questions {split}: {reason}")


def _tell_estimate(cells: Sequence[Cell], grading: Grading) -> None:
    """Says on stderr what the grader will be asked at most, before anything is trained."""
    from harness import planning
    from harness.cells import prepared

    found = [planning.grading(prepared(cell), grading.model, grading.price) for cell in cells]
    say(f"grader {grading.model}: {asking(found)}")


def _measure(trained: Sequence[Cell], folders: Sequence[Path], asked: CellsAsked) -> None:
    """Asks the tasks, if any, of the trained models and of the untrained ones that they are compared with."""
    wanted = asked.capabilities
    if not wanted.tasks:
        return
    from harness import capabilities, cells

    for folder in dict.fromkeys((*cells.base_folders(trained, asked.runs), *folders)):
        capabilities.measure(folder, wanted.tasks, wanted.conditions, limit=wanted.limit)
