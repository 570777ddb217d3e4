"""What a plugin imports: interventions in one call, prompts, data sets, trait files, vector algebra, trait weights."""

from harness.authoring import algebra, weights
from harness.authoring.data import MIRROR, Pin, fetch, github, read_jsonl
from harness.authoring.prompts import inoculated, with_prompt, wording
from harness.authoring.traits import (
    MINI_TOKENS,
    PUBLISHED_ROLLOUTS,
    PUBLISHED_TOKENS,
    Trait,
    chats,
    instruction_pairs,
    is_mini,
    plain_filter,
    read_trait,
    trait_spec,
)
from harness.authoring.variants import composed_prompts, composed_vectors, prompted, steered

__all__ = [
    "MINI_TOKENS",
    "MIRROR",
    "PUBLISHED_ROLLOUTS",
    "PUBLISHED_TOKENS",
    "Pin",
    "Trait",
    "algebra",
    "chats",
    "composed_prompts",
    "composed_vectors",
    "fetch",
    "github",
    "inoculated",
    "instruction_pairs",
    "is_mini",
    "plain_filter",
    "prompted",
    "read_jsonl",
    "read_trait",
    "steered",
    "trait_spec",
    "weights",
    "with_prompt",
    "wording",
]
