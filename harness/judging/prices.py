"""What a grader costs: prices with their date and source, an estimate before the run, an account of it, a limit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from harness.checks import MOST, number
from harness.errors import HarnessError

CHARACTERS_PER_TOKEN = 3.5
"""Bytes, to be exact: English prose, our own choice, on the safe side of the four that providers give as a rule."""

TEMPLATE_TOKENS = 64
"""What the chat templates known to us put around one turn is less."""


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
    amounts = [number(part) for part in text.split(",")]
    first, second = amounts if len(amounts) == 2 else (math.nan, math.nan)
    if not (0 <= first <= MOST and 0 <= second <= MOST):
        raise HarnessError(f"--price {text!r} is not IN,OUT: US dollars for a million tokens each, as 0.15,0.6")
    return Price(input=first, output=second, source="--price")


def tokens_of(text: str) -> int:
    """About how many tokens `text` has."""
    return math.ceil(len(text.encode()) / CHARACTERS_PER_TOKEN)


def most_tokens(text: str) -> int:
    """The most tokens that a chat with the one turn `text` can have: one a byte, and what a template puts around it."""
    return len(text.encode()) + TEMPLATE_TOKENS


def limit(max_cost: float | None) -> float | None:
    """`max_cost` once it is known to be one; HarnessError for what would limit nothing."""
    if max_cost is not None and not 0 <= max_cost < math.inf:
        raise HarnessError(f"--max-cost {max_cost:g} is not a sum of US dollars, 0 or more; leave it out for no limit")
    return max_cost


class OverLimit(HarnessError):
    """One more question could pass the limit."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one question may cost at most, in US dollars, and in tokens read and written."""

    usd: float
    input_tokens: int
    output_tokens: int


@dataclass(slots=True)
class Ledger:
    """What was asked and paid, and what the questions under way may still cost; none begins that could pass the limit.

    Where a provider counts more tokens than our most, later reservations grow by the same factor; so that this is known
    before it can matter, the first question under a limit goes alone.
    """

    price: Price | None
    max_cost: float | None = None
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    lost: float = field(default=0.0, init=False)
    """US dollars, at most, for answers that were on their way when the connection broke or that could not be read."""
    _reserved: float = field(default=0.0, init=False)
    _open: int = field(default=0, init=False)
    _factor: float = field(default=1.0, init=False)

    @property
    def cost(self) -> float | None:
        """US dollars for the answers so far, None without a price."""
        return None if self.price is None else self.price.of(self.input_tokens, self.output_tokens)

    def reserve(self, prompt: str, max_tokens: int) -> Reservation | None:
        """Sets aside the most that a question may cost; None while that hangs on questions under way.

        OverLimit when it could pass the limit and nothing is under way. End it by `spend` or `release`.
        """
        read = most_tokens(prompt)
        usd = 0.0 if self.price is None else self.price.of(read, max_tokens) * self._factor
        if self.max_cost is not None and usd:
            over = (self.cost or 0.0) + self.lost + self._reserved + usd > self.max_cost
            if self._open and (over or not self.calls):
                return None
            if over:
                raise OverLimit(f"--max-cost {self.max_cost:g} would be passed")
        self._reserved += usd
        self._open += 1
        return Reservation(usd, read, max_tokens)

    def release(self, reserved: Reservation, *, lost: bool = False) -> None:
        """Ends a reservation without an answer; `lost` where one may have to be paid all the same."""
        self._reserved -= reserved.usd
        self._open -= 1
        if lost:
            self.lost += reserved.usd

    def spend(self, reserved: Reservation, input_tokens: int | None, output_tokens: int | None) -> None:
        """Ends a reservation with an answer; where its tokens are not known, or cannot be, it is booked as the most."""
        self.release(reserved)
        read = input_tokens if input_tokens is not None and input_tokens >= 0 else reserved.input_tokens
        written = output_tokens if output_tokens is not None and output_tokens >= 0 else reserved.output_tokens
        self.calls += 1
        self.input_tokens += read
        self.output_tokens += written
        if self.price is not None and reserved.usd:
            self._factor *= max(1.0, self.price.of(read, written) / reserved.usd)

    def record(self) -> dict[str, float | str | None]:
        """For a program."""
        return {
            "calls": self.calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "usd": self.cost,
            "price": self.price.source if self.price else None,
        }
