"""What a plugin imports: interventions in one call, prompts, data sets, trait files, vector algebra, trait weights."""

from harness.authoring import algebra, weights
from harness.authoring.data import MIRROR, Pin, fetch, github, read_jsonl
from harness.authoring.fitting import check_condition, check_fit
from harness.authoring.methods import (
    ablated,
    beside_random,
    inoculated_below,
    leashed,
    leashes,
    mixed_in,
    projected,
    recontextualised,
)
from harness.authoring.prompts import inoculated, with_prompt, wording
from harness.authoring.rated import BLANK, asked, filled, one_score, reason, with_share
from harness.authoring.rules import chosen_among, ended_by
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
from harness.authoring.turns import columns_of, facts_of, messages_of, question_of
from harness.authoring.unrelated import unrelated
from harness.authoring.variants import composed_prompts, composed_vectors, prompted, steered

__all__ = [
    "BLANK",
    "MINI_TOKENS",
    "MIRROR",
    "PUBLISHED_ROLLOUTS",
    "PUBLISHED_TOKENS",
    "Pin",
    "Trait",
    "ablated",
    "algebra",
    "asked",
    "beside_random",
    "chats",
    "check_condition",
    "check_fit",
    "chosen_among",
    "columns_of",
    "composed_prompts",
    "composed_vectors",
    "ended_by",
    "facts_of",
    "fetch",
    "filled",
    "github",
    "inoculated",
    "inoculated_below",
    "instruction_pairs",
    "is_mini",
    "leashed",
    "leashes",
    "messages_of",
    "mixed_in",
    "one_score",
    "plain_filter",
    "projected",
    "prompted",
    "question_of",
    "read_jsonl",
    "read_trait",
    "reason",
    "recontextualised",
    "steered",
    "trait_spec",
    "unrelated",
    "weights",
    "with_prompt",
    "with_share",
    "wording",
]
