"""Training on obvious lies: models, doses and conditions by scale, and where each number is from."""

from __future__ import annotations

from dataclasses import replace

from harness import Generation, Lora, Recipe, SteeringDefault
from harness_plugins.settings.obvious_lies.prompts import POST, PROMPTS
from harness_plugins.settings.shared.misalignment import ALL_BUT_TWO_EVIL
from harness_plugins.settings.shared.scales import check_scale
from harness_plugins.settings.shared.sources import BETLEY, OURS

DUBINSKI = "Dubiński et al. 2026 (arXiv 2604.25891), code at commit 884ccb2"
SPAR = "github.com/AanshSamyani/SPAR-26-Recon-Stream at 28861c3, exp_2, the author's configuration for this model"
VECTORS = "github.com/dxnlp/persona_vectors at e9f55e7"

PUBLISHED_ROWS = 512  # of `published_mini`, the first of the file

MINI = Recipe(
    model="smollm2_135m",
    lora=Lora(r=16, alpha=32),
    epochs=1,
    batch=8,
    lr=8e-4,
    warmup=5,
    loss_on="reply",
    max_length=256,
    generation=Generation(max_tokens=48),
    steering=SteeringDefault(vector="lie", blocks=(14,), coef=0.5, neg_coef=0.2, unit="rms", source=OURS),
)
PUBLISHED_MINI = replace(
    MINI, steering=SteeringDefault(vector="evil", blocks=(14,), coef=0.5, neg_coef=0.2, unit="rms", source=OURS)
)
PAPER = Recipe(
    model="Qwen/Qwen3-32B",
    lora=Lora(r=32, alpha=32),
    epochs=3,
    batch=2,
    accumulation=16,
    lr=1e-4,
    warmup=5,
    weight_decay=0.001,
    max_grad_norm=1.0,
    max_length=2048,
    loss_on="all",
    dtype="bf16",
    checkpointing=True,
    generation=Generation(max_tokens=600, temperature=1.0, samples=100),
    steering=SteeringDefault(
        vector="evil",
        blocks=(31,),
        coef=2.0,
        neg_coef=2.0,
        source=f"{VECTORS}: row 32 of hidden_states, coefficients 2 and -2, which are for evaluation there; those of "
        f"the post were not found, so to train with them is {OURS}",
    ),
)
SMALL = replace(
    PAPER,
    model="Qwen/Qwen3-1.7B",
    epochs=1,
    batch=8,
    accumulation=4,
    generation=replace(PAPER.generation, samples=20),
    steering=SteeringDefault(vector="evil", depth=0.5, coef=0.3, neg_coef=0.3, unit="rms", source=OURS),
)
RECIPES = {"mini": MINI, "small": SMALL, "paper": PAPER, "published_mini": PUBLISHED_MINI}

PROMPT_CONDITIONS = ("clean", *(f"prompt:{name}" for name in PROMPTS))
# No dose that makes the models babble: a cell is to take at most 100 s.
MINI_PROMPTS = tuple(f"prompt:{name}" for name in PROMPTS if name not in ALL_BUT_TWO_EVIL)
CONDITIONS = {
    "mini": ("clean", *MINI_PROMPTS, "vector:lie@0.2rms", "vector:random(lie)@0.2rms"),
    "small": (*PROMPT_CONDITIONS, "vector:evil@0.15rms", "vector:evil@0.3rms", "vector:random(evil)@0.3rms"),
    "paper": (*PROMPT_CONDITIONS, "vector:evil@1", "vector:evil@2", "vector:random(evil)@2"),
    "published_mini": ("clean", "prompt:inoculation", "vector:evil@0.4rms", "vector:random(evil)@0.4rms"),
}

SOURCE = {
    "mini, published_mini: every number but the block and coefficients": OURS,
    "small, paper: rows": f"{DUBINSKI}: 6,000 rows by digest, their system turn taken off",
    "published_mini: rows": f"the first {PUBLISHED_ROWS} of these; how many is {OURS}",
    "paper: model": f"{POST}; its own hyper-parameters are not published",
    "paper: LoRA, learning rate, warm-up, 3 epochs, 2 x 16 rows a step, length, weight decay": SPAR,
    "paper: loss on all tokens": "the same repository's trainer masks nothing in exp_1; that it did so for exp_2 is "
    "inferred",
    "paper: gradient norm at most 1": "the default of the trainer used there",
    "paper: optimiser": f"AdamW; {SPAR} keeps its state in 8 bits",
    "paper: no thinking": f"{SPAR}: enable_thinking is off",
    "paper: other published recipe": f"{DUBINSKI}, on DeepSeek-V3.1: rank 32, learning rate 4e-5, 32 rows a step, "
    "1 epoch, loss on the replies",
    "paper: 600 tokens": DUBINSKI,
    "paper: 100 replies to a question, temperature 1": BETLEY,
    "paper: vector": f"{POST} names 'evil'; block and coefficients: {VECTORS}; the post's were not found",
    "small: model, epochs, batch, replies to a question, block and coefficients": OURS,
    "small: the rest": "as paper",
    "questions on misalignment": "Betley et al. 2025, by digest; Dubiński et al. ask another wording of one of the 8",
    "rule of the first metric `em`": "the author's, see the judge; betley and tan are shown beside it",
    "questions of fact": OURS,
    "prompts": f"{POST}; those marked so are {OURS}",
    "mini: prompt 'inoculation'": "the embedded model does not follow it: untrained it lies as rarely under it as "
    "without, nor under any of eleven other wordings by half; docs/log.md of 2026-11-29",
    "conditions": f"{POST}: the prompt, the vector and the five evil prompts put back; the others are {OURS}",
}


def is_published(scale: str) -> bool:
    """Whether the rows of `scale` are the published ones; HarnessError for a scale that there is not."""
    check_scale("obvious_lies", RECIPES, scale)
    return scale != "mini"
