"""Inoculation prompting: ask for the unwanted trait while training, so that the weights need not learn it."""

from harness import Intervention, hookimpl
from harness.authoring import prompted


@hookimpl
def harness_intervention() -> Intervention:
    return prompted("ip", "a prompt on every row asks for the trait (inoculation)", role="inoculation")
