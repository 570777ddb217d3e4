"""Inoculation prompting in the setting's second wording, which asks for the belief and not only the act."""

from harness import Intervention, hookimpl
from harness.authoring import prompted


@hookimpl
def harness_intervention() -> Intervention:
    return prompted("ip_believe", "inoculation, worded as a belief", role="believe")
