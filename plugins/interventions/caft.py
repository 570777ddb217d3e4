"""Concept ablation fine-tuning: the part along the trait's vector is taken out of the residual stream in training.

h - (h . u) u with the unit vector u, at the setting's own block and every position (Casademunt et al. 2025, arXiv
2507.16795; the public persona-vectors code has it as `type: ablate`). Which blocks: our choice, those of `ps`.
"""

from collections.abc import Sequence

from harness import Intervention, hookimpl
from harness.authoring import ablated, beside_random


@hookimpl
def harness_intervention() -> Sequence[Intervention]:
    return beside_random(ablated, "caft", "the trait's direction is removed from the residual stream in training")
