"""`harness run`: checks the cells, trains and evaluates what is missing, and ends with the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.page import console, print_json
from harness.contracts import NAME, Setting, VectorSpec
from harness.errors import HarnessError, unknown
from harness.models import resolve, short_name
from harness.registry import Registry, installed, using
from harness.runs import Cell, weighted

if TYPE_CHECKING:
    from rich.table import Table

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
    from harness import pipeline, report

    if asked.capabilities:
        from harness import capabilities

        capabilities.check(asked.capabilities, asked.capability_conditions)
    folders = pipeline.run(cells, asked.runs, force=force)
    for folder in dict.fromkeys((*pipeline.base_folders(cells, asked.runs), *folders)) if asked.capabilities else ():
        capabilities.measure(folder, asked.capabilities, asked.capability_conditions, limit=asked.capability_limit)
    results = report.load(asked.runs, settings=asked.settings)
    tables = tuple(table for table in report.tables(results, installed()) if table.scale == asked.scale)
    if as_json:
        print_json({"runs": [str(folder) for folder in folders], **report.as_record(results, tables)})
    else:
        report.show(results, tables, console())


def plan(asked: Asked, *, as_json: bool) -> None:
    """Prints what `run` would do and about how long it would take; trains nothing."""
    with using(_with_vectors(asked)):
        cells = _checked(asked)
        from harness import planning

        plans = planning.plan(cells, asked.runs)
    if as_json:
        print_json([_record(one) for one in plans])
    else:
        _show_plan(plans)


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
    from harness.pipeline import grid

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


def _record(one: Plan) -> dict[str, Any]:
    return {**asdict(one), "folder": str(one.folder), "stale": [str(folder) for folder in one.stale]}


def _show_plan(plans: Sequence[Plan]) -> None:
    from rich.text import Text

    page = console()
    for setting in dict.fromkeys(one.cell.setting for one in plans):
        own = [one for one in plans if one.cell.setting == setting]
        page.print(Text(f"{setting}, {own[0].cell.scale}, {short_name(own[0].cell.model)}", style="bold"))
        page.print(_grid(own))
    todo = [one for one in plans if not one.done]
    known = [one.seconds for one in todo if one.seconds is not None]
    total = f", {_about(sum(known))} on this machine" if todo and len(known) == len(todo) else ""
    page.print(f"\n{len(todo)} of {len(plans)} cells to do{total}; nothing was trained")
    if any(one.estimated for one in plans):
        page.print("tokens are estimated from characters: the model is not on this machine")
    for folder in dict.fromkeys(folder for one in plans for folder in one.stale):
        page.print(f"stale, made from other inputs, left alone: {folder}", soft_wrap=True)


def _grid(plans: Sequence[Plan]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    grid.add_column("cell", no_wrap=True)
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
            "-" if one.done else _about(one.seconds),
        )
    return grid


def _about(seconds: float | None) -> str:
    if seconds is None:
        return "not known"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
