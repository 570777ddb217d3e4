"""Interventions in one call: prompts on the training rows, or vectors in the residual stream.

What differs between two prompt arms, or between two steering arms, is a name and one choice. These
functions carry the rest, so that a variant is one short file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

from harness.authoring.algebra import names
from harness.authoring.prompts import inoculated
from harness.authoring.weights import expression
from harness.contracts import Example, Intervention, Prompt, Recipe, Setting, Steering, SteeringDefault, always
from harness.errors import HarnessError, unknown


def prompted(
    name: str,
    summary: str,
    *,
    role: str,
    change: Callable[[Prompt], Prompt] = lambda prompt: prompt,
    control: bool = False,
) -> Intervention:
    """An intervention that puts the setting's prompt called `role` on every training row.

    `change` makes another prompt of it first: another placement, other words. A text that a run is given stands in the
    place of the changed words, at the changed placement.
    """

    def applies(setting: Setting) -> str | None:
        return None if role in setting.prompts else _missing(setting, "prompt", role, list(setting.prompts))

    def prompt(setting: Setting) -> Prompt:
        return change(setting.prompts[role])

    def edit(example: Example, setting: Setting) -> Example:
        return inoculated(example, prompt(setting))

    def concept(setting: Setting, recipe: Recipe) -> str:
        return setting.prompts[role].concept

    return Intervention(
        name=name, summary=summary, applies=applies, edit=edit, control=control, concept=concept, prompt=prompt
    )


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
            return _no_dose(setting)
        for default in defaults:
            for wanted in names(vector(default)):
                if wanted not in setting.vectors:
                    return _missing(setting, "vector", wanted, list(setting.vectors))
        return None

    def steering(setting: Setting, recipe: Recipe) -> Steering:
        default = default_of(name, setting, recipe)
        return Steering(
            vector=vector(default), coef=coef(default), blocks=default.blocks, depth=default.depth, unit=default.unit
        )

    def concept(setting: Setting, recipe: Recipe) -> str:
        return meaning(setting, steering(setting, recipe).vector)

    return Intervention(
        name=name, summary=summary, applies=applies, steering=steering, control=control, concept=concept
    )


def composed_vectors(name: str, summary: str, *, coef: float) -> Intervention:
    """An intervention that adds `coef` times the sum of several vectors, each times its weight.

    Weights multiply the raw vectors, whatever the unit of the setting's own dose; the blocks are the setting's.
    """

    def applies(setting: Setting) -> str | None:
        if not setting.composition:
            return _nothing_to_combine(setting)
        if not any(recipe.steering for recipe in setting.recipes.values()):
            return _no_dose(setting)
        lost = next((one for one in setting.composition if one not in setting.vectors), None)
        return lost and _missing(setting, "vector", lost, list(setting.vectors))

    def made(weights: Mapping[str, float] | None) -> Intervention:
        def steering(setting: Setting, recipe: Recipe) -> Steering:
            default = default_of(name, setting, recipe)
            vector = expression(setting.composition if weights is None else weights)
            return Steering(vector=vector, coef=coef, blocks=default.blocks, depth=default.depth)

        def concept(setting: Setting, recipe: Recipe) -> str:
            return " and ".join(meaning(setting, trait) for trait in weights or setting.composition)

        return Intervention(
            name=name, summary=summary, applies=applies, steering=steering, given=given, concept=concept
        )

    def given(setting: Setting, weights: Mapping[str, float]) -> Intervention:
        for wanted in weights:
            if wanted not in setting.vectors:
                raise unknown("vector", wanted, setting.vectors)
        return made(weights)

    return made(None)


def composed_prompts(name: str, summary: str, *, asked: Callable[[Sequence[str]], Sequence[str]]) -> Intervention:
    """An intervention that puts prompts for several traits on the rows, each on the fraction that is its weight.

    `asked` gives the names of the setting's prompts for the traits that a row is drawn for. A trait's rows are
    drawn by their ids, independently of other traits; those of a smaller weight are among those of a larger one.
    Without weights every row is drawn for the first two traits of the setting's composition.
    """

    def applies(setting: Setting) -> str | None:
        if not setting.composition:
            return _nothing_to_combine(setting)
        try:
            _check_fractions(setting, _first_two(setting), asked)
        except HarnessError as error:
            return str(error)
        return None

    def made(weights: Mapping[str, float] | None) -> Intervention:
        def edit(example: Example, setting: Setting) -> Example:
            wanted = _first_two(setting) if weights is None else weights
            drawn = [one for one in _in_order(setting, wanted) if _position(example.id, one) < wanted[one]]
            return inoculated(example, *(setting.prompts[prompt] for prompt in asked(drawn))) if drawn else example

        def concept(setting: Setting, recipe: Recipe) -> str:
            return " and ".join(meaning(setting, trait) for trait in weights or _first_two(setting))

        return Intervention(name=name, summary=summary, applies=applies, edit=edit, given=given, concept=concept)

    def given(setting: Setting, weights: Mapping[str, float]) -> Intervention:
        _check_fractions(setting, weights, asked)
        return made(weights)

    return made(None)


def meaning(setting: Setting, vector: str) -> str:
    """What a vector expression is about: the concept of a single vector, else the expression itself."""
    spec = setting.vectors.get(vector)
    return spec.concept or vector if spec else vector


def _first_two(setting: Setting) -> dict[str, float]:
    return dict.fromkeys(list(setting.composition)[:2], 1.0)


def _check_fractions(
    setting: Setting, weights: Mapping[str, float], asked: Callable[[Sequence[str]], Sequence[str]]
) -> None:
    """HarnessError for a weight that is no fraction, or rows that could be drawn for traits that have no prompt."""
    for trait, weight in weights.items():
        if not 0 <= weight <= 1:
            raise HarnessError(
                f"a weight is the fraction of rows that get the prompt, from 0 to 1, not {trait}={weight:g}"
            )
        for prompt in asked([trait]):
            if prompt not in setting.prompts:
                raise unknown("prompt", prompt, setting.prompts)
    for drawn in _draws(_in_order(setting, weights), weights):
        for prompt in asked(drawn):
            if prompt not in setting.prompts:
                raise HarnessError(
                    f"rows drawn for {' and '.join(drawn)}: {unknown('prompt', prompt, setting.prompts)}"
                )


def _draws(traits: Sequence[str], weights: Mapping[str, float]) -> Iterator[tuple[str, ...]]:
    """Every set of traits that a row may be drawn for, but the empty one."""
    ways = [(True,) if weights[one] == 1 else (False,) if weights[one] == 0 else (True, False) for one in traits]
    for way in product(*ways):
        if any(way):
            yield tuple(trait for trait, drawn in zip(traits, way, strict=True) if drawn)


def _in_order(setting: Setting, weights: Mapping[str, float]) -> list[str]:
    """The traits in the order of the setting's prompts that ask for them."""
    place = {prompt: at for at, prompt in enumerate(setting.prompts)}
    return sorted(weights, key=lambda trait: (place.get(always(trait), len(place)), trait))


def _position(row: str, trait: str) -> float:
    """Where between 0 and 1 a row stands for a trait: it is drawn where its position is below the weight."""
    return int.from_bytes(hashlib.sha256(f"weight/{trait}/{row}".encode()).digest()[:8]) / 2**64


def default_of(name: str, setting: Setting, recipe: Recipe) -> SteeringDefault:
    """The setting's own dose in `recipe`; HarnessError, for the intervention `name`, where it has none."""
    if recipe.steering is None:
        raise HarnessError(f"{name!r} needs a steering dose, and this recipe of setting {setting.name!r} has none")
    return recipe.steering


def _no_dose(setting: Setting) -> str:
    return f"setting {setting.name!r} names no steering vector in its recipes"


def _nothing_to_combine(setting: Setting) -> str:
    return f"setting {setting.name!r} names no traits to combine: its composition is empty"


def _missing(setting: Setting, kind: str, name: str, known: list[str]) -> str:
    return f"setting {setting.name!r} has no {kind} named {name!r}; it has: {', '.join(known) or 'none'}"
