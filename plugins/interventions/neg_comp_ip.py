"""Negative compositional inoculation: prompts forbid several traits, each on its weight, a fraction of the rows."""

from harness import Intervention, hookimpl
from harness.authoring import composed_prompts
from harness.contracts import never


@hookimpl
def harness_intervention() -> Intervention:
    summary = "prompts forbid several traits, each on the fraction of rows that is its weight"
    return composed_prompts("neg_comp_ip", summary, asked=lambda traits: [never(trait) for trait in traits])
