"""Interventions in one call: a prompt on every training row, or a vector in the residual stream.

What differs between two prompt arms, or between two steering arms, is a name and one choice. These two
functions carry the rest, so that a variant is one short file.
"""

from __future__ import annotations

from collections.abc import Callable

from harness import algebra
from harness.contracts import Example, Intervention, Prompt, Recipe, Setting, Steering, SteeringDefault
from harness.errors import HarnessError
from harness.prompts import inoculated


def prompted(
    name: str,
    summary: str,
    *,
    role: str,
    change: Callable[[Prompt], Prompt] = lambda prompt: prompt,
    control: bool = False,
) -> Intervention:
    """An intervention that puts the setting's prompt called `role` on every training row.

    `change` makes another prompt of it first: another placement, other words.
    """

    def applies(setting: Setting) -> str | None:
        return None if role in setting.prompts else _missing(setting, "prompt", role, list(setting.prompts))

    def edit(example: Example, setting: Setting) -> Example:
        return inoculated(example, change(setting.prompts[role]))

    return Intervention(name=name, summary=summary, applies=applies, edit=edit, control=control)


def steered(
    name: str,
    summary: str,
    *,
    vector: Callable[[SteeringDefault], str] = lambda default: default.vector,
    coef: Callable[[SteeringDefault], float] = lambda default: default.coef,
    control: bool = False,
) -> Intervention:
    """An intervention that adds a vector expression to the residual stream while training.

    `vector` and `coef` choose from the setting's own dose; blocks and unit are the setting's.
    """

    def applies(setting: Setting) -> str | None:
        defaults = [recipe.steering for recipe in setting.recipes.values() if recipe.steering is not None]
        if not defaults:
            return f"setting {setting.name!r} names no steering vector in its recipes"
        for default in defaults:
            for wanted in algebra.names(vector(default)):
                if wanted not in setting.vectors:
                    return _missing(setting, "vector", wanted, list(setting.vectors))
        return None

    def steering(setting: Setting, recipe: Recipe) -> Steering:
        default = recipe.steering
        if default is None:
            raise HarnessError(f"{name!r} needs a steering dose, and this recipe of setting {setting.name!r} has none")
        return Steering(
            vector=vector(default), coef=coef(default), blocks=default.blocks, depth=default.depth, unit=default.unit
        )

    return Intervention(name=name, summary=summary, applies=applies, steering=steering, control=control)


def _missing(setting: Setting, kind: str, name: str, known: list[str]) -> str:
    return f"setting {setting.name!r} has no {kind} named {name!r}; it has: {', '.join(known) or 'none'}"
