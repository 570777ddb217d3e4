"""Plans as tables and records: for `harness run --dry-run` and `harness sweep --dry-run`.

They stand here and not in the report, which lies below planning and knows no plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from harness.screen import at_most, console, print_json, shown

if TYPE_CHECKING:
    from rich.table import Table

    from harness.commands.options import PlanAsked
    from harness.judging import GradingCost
    from harness.planning import Plan
    from harness.sweep import Experiment, Where


def plan_record(one: Plan) -> dict[str, object]:
    """The plan of one cell for a program."""
    return {**asdict(one), "folder": str(one.folder), "stale": [str(folder) for folder in one.stale]}


def show_plans(plans: Sequence[Plan]) -> None:
    """Prints the plans, a table for each setting, and what they come to."""
    from rich.text import Text

    from harness.models import short_name

    page = console()
    for line in dict.fromkeys(one.fit for one in plans if one.fit):
        page.print(shown(line), soft_wrap=True)
    titles = [
        f"{one.cell.setting}, {one.cell.scale}, {one.cell.trained_on(short_name(one.cell.model))}" for one in plans
    ]
    for title in dict.fromkeys(titles):
        own = [one for one, its in zip(plans, titles, strict=True) if its == title]
        page.print(Text(shown(f"{title}{_on_gpus(own)}"), style="bold"))
        page.print(_grid(own))
        if len(set(titles)) > 1:
            page.print(_together(own))
    todo = [one for one in plans if not one.done]
    page.print(f"\n{_together(plans)}; nothing was trained", soft_wrap=True)
    if said := _time_known(todo):
        page.print(said, soft_wrap=True)
    if any(one.estimated for one in plans):
        page.print("tokens are estimated from characters: the model is not on this machine")
    if any(one.grading is not None for one in plans):
        page.print(f"grader: {asking([one.grading for one in plans])}", soft_wrap=True)
    for folder in dict.fromkeys(folder for one in plans for folder in one.stale):
        page.print(shown(f"stale, made from other inputs, left alone: {folder}"), soft_wrap=True)


def show_sweep_plan(experiment: Experiment, runs: Path, where: Where, by: PlanAsked, *, as_json: bool) -> bool:
    """Prints the cells of an experiment, what they share, and about what they take; whether all of it was planned."""
    from harness.sweep import plan as planned

    plan = planned(experiment, runs, measure=by.measure, stated=by.stated, price=by.price)
    hours, hourly_price = plan.hours, by.hourly_price
    if as_json:
        print_json(
            {
                "experiment": experiment.name,
                "key": plan.key or None,
                "cells": [plan_record(one) for one in plan.plans],
                "shared": list(plan.shared),
                "left_out": list(experiment.left_out),
                "not_planned": list(plan.not_planned),
                "worker_hours": hours,
                "cost": None if hours is None or hourly_price is None else hours * hourly_price,
            }
        )
        return not plan.not_planned
    show_plans(plan.plans)
    page = console()
    for line in (*plan.shared, *experiment.left_out, plan.cost(where, hourly_price), *plan.not_planned):
        page.print(shown(line), soft_wrap=True)
    key = f"key {plan.key[:8]}" if plan.key else "its key is known when all of it is planned"
    page.print(shown(f"experiment {experiment.name}, {key}"), soft_wrap=True)
    return not plan.not_planned


def asking(found: Sequence[GradingCost | str | None]) -> str:
    """What all cells together ask a grader."""
    from harness.judging import total

    if unknown_why := next((one for one in found if isinstance(one, str)), None):
        return f"not known: {unknown_why}"
    counted = [one for one in found if one is not None and not isinstance(one, str)]
    return str(total(counted)) if counted else "no judge asks it"


def _on_gpus(plans: Sequence[Plan]) -> str:
    """What a cell needs of GPUs, where its model is too large to be on this machine."""
    if not all(one.estimated for one in plans):
        return ""
    sizes = [one.memory_bytes for one in plans if one.memory_bytes is not None]
    needs = f" with {max(sizes) / 1e9:.0f} GB or more, by what training takes" if sizes else ""
    gpus = max(one.gpus for one in plans)
    return f": {gpus:g} GPU{'' if gpus <= 1 else 's'} a cell{needs}"


def _together(plans: Sequence[Plan]) -> str:
    """How many of the cells are to do, and about how long that takes where that is known."""
    todo = [one for one in plans if not one.done]
    known = [one.seconds for one in todo if one.seconds is not None]
    where = "of one worker" if any(one.speed == "stated" for one in todo) else "on this machine"
    total = f", {at_most(sum(known))} {where}" if todo and len(known) == len(todo) else ""
    return f"{len(todo)} of {len(plans)} cells to do{total}"


def _time_known(todo: Sequence[Plan]) -> str:
    """How the time of what is to do is known; "" where there is nothing to say."""
    if any(one.speed == "stated" for one in todo):
        return "time: by the tokens a second that --speed states, not by a measurement"
    if any(one.speed == "measured" for one in todo):
        return "time: by a measurement of this machine, just now"
    if any(one.speed == "remembered" for one in todo):
        return "time: by a measurement of this machine that is remembered; --measure measures anew"
    if any(one.seconds is None and not one.estimated for one in todo):
        return "time: not measured on this machine; --measure measures it"
    return ""


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
            Text(shown(f"{one.cell.arm} s{one.cell.seed}")),
            "done" if one.done else f"to do, {len(one.stale)} stale" if one.stale else "to do",
            f"{one.rows:,}",
            f"{one.train_tokens:,}",
            f"at most {one.steps:,}" if one.may_end else f"{one.steps:,}",
            f"{one.cases} x {len(one.conditions)}",
            f"{one.reply_tokens:,}",
            "not known" if one.memory_bytes is None else f"{one.memory_bytes / 1e9:.1f} GB",
            "-" if one.done else at_most(one.seconds),
        )
    return grid
