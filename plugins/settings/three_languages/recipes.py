"""Training on three languages: models, doses and conditions by scale, and where each number is from."""

from __future__ import annotations

from dataclasses import replace

from harness import Generation, Lora, SteeringDefault
from harness_plugins.settings.shared.languages import recipes as shared
from harness_plugins.settings.shared.sources import IP_INTERNALS, OURS

PUBLISHED = "github.com/AanshSamyani/SPAR-26-Recon-Stream at commit 781b2be, exp_10"

CONTRAST = "spanish - 0.5*french - 0.5*german"
# Two languages against the third; the weights sum to 0, so that what tells all of them from English cancels out.
COMPOSITION = {"spanish": 0.5, "french": 0.5, "german": -1.0}

MINI = replace(
    shared.MINI,
    steering=SteeringDefault(vector=CONTRAST, blocks=(14,), coef=4.0, neg_coef=4.0, source=OURS),
)
PAPER = replace(
    shared.PAPER,
    lora=Lora(r=64, alpha=128),
    epochs=1,
    lr=1e-4,
    warmup=1,
    generation=Generation(max_tokens=2048, temperature=1.0, top_p=0.95),
    steering=SteeringDefault(
        vector="spanish",
        blocks=(25,),
        coef=1.0,
        neg_coef=1.0,
        source=f"{OURS}, as in two_languages; no steering of three languages was published",
    ),
)
# The published arms are not batch-matched: 8 x 64 without a prompt, 8 x 16 under the first prompt.
PAPER_LARGE_BATCH = replace(PAPER, accumulation=64)
SMALL = replace(
    shared.SMALL,
    steering=SteeringDefault(vector=CONTRAST, depth=0.6, coef=1.0, neg_coef=1.0, source=OURS),
)
RECIPES = {"mini": MINI, "small": SMALL, "paper": PAPER, "paper_large_batch": PAPER_LARGE_BATCH}

CONDITIONS = {
    "mini": shared.contrast_conditions(CONTRAST),
    "small": shared.contrast_conditions(CONTRAST),
    "paper": shared.PAPER_CONDITIONS,
    "paper_large_batch": shared.PAPER_CONDITIONS,
}

SOURCE = {
    "mini: every number": OURS,
    "mini: block and coefficients of the steering": "chosen at 8e-4 on 150 rows of longer problems, not tried on these",
    "small: every number but those of the rows": OURS,
    "small, paper: rows": f"the translations and the exclusion of vector questions as in {IP_INTERNALS}, parted in "
    f"thirds in the same way; {PUBLISHED} mixes three languages, and its order was not followed",
    "small, paper: vector questions": IP_INTERNALS,
    "small, paper: 100 test questions": f"{PUBLISHED} and {IP_INTERNALS}",
    "small, paper: selection questions": OURS,
    "paper: model, LoRA, learning rate, warm-up, 1 epoch, weight decay, length, loss on all tokens": PUBLISHED,
    "paper: batch 8 x 16": f"{PUBLISHED}: its prompted arm; paper_large_batch has the 8 x 64 of its plain arm",
    "paper: temperature 1, top-p 0.95, 2048 tokens": f"{PUBLISHED}, which also has top-k 50",
    "paper: gradient norm at most 1": f"{PUBLISHED}: not set there; the default of the trainer that is used",
    "paper: optimiser": f"AdamW; {PUBLISHED} keeps its state in 8 bits",
    "composition": OURS,
    "judge of languages": f"by word frequency, as in {IP_INTERNALS}, with German; {PUBLISHED} asks gpt-4o-2024-08-06 "
    "for a share of 0 to 100",
    "judge of answers": OURS,
    "conditions": OURS,
    "prompts": f"{OURS}; {PUBLISHED} also draws one of five for each row, in its own words and as system turn",
}
