"""What is typed after a command, checked before the command sees it."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from harness.checks import MOST, number
from harness.errors import HarnessError

HOME = "~"


class Typed(TyperCommand):
    """A command whose options are each given once, unless they may be repeated, and never by an empty text.

    An unset variable of the shell (`--model "$MODEL"`) would else stand for the option's default, and of two doses the
    last would win without a word.
    """

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """The same as without the checks."""
        values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        rest = super().parse_args(ctx, args)
        given = Counter(one.name for one in order)
        for option in self.get_params(ctx):
            _check_number(option.opts[0], values.get(option.name), ctx.params.get(option.name))
            name, value = option.opts[0], values.get(option.name)
            several = option.multiple if hasattr(option, "multiple") else option.nargs != 1
            if given[option.name] > 1 and not several and isinstance(value, str):
                raise HarnessError(f"{name} is given {given[option.name]} times, and one of them would count; keep one")
            made = ctx.params.get(option.name)
            path = isinstance(made, Path) or (isinstance(made, list) and any(isinstance(one, Path) for one in made))
            for text in value if isinstance(value, list | tuple) else [value]:
                _check(name, text, path=path)
        return rest


def _check_number(name: str, text: Any, made: Any) -> None:
    """HarnessError for a number that is none, in other than plain digits, or larger than a person means.

    What lies outside what the option is for, the command itself refuses.
    """
    if not isinstance(text, str) or not isinstance(made, int | float):
        return
    if not math.isfinite(made):
        raise HarnessError(f"{name} {text:.40} is not a finite number")
    if number(text) != made:
        raise HarnessError(f"{name} {text:.40} is not in plain digits; write {name} {made:g}")
    if abs(made) > MOST:
        raise HarnessError(f"{name} {text:.40} is not a number from {-MOST if made < 0 else 0:,} to {MOST:,}")


def _check(name: str, text: Any, *, path: bool) -> None:
    """HarnessError for a text that is empty, or a path that the shell was to complete."""
    if not isinstance(text, str):
        return
    if not text.strip():
        raise HarnessError(f"{name} is empty; leave it out, or say what it is to be")
    if path and (text == HOME or text.startswith(f"{HOME}/")):
        raise HarnessError(f"{name} {text}: the shell put no home folder in the place of {HOME}; write $HOME there")
