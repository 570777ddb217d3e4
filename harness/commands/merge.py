"""`harness merge`: result sets combined, with every cell that is not simply copied named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.commands.page import console, print_json
from harness.errors import HarnessError
from harness.runs import Outcome, Side, merge

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


def side(text: str) -> Side | None:
    """What `--keep` says; HarnessError where that is neither."""
    sides: dict[str, Side | None] = {"": None, "ours": "ours", "theirs": "theirs"}
    if text not in sides:
        raise HarnessError(f"--keep {text!r} is neither ours nor theirs")
    return sides[text]


def show(sources: Sequence[Path], target: Path, *, keep: Side | None, dry_run: bool, as_json: bool) -> int:
    """Merges, prints what became of it, and gives the exit status: 1 where a cell is in conflict or broken."""
    done = merge(sources, target, keep=keep, dry_run=dry_run)
    status = 1 if any(one.outcome in UNDECIDED for one in done) else 0
    if as_json:
        print_json(
            [
                {"place": str(one.place), "source": str(one.source), "outcome": one.outcome, "why": one.why}
                for one in done
            ]
        )
        return status
    page = console()
    for one in done:
        if one.why:
            page.print(f"{TOLD[one.outcome]}: {one.place}: {one.why}", soft_wrap=True)
    counts = Counter(one.outcome for one in done)
    would = "would be merged" if dry_run else "merged"
    page.print(f"{would} into {target}: {', '.join(f'{counts[one]} {TOLD[one]}' for one in TOLD if counts[one])}")
    if counts["conflict"]:
        page.print(WAY_OUT, soft_wrap=True)
    return status
