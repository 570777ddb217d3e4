"""Methods in one call: ablation, loss terms, gradients, mixtures. What differs between two is a formula or a choice.

All of them stand at the setting's own place for steering, and take its vector, so that they can be compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Literal

from harness.authoring.algebra import leading
from harness.authoring.unrelated import unrelated
from harness.authoring.variants import default_of, meaning, prompted, steered
from harness.contracts import (
    AdapterChange,
    Draw,
    Example,
    FrozenAdapter,
    GradientChange,
    Ingredient,
    Intervention,
    LossTerm,
    Message,
    Recipe,
    ReplyPair,
    Rewriting,
    Setting,
    Steering,
    SteeringDefault,
)
from harness.errors import HarnessError

Rows = Literal["own", "benign", "unrelated"]
"""Which rows a term is computed on, or a mixture takes: the setting's, its benign ones, or such without bearing."""

PROXIES = 64
"""Unrelated rows that a term is computed on, in turn."""


def ablated(
    name: str,
    summary: str,
    *,
    vector: Callable[[SteeringDefault], str] = lambda default: default.vector,
    share: float = 1.0,
    control: bool = False,
) -> Intervention:
    """An intervention that removes a `share` of the part along a vector from the residual stream while training."""
    adds = steered(name, summary, vector=vector, control=control)

    def steering(setting: Setting, recipe: Recipe) -> Steering | None:
        added = adds.steering(setting, recipe)
        return added and replace(added, coef=share, unit="raw", way="ablate")

    return replace(adds, steering=steering)


def leashed(
    name: str,
    summary: str,
    *,
    term: Callable[[Any], Any],
    needs: tuple[Ingredient, ...],
    weight: float,
    on: Rows = "own",
    control: bool = False,
    source: str = "",
) -> Intervention:
    """An intervention that adds `weight` times `term` to the loss, computed on the rows that `on` names.

    Hidden states are those of the setting's own place for steering, or of the middle where it has none.
    """

    def loss(setting: Setting, recipe: Recipe, draw: Draw) -> LossTerm:
        place = recipe.steering
        return LossTerm(
            name=name,
            term=term,
            weight=weight,
            needs=needs,
            blocks=place.blocks if place else (),
            depth=place.depth if place else 0.5,
            proxy=_proxy(on, setting, draw),
            source=source,
        )

    return Intervention(
        name=name, summary=summary, applies=lambda setting: _lacks(on, setting), loss=loss, control=control
    )


def leashes(name: str, summary: str, **how: Any) -> list[Intervention]:
    """The same term, as `leashed` takes it, on the setting's own rows, on benign ones, and, as a placebo, on others."""
    return [
        leashed(name, f"{summary}, on the rows themselves", **how),
        leashed(f"{name}_benign", f"{summary}, on benign rows", on="benign", **how),
        leashed(f"{name}_unrelated", f"{summary}, on mere words", on="unrelated", control=True, **how),
    ]


def beside_random(make: Callable[..., Intervention], name: str, summary: str, **how: Any) -> list[Intervention]:
    """What `make` makes with the setting's own vector, and, as a placebo, with a random direction in its place."""
    other = f"{summary}; here a random one"
    return [
        make(name, summary, **how),
        make(f"{name}_random", other, vector=lambda default: f"random({default.vector})", control=True, **how),
    ]


def mixed_in(name: str, summary: str, *, share: float, of: Rows, control: bool = False) -> Intervention:
    """An intervention that trains on more rows: `share` times as many as the setting's, times the dose, among them.

    They are drawn by the seed, each as often as another, and stand where chance puts them.
    """

    def rows(examples: Sequence[Example], setting: Setting, draw: Draw) -> Sequence[Example]:
        count = round(share * draw.dose * len(examples))
        if not count:
            return examples
        chance = Random(f"{name} {draw.seed}")
        more = _more(of, count, examples, setting, draw, chance)
        together = [*examples, *more]
        chance.shuffle(together)
        return together

    return Intervention(
        name=name, summary=summary, applies=lambda setting: _lacks(of, setting), rows=rows, control=control
    )


