"""`harness rejudge`: stored replies graded again, nothing trained or generated."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.graders import Grading, paid
from harness.commands.options import NONE, Connections, Grader, Json, MaxCost, Price, any_of
from harness.screen import print_json, put

if TYPE_CHECKING:
    from harness.grading import Regraded


def rejudge(
    runs: Annotated[Path, typer.Argument(help="Folder of run folders, or one run folder.")],
    grader: Grader = "",
    judge: Annotated[list[str], typer.Option(help="Grade with this judge beside the results; repeat it.")] = NONE,
    connections: Connections = None,
    max_cost: MaxCost = None,
    price: Price = "",
    as_json: Json = False,
) -> None:
    """Grade stored replies again: nothing is trained, and nothing generated but what a grader is asked."""
    from harness import grading
    from harness.registry import installed

    asked = Grading(model=grader, connections=connections, max_cost=max_cost, price=price)
    others = [installed().judge(name) for name in any_of("--judge", judge)]
    opened = asked.opened_for(others) if others else asked.opened()
    done = list(grading.rejudge(runs, others, opened))
    if as_json:
        rows = [
            {"folder": str(one.folder), "replies": one.replies, "file": str(one.file), "untaken": _untaken(one)}
            for one in done
        ]
        print_json({"runs": rows, "grader": opened.record() if opened else None})
        return
    for one in done:
        put(f"{one.replies:,} replies graded: {one.file}")
        for name, lost in one.untaken.items():
            put(f"judge {name}: {lost}")
    if opened is not None:
        put(paid(opened))


def _untaken(one: Regraded) -> dict[str, object]:
    return {name: asdict(lost) for name, lost in one.untaken.items()}
