"""What an arm changes of how is learned, beside rows and residual stream, at its dose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from harness import laws
from harness.contracts import (
    AdapterChange,
    Draw,
    FrozenAdapter,
    GradientChange,
    Intervention,
    LossTerm,
    Recipe,
    RecipeChange,
    Rewriting,
    RowChoice,
    Setting,
    StopRule,
)
from harness.errors import HarnessError


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The parts of an intervention that `harness.training` puts into effect, with the dose in them."""

    loss: LossTerm | None = None
    gradients: GradientChange | None = None
    adapter: AdapterChange | None = None
    training: RecipeChange | None = None
    rewriting: Rewriting | None = None
    choosing: RowChoice | None = None
    stopping: StopRule | None = None

    @property
    def makes_rows(self) -> bool:
        """Whether what is trained on is known only once a model has written or read rows."""
        return self.rewriting is not None or self.choosing is not None

    def __bool__(self) -> bool:
        return self != NOTHING


NOTHING = Changes()

Scaled = TypeVar("Scaled", LossTerm, GradientChange, RecipeChange, Rewriting, RowChoice, StopRule)

SCALED = {
    "loss": "weight",
    "gradients": "strength",
    "adapter": "frozen",
    "training": "skipped",
    "rewriting": "share",
    "choosing": "share",
    "stopping": "share",
}
"""The number of each part that a dose multiplies; with an adapter that stands below, its weight as well."""


def changes_of(intervention: Intervention, setting: Setting, recipe: Recipe, draw: Draw) -> Changes:
    """What `intervention` changes at the dose of `draw`. HarnessError where that is more than there is to change.

    A part of which nothing is left at a dose of 0 is none, so that training is plain to the bit.
    """
    given = (intervention, setting, recipe, replace(draw, dose=1.0))
    name, dose = intervention.name, draw.dose
    loss = laws.part_of(*given, intervention.loss, name="loss")
    gradients = laws.part_of(*given, intervention.gradients, name="gradients")
    adapter = laws.part_of(*given, intervention.adapter, name="adapter")
    training = laws.part_of(*given, intervention.training, name="training")
    rewriting = laws.part_of(*given, intervention.rewriting, name="rewriting")
    choosing = laws.part_of(*given, intervention.choosing, name="choosing")
    stopping = laws.part_of(*given, intervention.stopping, name="stopping")
    frozen = _below_all(adapter.frozen * dose if adapter else 0.0, "freezes", "blocks", name, dose)
    under = _weighed(adapter.under, dose) if adapter else None
    _below_all(training.skipped * dose if training else 0.0, "skips", "steps", name, dose)
    _at_most_all(rewriting.share * dose if rewriting else 0.0, "rewrites", "rows", name, dose)
    _at_most_all(stopping.share * dose if stopping else 0.0, "leaves out", "steps", name, dose)
    return Changes(
        loss=_times(loss, dose, "weight"),
        gradients=_times(gradients, dose, "strength"),
        adapter=replace(adapter, frozen=frozen, under=under) if adapter and (frozen or under) else None,
        training=_times(training, dose, "skipped"),
        rewriting=_times(rewriting, dose, "share"),
        choosing=_times(choosing, dose, "share"),
        stopping=_times(stopping, dose, "share"),
    )


def stopped(changes: Changes, until: float) -> Changes:
    """`changes`, with training ended after the share `until` of the steps that they take."""
    if until == 1:
        return changes
    own = changes.training or RecipeChange()
    return replace(changes, training=replace(own, skipped=1 - (1 - own.skipped) * until))


def _times(part: Scaled | None, dose: float, number: str) -> Scaled | None:
    """A part with `number` of it multiplied by a dose; None where nothing of it is left."""
    scaled = getattr(part, number) * dose if part else 0.0
    return replace(part, **{number: scaled}) if part and scaled else None  # type: ignore[arg-type]


def _weighed(under: FrozenAdapter | None, dose: float) -> FrozenAdapter | None:
    return replace(under, weight=under.weight * dose) if under and under.weight * dose else None


def _at_most_all(share: float, does: str, what: str, name: str, dose: float) -> None:
    if share > 1:
        raise HarnessError(
            f"{name!r} {does} {share:.0%} of the {what} at a dose of {dose:g}, which is more than there are; give a "
            "smaller dose"
        )


def _below_all(share: float, does: str, what: str, name: str, dose: float) -> float:
    if share >= 1:
        raise HarnessError(
            f"{name!r} {does} {share:.0%} of the {what} at a dose of {dose:g}, which leaves nothing to learn with; "
            "give a smaller dose"
        )
    return share
