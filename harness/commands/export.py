"""`harness export`: the adapter of a run with its card, vectors and results, as a folder or on the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.errors import HarnessError
from harness.screen import put, say


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of one finished run.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    hub: Annotated[str, typer.Option(metavar="USER/NAME", help="Put it into this repository of the hub as well.")] = "",
    public: Annotated[bool, typer.Option("--public", help="Let everybody see that repository.")] = False,
    licence: Annotated[
        str, typer.Option("--license", help="The adapter's licence by the hub's name, as mit; else the base model's.")
    ] = "",
) -> None:
    """Write the adapter of a run in PEFT's layout, with a model card, its vectors and its results."""
    from harness import exporting

    if public and not hub:
        raise HarnessError("--public is of a repository; name one with --hub USER/NAME")
    if hub:
        exporting.check_hub(hub)
    made = exporting.export(run, folder, licence=licence)
    for file in made.files:
        put(str(file))
    if hub:
        say(exporting.upload(folder, hub, private=not public))
