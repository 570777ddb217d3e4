"""Standard output: a console that knows its width, and plain JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 100


def console() -> Console:
    """A rich console on stdout that prints text as it is; 100 columns wide where no terminal says otherwise."""
    from rich.console import Console

    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else PIPE_WIDTH, markup=False, highlight=False, emoji=False)


def print_json(value: object) -> None:
    """`value` on stdout as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
