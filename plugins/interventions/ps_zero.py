"""Proof that the steering hook itself changes nothing: on at every step, at coefficient 0."""

from harness import Intervention, hookimpl
from harness.authoring import steered


@hookimpl
def harness_intervention() -> Intervention:
    return steered("ps_zero", "the steering hook on, adding nothing", coef=lambda default: 0.0, control=True)
