"""`harness verify`: what in a runs folder is not as it was written, and what can be made again, and from what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import Json
from harness.screen import console, print_json, shown

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
        print_json({"cells": seen.cells, "vectors": seen.vectors, "others": seen.others, "findings": findings})
    else:
        _show(seen)
    raise typer.Exit(1 if seen.findings else 0)


def _as_record(one: Flaw) -> dict[str, str]:
    return {"place": str(one.place), "what": one.what, "again": one.again}


def _show(seen: Verified) -> None:
    page = console()
    for one in seen.findings:
        page.print(f"{shown(f'{one.place}: {one.what}')}\n  {one.again}", soft_wrap=True)
    found = "all as it was written" if not seen.findings else _counted(len(seen.findings), "finding")
    looked = [_counted(seen.cells, "cell"), _counted(seen.vectors, "vector")]
    looked += [f"{seen.others} more that cells share"] if seen.others else []
    page.print(f"{' and '.join(looked)}: {found}", soft_wrap=True)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
