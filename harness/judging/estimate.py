"""How often a grader will be asked, and about what that costs, before anything is asked or any model is loaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.calls import finished
from harness.contracts import Case, Generation, Rating, Setting
from harness.judging.judges import asking
from harness.judging.prices import CHARACTERS_PER_TOKEN, price_of, tokens_of
from harness.judging.verdicts import judged
from harness.registry import Registry

OUTPUT_TOKENS = 1
"""What a number costs by log-probabilities; a grader without them is asked several times and says more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradingCost:
    """Calls to a grader and their tokens, replies taken as long as they may be; `usd` is None without a price."""

    calls: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    price: str | None

    def __str__(self) -> str:
        tokens = self.input_tokens + self.output_tokens
        money = "at a price not known" if self.usd is None else f"about ${self.usd:.2f} ({self.price})"
        return f"at most {self.calls:,} calls and {tokens:,} tokens, {money}"


def total(estimates: Sequence[GradingCost]) -> GradingCost:
    """Several estimates of one grader together."""
    costs = [one.usd for one in estimates if one.usd is not None]
    return GradingCost(
        calls=sum(one.calls for one in estimates),
        input_tokens=sum(one.input_tokens for one in estimates),
        output_tokens=sum(one.output_tokens for one in estimates),
        usd=sum(costs) if len(costs) == len(estimates) else None,
        price=estimates[0].price if estimates else None,
    )


def estimate(
    setting: Setting,
    *,
    asked: Sequence[tuple[str, Case, int]],
    drawn: Generation,
    grader: str,
    price: str,
    registry: Registry,
) -> GradingCost:
    """What grading costs. `asked` gives split, case and the number of conditions that ask it.

    Every judge is rehearsed on a reply of full length with a grader that only counts. HarnessError where a judge's
    prompt cannot be read.
    """
    return finished(_estimate(setting, asked, drawn, grader, price, registry))


async def _estimate(
    setting: Setting,
    asked: Sequence[tuple[str, Case, int]],
    drawn: Generation,
    grader: str,
    price: str,
    registry: Registry,
) -> GradingCost:
    reply = "x" * math.ceil(drawn.max_tokens * CHARACTERS_PER_TOKEN)
    calls = tokens = 0
    for name in asking(setting, registry):
        judge = registry.judge(name)
        where = {metric.split for metric in setting.metrics if name in (metric.judge, setting.checks.get(metric.judge))}
        for split, case, conditions in asked:
            if split not in where:
                continue
            counting = _Counting()
            await judged(judge, case, reply, counting)
            calls += counting.calls * drawn.samples * conditions
            tokens += counting.tokens * drawn.samples * conditions
    known = price_of(grader, price)
    return GradingCost(
        calls=calls,
        input_tokens=tokens,
        output_tokens=calls * OUTPUT_TOKENS,
        usd=None if known is None else known.of(tokens, calls * OUTPUT_TOKENS),
        price=known.source if known else None,
    )


class _Counting:
    def __init__(self) -> None:
        self.calls, self.tokens = 0, 0

    async def ask(self, prompt: str) -> str:
        self._count(prompt)
        return ""

    async def rate(self, prompt: str) -> Rating:
        self._count(prompt)
        return Rating(outcome="unclear", mass=0.0)

    def _count(self, prompt: str) -> None:
        self.calls += 1
        self.tokens += tokens_of(prompt)
