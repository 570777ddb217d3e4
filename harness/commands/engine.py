"""`harness engine install`: the environment that vLLM runs in."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.errors import unknown
from harness.screen import put


def engine(
    action: Annotated[str, typer.Argument(help="install: make the environment of --engine vllm, or mend it.")],
    build: Annotated[str, typer.Option(help="gpu or cpu; else what this machine has a use for.")] = "",
) -> None:
    """Make the environment that vLLM runs in, about five minutes and 4 GB for the CPU build."""
    if action != "install":
        raise unknown("action", action, ["install"])
    from harness import serving

    wanted = next((one for one in serving.BUILDS if one == build), None)
    if build and wanted is None:
        raise unknown("build", build, serving.BUILDS)
    made = serving.install(wanted)
    put(f"{made.name} in {made.python}")
