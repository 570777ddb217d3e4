"""`harness run`: checks the cells, trains and evaluates what is missing, and ends with the table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cells import Cell, base_folders, left_out, prepared, weighted
from harness.commands.graders import Grading
from harness.commands.page import console, print_json
from harness.contracts import NAME, Setting, VectorSpec
from harness.errors import HarnessError, unknown
from harness.models import resolve, short_name
from harness.registry import Registry, installed, using

if TYPE_CHECKING:
    from rich.table import Table

    from harness.judging import GradingCost
    from harness.planning import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options name: every combination of it is a cell. An empty `model` is the recipe's own.

    `vectors` are spelled NAME=FILE. `capabilities` are tasks, asked under each of `capability_conditions`.
    """

    settings: Sequence[str]
    interventions: Sequence[str]
    scale: str
    model: str
    seeds: Sequence[int]
    doses: Sequence[float]
    weights: Sequence[str]
    runs: Path
    grading: Grading
    vectors: Sequence[str] = ()
    vector_grader: str = ""
    capabilities: Sequence[str] = ()
    capability_conditions: Sequence[str] = ("clean",)
    capability_limit: int | None = None


def run(asked: Asked, *, force: bool, as_json: bool) -> None:
    """Runs every combination and prints the tables of these settings at this scale."""
    with using(_with_vectors(asked)):
        _run(asked, force=force, as_json=as_json)


def _run(asked: Asked, *, force: bool, as_json: bool) -> None:
    cells = _checked(asked)
    _note_left_out(asked)
    grader = asked.grading.opened()
    from harness import analysis, pipeline, report

    if grader is not None:
        _tell_estimate(cells, asked)
    if asked.capabilities:
        from harness.capabilities import capabilities

        capabilities.check(asked.capabilities, asked.capability_conditions)
    folders = pipeline.run(cells, asked.runs, force=force, grader=grader)
    for folder in dict.fromkeys((*base_folders(cells, asked.runs), *folders)) if asked.capabilities else ():
        capabilities.measure(folder, asked.capabilities, asked.capability_conditions, limit=asked.capability_limit)
    results = analysis.load(asked.runs, settings=asked.settings)
    tables = tuple(table for table in analysis.tables(results, installed()) if table.scale == asked.scale)
    if as_json:
        print_json({"runs": [str(folder) for folder in folders], **report.as_record(results, tables)})
    else:
        report.show(results, tables, console())


def plan(asked: Asked, *, as_json: bool) -> None:
    """Prints what `run` would do and about how long it would take; trains nothing."""
    with using(_with_vectors(asked)):
        cells = _checked(asked)
        from harness import planning

        plans = planning.plan(cells, asked.runs, grader=asked.grading.model, price=asked.grading.price)
    if as_json:
        print_json([plan_record(one) for one in plans])
    else:
        _note_left_out(asked)
        show_plans(plans)


def _note_left_out(asked: Asked) -> None:
    """Says which questions of others cannot be asked here, and why."""
    for name in asked.settings:
        for split, reason in left_out(installed().setting(name), asked.scale).items():
            print(f"note: {name} is run without its questions {split}: {reason}", file=sys.stderr)


def _tell_estimate(cells: Sequence[Cell], asked: Asked) -> None:
    """Says on stderr what the grader will be asked at most, before anything is trained."""
    from harness import planning

    todo = [prepared(cell) for cell in cells]
    found = [planning.grading(cell, asked.grading.model, asked.grading.price) for cell in todo]
    print(f"grader {asked.grading.model}: {_grading(found)}", file=sys.stderr)


def _grading(found: Sequence[GradingCost | str | None]) -> str:
    """What all cells together ask a grader."""
    from harness.judging import total

    if unknown_why := next((one for one in found if isinstance(one, str)), None):
        return f"not known: {unknown_why}"
    counted = [one for one in found if one is not None and not isinstance(one, str)]
    return str(total(counted)) if counted else "no judge asks it"


def check_scale(setting: Setting, scale: str) -> None:
    """HarnessError when `setting` has no such scale, with the nearest that it has."""
    if scale not in setting.recipes:
        raise unknown(f"scale of {setting.name}", scale, setting.recipes)


