"""`harness schema`: what a file may say, as JSON Schema, so that an editor completes and checks it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from harness.commands.options import Output
from harness.screen import print_json


def schema(
    kind: Annotated[str, typer.Argument(help="setting, experiment or claims.")],
    output: Output = None,
) -> None:
    """The JSON Schema of a setting's file, an experiment file or a file of claims."""
    from harness import scaffolding
    from harness.runs import Outputs

    found = scaffolding.schema_of(kind)
    if output is None:
        print_json(found)
        return
    with Outputs().writing(output, "the schema") as part:
        part.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
