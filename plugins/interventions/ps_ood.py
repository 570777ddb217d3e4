"""Preventative steering with the trait vector of general contrasting prompts, not of the setting's own task."""

from harness import Intervention, hookimpl
from harness.authoring import steered


@hookimpl
def harness_intervention() -> Intervention:
    return steered("ps_ood", "steering with an out-of-distribution trait vector", vector=lambda default: "ood")
