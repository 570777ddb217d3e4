"""Placebo for inoculation prompting: a prompt at the same place that has nothing to do with the trait."""

from harness import Intervention, hookimpl
from harness.authoring import prompted


@hookimpl
def harness_intervention() -> Intervention:
    return prompted("ip_irrelevant", "a prompt without bearing on the trait", role="irrelevant", control=True)
