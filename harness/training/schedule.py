"""The order of the rows, and how fast is learnt at each step."""

from __future__ import annotations

import random
from collections.abc import Sequence

from harness.contracts import Recipe, RecipeChange, StopRule
from harness.errors import HarnessError


def batches(lengths: Sequence[int], recipe: Recipe, seed: int) -> list[list[list[int]]]:
    """Which rows make up each optimiser step: per step `accumulation` micro-batches of row indices of like length.

    Rows are shuffled each epoch; windows of 8 steps are sorted by length, cut into batches, and the
    batches shuffled, so that padding is small and the order stays random.
    """
    if not lengths:
        raise HarnessError("there are no training rows")
    draw = random.Random(f"batches {seed}")
    steps: list[list[list[int]]] = []
    for _ in range(recipe.epochs):
        order = list(range(len(lengths)))
        draw.shuffle(order)
        window = recipe.batch * 8 * recipe.accumulation
        epoch: list[list[int]] = []
        for at in range(0, len(order), window):
            like = sorted(order[at : at + window], key=lambda i: (lengths[i], i))
            cut = [like[i : i + recipe.batch] for i in range(0, len(like), recipe.batch)]
            draw.shuffle(cut)
            epoch += cut
        steps += [epoch[i : i + recipe.accumulation] for i in range(0, len(epoch), recipe.accumulation)]
    return steps


def taken(steps: int, change: RecipeChange | None) -> int:
    """How many of the planned `steps` are taken. HarnessError where these are none or all of them."""
    if change is None:
        return steps
    left = steps - round(change.skipped * steps)
    if left in (0, steps):
        raise HarnessError(
            f"to skip {change.skipped:.2g} of {steps} steps leaves {left or 'none'} of them; give another share"
        )
    return left


def checks(planned: int, rule: StopRule | None) -> range:
    """After how many of the `planned` steps each check of `rule` is made. HarnessError where it is made after none."""
    if rule is None:
        return range(0)
    least = max(1, planned - round(rule.share * planned))
    found = range(-(-least // rule.every) * rule.every, planned, rule.every)
    if not found:
        raise HarnessError(
            f"the rule {rule.name!r} checks after every {rule.every} steps, after {least} at the earliest, and there "
            f"are {planned}, so it never ends it; have it check more often, or give a larger dose"
        )
    return found


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """The rate of 0-based `step`: up over `warmup` steps, then linearly to 0 at `schedule_steps` or the end."""
    last = recipe.schedule_steps if recipe.schedule_steps is not None else steps
    warmup = min(recipe.warmup, last)
    if step < warmup:
        return recipe.lr * (step + 1) / max(1, warmup)
    return recipe.lr * max(0.0, (last - step) / max(1, last - warmup))
