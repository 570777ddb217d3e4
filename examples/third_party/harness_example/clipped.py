"""A change of gradients of one's own: no entry is larger than three times the mean size of its matrix."""

from typing import Any

from harness import Draw, GradientChange, Intervention, Recipe, Setting, hookimpl


def clip(gradients: Any) -> None:
    for gradient in gradients.weights.values():
        most = 3 * float(gradient.abs().mean()) / gradients.strength
        gradient.clamp_(-most, most)


def clipped(setting: Setting, recipe: Recipe, draw: Draw) -> GradientChange:
    return GradientChange(name="clipped", change=clip, source="our choice")


@hookimpl
def harness_intervention() -> Intervention:
    return Intervention(name="clipped", summary="no gradient has an entry that stands out", gradients=clipped)
