"""Standard output: a console that knows its width, plain JSON, and options that take lists."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.authoring import weights
from harness.errors import HarnessError

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 100
SEED_DIGITS = 18  # what a generator takes, 64 bits, holds them all


def console() -> Console:
    """A rich console on stdout that prints text as it is; 100 columns wide where no terminal says otherwise."""
    from rich.console import Console

    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else PIPE_WIDTH, markup=False, highlight=False, emoji=False)


def print_json(value: Any) -> None:
    """`value` on stdout as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def several(option: str, values: Sequence[str]) -> tuple[str, ...]:
    """The distinct names of an option that may be repeated or hold commas; HarnessError when there is none."""
    names = [name.strip() for value in values for name in value.split(",")]
    if not names or not all(names):
        raise HarnessError(f"{option} has an empty name; write {option} A,B or repeat it")
    return tuple(dict.fromkeys(names))


def seeds(values: Sequence[str]) -> tuple[int, ...]:
    """The seeds of `--seed`, whole numbers from 0 up."""
    texts = several("--seed", values)
    for text in texts:
        if not (text.isascii() and text.isdigit()) or len(text) > SEED_DIGITS:
            raise HarnessError(
                f"--seed {text!r} is not a whole number from 0 up, of at most {SEED_DIGITS} digits; write 0,1,2"
            )
    return tuple(dict.fromkeys(int(text) for text in texts))


def balances(values: Sequence[str]) -> tuple[str, ...]:
    """The balances of `--weights` in canonical form, one for each time it is given; ("",) for none."""
    return tuple(dict.fromkeys(weights.spelled(weights.parse(value)) for value in values)) or ("",)


def doses(value: str) -> tuple[float, ...]:
    """The doses of `--dose`, finite numbers from 0 up."""
    found = []
    for text in several("--dose", [value]):
        try:
            dose = float(text)
        except ValueError:
            dose = -1.0
        if not 0 <= dose < float("inf"):
            raise HarnessError(f"--dose {text!r} is not a finite number from 0 up; write --dose 0.5,1,2")
        found.append(dose)
    return tuple(dict.fromkeys(found))
