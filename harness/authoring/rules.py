"""Methods in one call that ask a model: rows chosen by what it makes of them, an end to training by a rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from harness.authoring.methods import benign_rows, without_benign_rows
from harness.contracts import (
    Draw,
    Example,
    FrozenAdapter,
    Intervention,
    Recipe,
    RowChoice,
    ScoredRow,
    Setting,
    StopRule,
)
from harness.errors import HarnessError

HELD_OUT_SEED = 1_000_003
"""Added to the seed of a training it is the seed of the rows that are held out, far from those that runs have."""

HELD_OUT, FEW = 32, 8
"""Rows that are held out, at most, and how many there have to be that another seed draws."""

CHECKS = 20
"""About so many checks are made along a training."""


def chosen_among(
    name: str,
    summary: str,
    *,
    score: Callable[[ScoredRow], float],
    share: float,
    kept: float,
    control: bool = False,
    source: str = "",
) -> Intervention:
    """An intervention that adds benign rows, `share` times as many as the setting's: the best `kept` share by `score`.

    They are read by the untrained model and by one that plain training made of the same rows, with the same recipe.
    """

    def choosing(setting: Setting, recipe: Recipe, draw: Draw) -> RowChoice:
        plain = FrozenAdapter(name="plain", rows=tuple(setting.examples(draw.seed, draw.scale)), epochs=recipe.epochs)
        return RowChoice(
            name="benign",
            candidates=tuple(benign_rows(setting, draw)),
            score=score,
            share=share,
            kept=kept,
            taught=plain,
            source=source,
        )

    return Intervention(name=name, summary=summary, applies=without_benign_rows, choosing=choosing, control=control)


def ended_by(
    name: str,
    summary: str,
    *,
    stops: Callable[[Sequence[float]], bool],
    share: float,
    control: bool = False,
    source: str = "",
) -> Intervention:
    """An intervention that ends training once `stops` says so of the losses on held-out rows, after each check so far.

    The rows are the setting's own, drawn by another seed, that ask nothing that the training asks. Where there are few
    of them, as in a setting of the same rows at every seed, a tenth of the training rows is held out instead. At most
    a `share` of the steps is left out.
    """

    def rows(examples: Sequence[Example], setting: Setting, draw: Draw) -> Sequence[Example]:
        if not draw.dose:
            return examples
        lent = _held_out(setting, draw).lent
        return [row for row in examples if row.id not in lent]

    def stopping(setting: Setting, recipe: Recipe, draw: Draw) -> StopRule:
        held = _held_out(setting, draw)
        every = max(1, round(recipe.steps(held.left) / CHECKS))
        return StopRule(name=name, rows=held.rows, every=every, stops=stops, share=share, source=source)

    return Intervention(name=name, summary=summary, rows=rows, stopping=stopping, control=control)


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """The `rows` that are held out of a training, the ids of those that it lends, and how many it has `left`."""

    rows: tuple[Example, ...]
    lent: frozenset[str]
    left: int


def _held_out(setting: Setting, draw: Draw) -> _HeldOut:
    """Rows of another seed, each once, that ask nothing that the training of `draw` asks; of few, some of its own."""
    own = setting.examples(draw.seed, draw.scale)
    asked = {row.messages[:-1] for row in own}
    drawn = setting.examples(draw.seed + HELD_OUT_SEED, draw.scale)
    others = {row.messages[:-1]: row for row in drawn if row.messages[:-1] not in asked}
    if len(others) >= FEW:
        return _HeldOut(tuple(others.values())[:HELD_OUT], frozenset(), len(own))
    count = min(HELD_OUT, len(own) // 10)
    if not count:
        raise HarnessError(f"setting {setting.name!r} has {len(own)} rows at {draw.scale}, too few to hold any out")
    lent = tuple(Random(f"held out {draw.seed}").sample(list(own), count))
    return _HeldOut(lent, frozenset(row.id for row in lent), len(own) - count)
