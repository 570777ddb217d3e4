"""How much likelier a model finds the replies of rows when a prompt stands before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean

from harness.cells import rows_digest
from harness.contracts import Example, Prompt, Recipe
from harness.engine import Continuation, Engine, chat
from harness.errors import HarnessError
from harness.runs import PromptGain
from harness.screen import progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A prompt by the setting's name for it, "" for a text that was given, and what it makes of all rows."""

    name: str
    prompt: Prompt
    rows: tuple[Example, ...]

    @property
    def digest(self) -> str:
        """The digest of the rows, as a run's key has it."""
        return rows_digest(self.rows)


def gains(
    engine: Engine, rows: Sequence[Example], tried: Sequence[Tried], recipe: Recipe, *, label: str
) -> list[PromptGain]:
    """The gain of each of `tried` on `rows` as `recipe` trains on them. The replies are cut as training cuts them.

    HarnessError where a prompt leaves nothing of one.
    """
    asked = [
        [_continuation(engine, row, recipe, label) for row in some] for some in (rows, *(one.rows for one in tried))
    ]
    with progress.bar(f"prompts of {label}", total=sum(map(len, asked)), unit="row") as advance:
        found = iter(engine.likelihoods([*chain(*asked)], advance=lambda done: advance(steps=done)))
    plain, *told = [[next(found).logprob for _ in some] for some in asked]
    lengths = [len(one.tokens) for one in asked[0]]
    return [_gain(one, rows, plain, after, lengths) for one, after in zip(tried, told, strict=True)]


def _gain(
    one: Tried, rows: Sequence[Example], before: Sequence[float], after: Sequence[float], lengths: Sequence[int]
) -> PromptGain:
    """What a prompt gains of the rows that carry it."""
    carried = [i for i, row in enumerate(rows) if one.rows[i] != row]
    differences = [after[i] - before[i] for i in carried]
    low, high = _interval(differences)
    return PromptGain(
        name=one.name,
        text=one.prompt.text,
        placement=one.prompt.placement,
        concept=one.prompt.concept,
        edited=one.digest,
        rows=len(carried),
        gain=fmean(differences),
        low=low,
        high=high,
        per_token=sum(differences) / sum(lengths[i] for i in carried),
    )


def _continuation(engine: Engine, row: Example, recipe: Recipe, label: str) -> Continuation:
    """The reply of a row behind all that comes before it."""
    made = chat.training_row(
        engine.tokenizer, row.messages, loss_on="reply", max_length=recipe.max_length, system=recipe.system
    )
    before, reply = made.ids[: made.start], made.ids[made.start :]
    if not reply:
        raise HarnessError(
            f"row {row.id!r} of {label} has nothing of its reply left by max_length {recipe.max_length}; shorten the "
            "prompt"
        )
    return Continuation(before, reply)


def _interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """A 95 % t interval of the mean; none of fewer than two values."""
    if len(values) < 2:
        return None, None
    from scipy.stats import ttest_1samp  # 1 s to import

    low, high = ttest_1samp(values, 0.0).confidence_interval(0.95)
    return float(low), float(high)
