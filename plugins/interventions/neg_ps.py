"""Negative preventative steering: subtract the trait vector while training, so that the weights learn more of it."""

from harness import Intervention, hookimpl
from harness.authoring import steered


@hookimpl
def harness_intervention() -> Intervention:
    return steered("neg_ps", "the trait vector is subtracted while training", coef=lambda default: -default.neg_coef)
