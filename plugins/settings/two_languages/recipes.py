"""Training on two languages: models, doses and conditions by scale, and where each number is from."""

from __future__ import annotations

from dataclasses import replace

from harness import SteeringDefault
from harness_plugins.settings.shared.languages import recipes as shared
from harness_plugins.settings.shared.sources import IP_INTERNALS, OURS

# Spanish minus French and not Spanish minus English: in a small model the two have a cosine of 0.92, and the latter
# keeps both languages out.
CONTRAST = "spanish - french"
# The published combination the other way round, since Spanish is to be lost. A dose of 4 is the steering of `mini`.
COMPOSITION = {"spanish": 1.0, "french": -1.0}

MINI = replace(
    shared.MINI,
    steering=SteeringDefault(vector=CONTRAST, blocks=(14,), coef=4.0, neg_coef=4.0, source=OURS),
)
PAPER = replace(
    shared.PAPER,
    steering=SteeringDefault(
        vector="spanish",
        blocks=(25,),
        coef=1.0,
        neg_coef=1.0,
        source=f"{IP_INTERNALS}: the last step of the Spanish sweep (lambda 0.2 to 1) and of its negative",
    ),
)
PAPER_ONE_EPOCH = replace(PAPER, epochs=1)
SMALL = replace(
    shared.SMALL,
    steering=SteeringDefault(vector=CONTRAST, depth=0.6, coef=1.0, neg_coef=1.0, source=OURS),
)
RECIPES = {"mini": MINI, "small": SMALL, "paper": PAPER, "paper_one_epoch": PAPER_ONE_EPOCH}

CONDITIONS = {
    "mini": shared.contrast_conditions(CONTRAST),
    "small": shared.contrast_conditions(CONTRAST),
    "paper": shared.PAPER_CONDITIONS,
    "paper_one_epoch": shared.PAPER_CONDITIONS,
}

SOURCE = {
    "mini: every number": OURS,
    "mini: block and coefficients of the steering": "chosen at 8e-4 on 150 rows of longer problems, not tried on these",
    "small: every number but those of the rows and replies": OURS,
    "small, paper: rows, vector questions, test questions, greedy replies of 300 tokens": IP_INTERNALS,
    "small, paper: selection questions": OURS,
    "paper: model, LoRA, learning rate, warm-up, weight decay, batch, length, loss on all tokens": IP_INTERNALS,
    "paper: 3 epochs": f"{IP_INTERNALS}: its sweep scripts; paper_one_epoch has the 1 of the training script's default",
    "paper: gradient norm at most 1": f"{IP_INTERNALS}: not set there; the default of the trainer that is used",
    "paper: optimiser": f"AdamW; {IP_INTERNALS} keeps its state in 8 bits",
    "paper: chats without a system turn": f"{IP_INTERNALS}: none given, so what the chat template makes of that",
    "paper: block 25, coefficient 1": f"{IP_INTERNALS}: the Spanish sweep and its negative; the results of its "
    "sweep of french - spanish were not published",
    "composition": f"{IP_INTERNALS}: french - spanish at weights up to 1, here with the other sign; the post's "
    "own were not found",
    "judge of languages": f"{IP_INTERNALS}: judge_multilingual, by word frequency",
    "judge of answers": OURS,
    "conditions": OURS,
    "prompts": f"{OURS}; published wordings for this setting were not found",
}
