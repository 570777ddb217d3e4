"""`harness describe`: one setting, intervention or judge."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands import catalogue


def describe(name: Annotated[str, typer.Argument(help="A setting, an intervention or a judge.")]) -> None:
    """One setting, intervention or judge in full."""
    from harness.registry import installed

    catalogue.show(installed(), name)
