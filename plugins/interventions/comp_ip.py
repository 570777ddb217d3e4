"""Compositional inoculation: prompts for several traits, each on the fraction of the rows that is its weight."""

from harness import Intervention, hookimpl
from harness.authoring import composed_prompts
from harness.contracts import always


@hookimpl
def harness_intervention() -> Intervention:
    summary = "prompts ask for several traits, each on the fraction of rows that is its weight"
    return composed_prompts("comp_ip", summary, asked=lambda traits: [always(*traits)])
