"""Placebo for preventative steering: a random direction as long as the trait vector."""

from harness import Intervention, hookimpl
from harness.authoring import steered


@hookimpl
def harness_intervention() -> Intervention:
    return steered(
        "ps_random",
        "a random direction of the trait vector's norm",
        vector=lambda default: f"random({default.vector})",
        control=True,
    )
