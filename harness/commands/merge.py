"""`harness merge`: result sets combined, with every cell that is not simply copied named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import Json, runs_folder
from harness.errors import HarnessError
from harness.screen import console, print_json, shown

if TYPE_CHECKING:
    from harness.runs import Merged, Outcome, Side

TOLD: dict[Outcome, str] = {
    "copied": "copied",
    "replaced": "replaced",
    "same": "there already",
    "skipped": "left out",
    "conflict": "in conflict",
    "broken": "broken",
}
UNDECIDED = ("conflict", "broken")
WAY_OUT = "conflicts stay as they were here; --keep theirs replaces them, --keep ours says that this is meant"


def merge(
    sources: Annotated[list[Path], typer.Argument(help="Runs folders, of other machines say.")],
    into: Annotated[
        Path, typer.Option(parser=runs_folder, metavar="FOLDER", help="The runs folder that is to have all of them.")
    ],
    keep: Annotated[str, typer.Option(help="Where a cell differs: ours or theirs; else it is a conflict.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and copy nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Combine finished runs of several folders by content, and name the cells that differ."""
    from harness import runs, verifying

    done = runs.merge(sources, into, keep=_side(keep), dry_run=dry_run, check=verifying.check_whole)
    if as_json:
        print_json([_as_record(one) for one in done])
    else:
        _show(done, into, would=dry_run)
    raise typer.Exit(1 if any(one.outcome in UNDECIDED for one in done) else 0)


def _side(text: str) -> Side | None:
    """What `--keep` says; HarnessError where that is neither."""
    sides: dict[str, Side | None] = {"": None, "ours": "ours", "theirs": "theirs"}
    if text not in sides:
        raise HarnessError(f"--keep {text!r} is neither ours nor theirs")
    return sides[text]


def _as_record(one: Merged) -> dict[str, str]:
    return {"place": str(one.place), "source": str(one.source), "outcome": one.outcome, "why": one.why}


def _show(done: Sequence[Merged], target: Path, *, would: bool) -> None:
    page = console()
    for one in done:
        if one.why:
            page.print(shown(f"{TOLD[one.outcome]}: {one.place}: {one.why}"), soft_wrap=True)
    counts = Counter(one.outcome for one in done)
    said = "would be merged" if would else "merged"
    told = ", ".join(f"{counts[one]} {TOLD[one]}" for one in TOLD if counts[one])
    page.print(shown(f"{said} into {target}: {told}"), soft_wrap=True)
    if counts["conflict"]:
        page.print(WAY_OUT, soft_wrap=True)
