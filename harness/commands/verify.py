"""`harness verify`: what in a runs folder is not as it was written, and what can be made again, and from what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import Json
from harness.screen import console, print_json

if TYPE_CHECKING:
    from harness.verifying import Flaw, Verified


def verify(
    runs: Annotated[Path, typer.Argument(help="Folder of run folders, or one run folder.")],
    deep: Annotated[bool, typer.Option("--deep", help="Read large files and logs whole too.")] = False,
    as_json: Json = False,
) -> None:
    """Check what a runs folder holds, and say what can be made again; status 1 where anything is wrong."""
    from harness import verifying

    seen = verifying.verify(runs, deep=deep)
    if as_json:
        findings = [_as_record(one) for one in seen.findings]
        print_json({"cells": seen.cells, "vectors": seen.vectors, "findings": findings})
    else:
        _show(seen)
    raise typer.Exit(1 if seen.findings else 0)


def _as_record(one: Flaw) -> dict[str, str]:
    return {"place": str(one.place), "what": one.what, "again": one.again}


def _show(seen: Verified) -> None:
    page = console()
    for one in seen.findings:
        page.print(f"{one.place}: {one.what}\n  {one.again}", soft_wrap=True, markup=False)
    counts = f"{seen.cells} cells and {seen.vectors} vectors"
    wrong = f"{len(seen.findings)} findings" if len(seen.findings) != 1 else "1 finding"
    page.print(f"{counts}: {wrong if seen.findings else 'all as it was written'}", soft_wrap=True)