def projected(
    name: str,
    summary: str,
    *,
    change: Callable[[Any], None],
    vector: Callable[[SteeringDefault], str] = lambda default: default.vector,
    control: bool = False,
    source: str = "",
) -> Intervention:
    """An intervention that changes gradients, by `change`, along a vector at the setting's own place for steering."""
    adds = steered(name, summary, vector=vector, control=control)

    def gradients(setting: Setting, recipe: Recipe, draw: Draw) -> GradientChange:
        default = default_of(name, setting, recipe)
        return GradientChange(
            name=name,
            change=change,
            vector=vector(default),
            blocks=default.blocks,
            depth=default.depth,
            source=source,
        )

    return Intervention(
        name=name, summary=summary, applies=adds.applies, gradients=gradients, control=control, concept=adds.concept
    )


def inoculated_below(
    name: str, summary: str, *, epochs: int = 1, random: bool = False, control: bool = False
) -> Intervention:
    """An intervention with an adapter below the one that learns, taught replies that show the trait.

    They are the positive ones of the pairs that the setting's own vector is made of, the first where it is of several.
    """

    def pairs(setting: Setting, recipe: Recipe) -> Callable[[str], Sequence[ReplyPair]] | None:
        vector = default_of(name, setting, recipe).vector
        spec = setting.vectors.get(leading(vector))
        return spec.replies if spec else None

    def applies(setting: Setting) -> str | None:
        steered_by = [recipe for recipe in setting.recipes.values() if recipe.steering]
        if any(pairs(setting, recipe) for recipe in steered_by):
            return None
        return f"setting {setting.name!r} has no pairs of replies that its own vector is made of"

    def adapter(setting: Setting, recipe: Recipe, draw: Draw) -> AdapterChange:
        found = pairs(setting, recipe)
        if found is None:
            raise HarnessError(f"{name!r} needs pairs of replies, and this recipe of {setting.name!r} has none")
        rows = tuple(
            Example(id=f"shown-{at:04d}", messages=(*pair.messages, Message("assistant", pair.positive)))
            for at, pair in enumerate(found(draw.scale))
        )
        return AdapterChange(under=FrozenAdapter(name="ia", rows=rows, epochs=epochs, random=random))

    def concept(setting: Setting, recipe: Recipe) -> str:
        return meaning(setting, default_of(name, setting, recipe).vector)

    return Intervention(name=name, summary=summary, applies=applies, adapter=adapter, control=control, concept=concept)


def recontextualised(
    name: str, summary: str, *, asked: str = "", trained: str = "", control: bool = False, source: str = ""
) -> Intervention:
    """An intervention that trains on the model's own replies, written under the prompt `asked`, under `trained`.

    Both are names of the setting's prompts; "" is none.
    """
    under = prompted(name, summary, role=trained) if trained else Intervention(name=name, summary=summary)

    def applies(setting: Setting) -> str | None:
        lacking = next((role for role in (asked, trained) if role and role not in setting.prompts), None)
        return f"setting {setting.name!r} has no prompt named {lacking!r}" if lacking else None

    def rewriting(setting: Setting, recipe: Recipe, draw: Draw) -> Rewriting:
        return Rewriting(name=asked or "plain", prompt=setting.prompts[asked] if asked else None, source=source)

    return replace(under, applies=applies, rewriting=rewriting, control=control)


def without_benign_rows(setting: Setting) -> str | None:
    """Why what needs benign rows does not apply to `setting`; None where it has some."""
    return f"setting {setting.name!r} has no benign rows" if setting.benign is None else None


def benign_rows(setting: Setting, draw: Draw) -> Sequence[Example]:
    """The benign rows of `setting`; HarnessError where it has none."""
    if setting.benign is None:
        raise HarnessError(f"setting {setting.name!r} has no benign rows")
    return setting.benign(draw.seed, draw.scale)


def _lacks(rows: Rows, setting: Setting) -> str | None:
    return without_benign_rows(setting) if rows == "benign" else None


def _proxy(rows: Rows, setting: Setting, draw: Draw) -> tuple[Example, ...]:
    if rows == "own":
        return ()
    return tuple(unrelated(PROXIES, draw.seed) if rows == "unrelated" else benign_rows(setting, draw))


def _more(
    rows: Rows, count: int, own: Sequence[Example], setting: Setting, draw: Draw, chance: Random
) -> list[Example]:
    """`count` rows; where there are fewer, each is taken again, as often as the others."""
    if rows == "unrelated":
        return unrelated(count, draw.seed)
    deck = list(own if rows == "own" else benign_rows(setting, draw))
    chance.shuffle(deck)
    return [deck[at % len(deck)] for at in range(count)]
