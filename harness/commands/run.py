"""`harness run`: checks the cells, trains and evaluates what is missing, and ends with the table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.cells_asked import CellsAsked, Combined, TasksAsked
from harness.commands.graders import Grading
from harness.commands.options import (
    NONE,
    Connections,
    DryRun,
    Engine,
    Grader,
    Json,
    LoraTargets,
    MaxCost,
    Measure,
    Model,
    NoCalibration,
    PlanAsked,
    Price,
    Runs,
    Scale,
    Several,
    Speeds,
    Track,
    VectorGrader,
    keep_settings,
)
from harness.commands.plans import asking, plan_record, show_plans
from harness.contracts import CLEAN
from harness.screen import console, print_json, say

if TYPE_CHECKING:
    from harness.cells import Cell

SEED: list[str] = ["0"]
UNSTEERED: list[str] = [CLEAN]

Dose = Annotated[str, typer.Option(help="Scales each intervention; commas for several.")]
Epochs = Annotated[str, typer.Option(help="Train for so many epochs, not for the recipe's.")]
Until = Annotated[
    str, typer.Option(help="Stop after this share of the steps, on the schedule of all of them; commas for several.")
]
Weights = Annotated[
    list[str], typer.Option(help="A balance of traits for comp_ arms, as spanish=0.8,french=0.4; repeat it.")
]
Prompts = Annotated[
    list[str],
    typer.Option(
        "--prompt",
        help="Put this text, or the setting's prompt of this name, on rows instead of an arm's own; repeat it.",
    ),
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
TaskFolder = Annotated[Path | None, typer.Option(help="A folder of lm-eval tasks of your own, as YAML.")]
TaskChats = Annotated[
    bool, typer.Option("--apply-chat-template", help="Ask these tasks in chats, through the model's chat template.")
]
TaskLimit = Annotated[int, typer.Option(help="Ask the first so many of each task; 0 is all.", min=0)]
Force = Annotated[bool, typer.Option("--force", help="Begin these cells anew.")]


def run(
    setting: Several,
    intervention: Several,
    scale: Scale = "mini",
    model: Model = "",
    seed: Several = SEED,
    dose: Dose = "1",
    weights: Weights = NONE,
    epochs: Epochs = "",
    until: Until = "1",
    lora_targets: LoraTargets = "",
    prompt: Prompts = NONE,
    vector: Vector = NONE,
    vector_grader: VectorGrader = "",
    capabilities: Tasks = NONE,
    capability_conditions: TaskConditions = UNSTEERED,
    capability_limit: TaskLimit = 0,
    include_path: TaskFolder = None,
    apply_chat_template: TaskChats = False,
    runs: Runs = Path("runs"),
    grader: Grader = "",
    connections: Connections = None,
    max_cost: MaxCost = None,
    price: Price = "",
    dry_run: DryRun = False,
    measure: Measure = False,
    speed: Speeds = NONE,
    no_calibration: NoCalibration = False,
    engine: Engine = "torch",
    track: Track = "",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train and evaluate what is missing, then print the table."""
    planned = PlanAsked.of(dry_run=dry_run, measure=measure, speed=speed)
    how = weights, epochs, until, lora_targets, prompt, vector_grader, engine
    tasks = TasksAsked.of(capabilities, capability_conditions, capability_limit, include_path, apply_chat_template)
    rest = Grading(grader, connections, max_cost, price), vector, tasks, not no_calibration, track
    asked = CellsAsked.of(Combined.of(setting, intervention, seed, dose, *how), scale, model, runs, *rest)
    (partial(_plan, by=planned) if dry_run else partial(_run, force=force))(asked, as_json=as_json)


def _run(asked: CellsAsked, *, force: bool, as_json: bool) -> None:
    """Runs every combination and prints the tables of these settings at this scale."""
    from harness.registry import installed, using

    with using(asked.registry()):
        cells = _checked(asked)
        keep_settings(asked.combined.settings, asked.runs)
        grader = asked.grading.opened()
        from harness import analysis, pipeline, reporting, tracking

        if grader is not None:
            _tell_estimate(cells, asked.grading)
        asked.capabilities.check()
        with tracking.to(asked.tracker):
            folders = pipeline.run(cells, asked.runs, force=force, grader=grader, engine=asked.combined.engine)
        _measure(cells, folders, asked)
        results = analysis.load(asked.runs, settings=asked.combined.settings)
        tables = tuple(table for table in analysis.tables(results, installed()) if table.scale == asked.scale)
        if as_json:
            print_json({"runs": [str(folder) for folder in folders], **reporting.as_record(results, tables)})
        else:
            reporting.show(results, tables, console())


def _plan(asked: CellsAsked, *, by: PlanAsked, as_json: bool) -> None:
    """Prints what `run` would do and about how long it would take; trains nothing."""
    from harness.registry import using

    with using(asked.registry()):
        cells = _checked(asked)
        asked.capabilities.check()
        from harness import planning

        money = asked.grading
        plans = planning.plan(
            cells, asked.runs, measure=by.measure, stated=by.stated, grader=money.model, price=money.price
        )
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
        vector_grader=of.vector_grader,
        epochs=of.epochs,
        untils=of.untils,
        lora_targets=of.lora_targets,
        engine=of.engine.name if of.engine else "",
        prompts=of.prompts,
    )


def _note_left_out(asked: CellsAsked) -> None:
    """Says which questions of others cannot be asked here, and why."""
    from harness.cells import told_left_out
    from harness.registry import installed

    for name in asked.combined.settings:
        for line in told_left_out(installed().setting(name), asked.scale):
            say(line)


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
    from harness import cells

    for folder in dict.fromkeys((*cells.base_folders(trained, asked.runs), *folders)):
        wanted.measure(folder)
