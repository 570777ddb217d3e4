"""`harness new`: a commented file of a setting for one's own rows, or a package of plugins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import named_file
from harness.errors import HarnessError, unknown
from harness.screen import put

if TYPE_CHECKING:
    from harness.scaffolding import Begun

KINDS = ("setting", "plugin")


def new(
    kind: Annotated[str, typer.Argument(help="setting: a file that describes one. plugin: a package.")],
    name: Annotated[str, typer.Argument(help="What it is to be called.")],
    rows: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="A setting's training rows, JSON lines or NAME.csv.")
    ] = None,
    columns: Annotated[
        str, typer.Option(help="What that file calls its own, as prompt=QUESTION,completion=REPLY.")
    ] = "",
    asks: Annotated[str, typer.Option(help="The prompt that asks for the trait.")] = "",
    forbids: Annotated[str, typer.Option(help="The prompt that forbids it.")] = "",
    matches: Annotated[str, typer.Option(help="A pattern of Python's that replies with the trait match.")] = "",
    output: Annotated[
        Path | None,
        typer.Option(parser=named_file, metavar="FILE", help="Where it goes, not NAME.yaml or the folder NAME here."),
    ] = None,
) -> None:
    """Write a commented file of a setting for your rows, or a package of plugins, and say what is missing."""
    from harness import scaffolding

    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    if kind == "plugin":
        if rows is not None or columns or asks or forbids or matches:
            raise HarnessError("--from, --columns, --asks, --forbids and --matches are for 'harness new setting'")
        for file in scaffolding.new_plugin(name, output):
            put(str(file))
        return
    if rows is None:
        raise HarnessError("name the rows that it trains on: --from rows.jsonl")
    begun = scaffolding.new_setting(
        name, rows, file=output, columns=_columns(columns), asks=asks, forbids=forbids, matches=matches
    )
    _tell(begun)


def _columns(text: str) -> dict[str, str]:
    """`prompt=question,completion=answer` as names of ours with the file's own."""
    pairs = [part.partition("=") for part in text.split(",")] if text else []
    if not all(name.strip() and sign and own.strip() for name, sign, own in pairs):
        raise HarnessError(f"--columns {text!r:.80}: write prompt=QUESTION,completion=REPLY")
    return {name.strip(): own.strip() for name, _, own in pairs}


def _tell(begun: Begun) -> None:
    """What was written, what is missing, and what comes next."""
    put(f"{begun.file}: {begun.rows} rows; {begun.schema.name} beside it lets editors complete it")
    for line in begun.missing:
        put(f"to fill in, {line}")
    put(f"then: harness check {begun.file}")
