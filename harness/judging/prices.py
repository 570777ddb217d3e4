"""What a grader costs: prices with their date and source, an estimate before the run, an account of it, a limit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from harness.errors import HarnessError

CHARACTERS_PER_TOKEN = 3.5
"""Bytes, to be exact: English prose, our own choice, on the safe side of the four that providers give as a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens, and where that stands."""

    input: float
    output: float
    source: str

    def of(self, input_tokens: float, output_tokens: float) -> float:
        """US dollars for so many tokens."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


_OPENAI = "OpenAI's price list of March 2026, standard tier, as https://deploybase.ai/articles/openai-pricing gives it"
_PRICES = {
    "gpt-4.1-nano": (0.10, 0.40),
    "gpt-4.1-mini": (0.40, 1.60),
    "gpt-4.1": (2.00, 8.00),
    "gpt-4o-mini": (0.15, 0.60),
    "gpt-4o": (2.50, 10.00),
}


def price_of(grader: str, given: str = "") -> Price | None:
    """The price of `grader`: as `given` ("IN,OUT" in US dollars for a million tokens), 0 for our own, else as listed.

    None when it is not known. A dated name has the price of the name without its date.
    """
    if given:
        return _given(given)
    if grader.startswith("harness/"):
        return Price(input=0.0, output=0.0, source="runs on this machine")
    provider, _, model = grader.partition("/")
    if provider != "openai":
        return None
    listed = next((name for name in _PRICES if model == name or model.startswith(f"{name}-20")), None)
    return Price(input=_PRICES[listed][0], output=_PRICES[listed][1], source=_OPENAI) if listed else None


def _given(text: str) -> Price:
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        first = second = math.nan
    if not (0 <= first < math.inf and 0 <= second < math.inf):
        raise HarnessError(f"--price {text!r} is not IN,OUT: US dollars for a million tokens each, as 0.15,0.6")
    return Price(input=first, output=second, source="--price")


def tokens_of(text: str) -> int:
    """About how many tokens `text` has."""
    return math.ceil(len(text.encode()) / CHARACTERS_PER_TOKEN)


@dataclass(slots=True)
class Ledger:
    """What was asked and paid, and what the calls under way may still cost; none begins that could pass the limit."""

    price: Price | None
    max_cost: float | None = None
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    _reserved: float = field(default=0.0, init=False)
    _dearest: float = field(default=0.0, init=False)

    @property
    def cost(self) -> float | None:
        """US dollars so far, None without a price."""
        return None if self.price is None else self.price.of(self.input_tokens, self.output_tokens)

    def reserve(self, prompt: str, max_tokens: int) -> float:
        """Sets aside what a call may cost, the dearest at least; HarnessError when that could pass the limit."""
        if self.max_cost is None or self.price is None:
            return 0.0
        wanted = max(self.price.of(tokens_of(prompt), max_tokens), self._dearest)
        spent = self.cost or 0.0
        if spent + self._reserved + wanted > self.max_cost:
            raise HarnessError(
                f"--max-cost {self.max_cost:g} would be passed: {self.calls} answers for ${spent:.4f} are kept; "
                "the same command with a higher --max-cost goes on from there"
            )
        self._reserved += wanted
        return wanted

    def release(self, reserved: float) -> None:
        """Ends a reservation, whatever became of the call."""
        self._reserved -= reserved

    def spend(self, input_tokens: int, output_tokens: int) -> None:
        """Books one answer."""
        self.calls += 1
        if self.price is not None:
            self._dearest = max(self._dearest, self.price.of(input_tokens, output_tokens))
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens

    def record(self) -> dict[str, float | str | None]:
        """For a program."""
        return {
            "calls": self.calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "usd": self.cost,
            "price": self.price.source if self.price else None,
        }