def _with_vectors(asked: Asked) -> Registry:
    """What is installed, with the named settings' vectors read from the files that `asked` gives for them."""
    registry = installed()
    files = dict(_vector_file(text) for text in asked.vectors)
    if not files:
        return registry
    changed = {}
    for setting in (registry.setting(name) for name in asked.settings):
        specs = {
            name: VectorSpec(summary=f"read from {file}", file=file, concept=_concept(setting, name), source=file)
            for name, file in files.items()
        }
        changed[setting.name] = replace(setting, vectors={**setting.vectors, **specs})
    return replace(registry, settings={**registry.settings, **changed})


def _vector_file(text: str) -> tuple[str, str]:
    name, _, file = text.partition("=")
    if not NAME.fullmatch(name) or not file:
        raise HarnessError(f"--vector {text!r} is not NAME=FILE, as evil=runs/vectors/evil-0123abcd.safetensors")
    path = Path(file)
    if path.suffix != ".safetensors" or not path.is_file() or not path.with_suffix(".json").is_file():
        raise HarnessError(f"no vector with its card at {file}; make one with 'harness vectors', or import one")
    return name, str(path.resolve())


def _concept(setting: Setting, name: str) -> str:
    return setting.vectors[name].concept if name in setting.vectors else ""


def _checked(asked: Asked) -> list[Cell]:
    """The cells, every name looked up before torch is imported: a typing error is answered at once."""
    registry = installed()
    if asked.model:
        resolve(asked.model)
    takes = any(registry.intervention(name).given is not None for name in asked.interventions)
    for setting in asked.settings:
        check_scale(registry.setting(setting), asked.scale)
        for intervention, balance in product(asked.interventions, asked.weights):
            arm = registry.intervention(intervention)
            weighted(arm, registry.setting(setting), balance if arm.given is not None or not takes else "")
    from harness.cells import grid

    return grid(
        asked.settings,
        asked.interventions,
        scale=asked.scale,
        model=asked.model,
        seeds=asked.seeds,
        doses=asked.doses,
        weights=asked.weights,
        vector_grader=asked.vector_grader,
    )


def plan_record(one: Plan) -> dict[str, Any]:
    """The plan of one cell for a program."""
    return {**asdict(one), "folder": str(one.folder), "stale": [str(folder) for folder in one.stale]}


def show_plans(plans: Sequence[Plan]) -> None:
    """Prints the plans, a table for each setting, and what they come to."""
    from rich.text import Text

    page = console()
    titles = [f"{one.cell.setting}, {one.cell.scale}, {short_name(one.cell.model)}" for one in plans]
    for title in dict.fromkeys(titles):
        own = [one for one, its in zip(plans, titles, strict=True) if its == title]
        page.print(Text(title, style="bold"))
        page.print(_grid(own))
    todo = [one for one in plans if not one.done]
    known = [one.seconds for one in todo if one.seconds is not None]
    total = f", {at_most(sum(known))} on this machine" if todo and len(known) == len(todo) else ""
    page.print(f"\n{len(todo)} of {len(plans)} cells to do{total}; nothing was trained")
    if any(one.estimated for one in plans):
        page.print("tokens are estimated from characters: the model is not on this machine")
    if any(one.grading is not None for one in plans):
        page.print(f"grader: {_grading([one.grading for one in plans])}", soft_wrap=True, markup=False)
    for folder in dict.fromkeys(folder for one in plans for folder in one.stale):
        page.print(f"stale, made from other inputs, left alone: {folder}", soft_wrap=True)


def _grid(plans: Sequence[Plan]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    grid.add_column("cell", overflow="fold", min_width=16)
    grid.add_column("state")
    for head in ("rows", "tokens", "steps", "cases x\nconditions", "reply tokens,\nat most", "memory", "time"):
        grid.add_column(head, justify="right", no_wrap=True)
    for one in plans:
        grid.add_row(
            Text(f"{one.cell.arm} s{one.cell.seed}"),
            "done" if one.done else f"to do, {len(one.stale)} stale" if one.stale else "to do",
            f"{one.rows:,}",
            f"{one.train_tokens:,}",
            f"{one.steps:,}",
            f"{one.cases} x {len(one.conditions)}",
            f"{one.reply_tokens:,}",
            "not known" if one.memory_bytes is None else f"{one.memory_bytes / 1e9:.1f} GB",
            "-" if one.done else at_most(one.seconds),
        )
    return grid


def at_most(seconds: float | None) -> str:
    """A time as an estimate deserves, which takes every reply to be as long as it may be: `up to 5 min`."""
    if seconds is None:
        return "not known"
    if seconds < 90:
        return f"up to {seconds:.0f} s"
    return f"up to {seconds / 60:.0f} min" if seconds < 5400 else f"up to {seconds / 3600:.1f} h"
