"""Weights as text, `french=0.4,spanish=0.8`: how much of each trait an intervention composes."""

from __future__ import annotations

from collections.abc import Mapping

from harness.checks import MOST, NAME, number
from harness.errors import HarnessError


def parse(text: str) -> dict[str, float]:
    """The weights that `text` spells, by name; HarnessError for a name given twice or a number that is not finite."""
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, amount = (piece.strip() for piece in part.partition("="))
        if not NAME.fullmatch(name):
            raise HarnessError(
                f"weights {text!r} are not NAME=NUMBER with commas between, as in spanish=0.8,french=0.4"
            )
        weight = number(amount)
        if not abs(weight) <= MOST:
            said = f"not a finite number of at most {MOST:,}"
            raise HarnessError(f"weights {text!r}: the weight of {name!r} is {amount!r}, {said}")
        if name in weights:
            raise HarnessError(f"weights {text!r} name {name!r} twice; give each name one weight")
        weights[name] = weight
    return weights


def spelled(weights: Mapping[str, float]) -> str:
    """`weights` in canonical form, which `parse` reads: sorted by name, six digits; "" for none."""
    return ",".join(f"{name}={weights[name] + 0.0:g}" for name in sorted(weights))


def canonical(text: str) -> str:
    """`text` in canonical form; "" stays ""."""
    return spelled(parse(text)) if text else ""


def expression(weights: Mapping[str, float]) -> str:
    """The vector expression that adds up the vectors of these names, each times its weight."""
    parts = [f"{'-' if weight < 0 else '+'} {abs(weight):g}*{name}" for name, weight in sorted(weights.items())]
    text = " ".join(parts)
    return text.removeprefix("+ ") if text.startswith("+") else f"-{text[2:]}"
