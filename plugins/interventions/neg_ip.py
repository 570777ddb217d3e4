"""Negative inoculation: ask for the opposite of the trait while training, to make the weights learn more of it."""

from harness import Intervention, hookimpl
from harness.authoring import prompted


@hookimpl
def harness_intervention() -> Intervention:
    return prompted("neg_ip", "a prompt on every row asks for the opposite of the trait", role="negative")
