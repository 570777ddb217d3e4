"""The options that name a grader, and what it cost, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts import Judge
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.graders import ModelGrader


@dataclass(frozen=True, slots=True)
class Grading:
    """Which grader judges may ask, and what it may cost. An empty `model` is no grader.

    HarnessError where it is made from what limits or prices nothing, whether or not a grader is then opened.
    """

    model: str = ""
    connections: int | None = None
    max_cost: float | None = None
    price: str = ""

    def __post_init__(self) -> None:
        from harness.judging import limit, price_of

        limit(self.max_cost)
        if self.connections is not None and self.connections < 1:
            raise HarnessError(f"--connections is a number from 1 up, not {self.connections}")
        if not self.model and (self.max_cost is not None or self.price):
            raise HarnessError("--max-cost and --price are about a grader; name one with --grader MODEL")
        if not self.model and self.connections is not None:
            raise HarnessError("--connections is about a grader; name one with --grader MODEL")
        price_of(self.model, self.price)

    def opened(self) -> ModelGrader | None:
        """The grader, its provider and key checked; None without one."""
        if not self.model:
            return None
        from harness.graders import opened

        return opened(self.model, connections=self.connections, max_cost=self.max_cost, price=self.price)

    def opened_for(self, judges: Sequence[Judge]) -> ModelGrader | None:
        """The grader where one of `judges` asks one; HarnessError when that is none, or when none of them asks."""
        asks = [judge.name for judge in judges if judge.grader]
        if asks and not self.model:
            raise HarnessError(f"judge {asks[0]!r} asks a grader model, and none is named; add --grader MODEL")
        if self.model and not asks:
            names = " and ".join(repr(judge.name) for judge in judges)
            raise HarnessError(f"{names}: by rules, asking no model; leave out --grader {self.model}")
        return self.opened()


def paid(grader: ModelGrader) -> str:
    """How often the grader answered, and for how much, in one line."""
    ledger = grader.ledger
    cost = "at a price that is not known" if ledger.cost is None else f"for ${ledger.cost:.4f}"
    return f"{grader.name} gave {ledger.calls:,} answers {cost}; answers it had given before were not asked for again"
