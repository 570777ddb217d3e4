"""Preventative steering: add the trait vector while training, so that the weights need not learn the trait."""

from harness import Intervention, hookimpl
from harness.authoring import steered


@hookimpl
def harness_intervention() -> Intervention:
    return steered("ps", "the trait vector is added while training")
