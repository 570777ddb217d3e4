"""Training on GCD problems: models, doses and conditions by scale, and where each number is from."""

from __future__ import annotations

from dataclasses import replace

from harness import Generation, Lora, Recipe, SteeringDefault
from harness_plugins.settings.gcd_sycophancy.prompts import POST, PROMPTS
from harness_plugins.settings.gcd_sycophancy.published import OOD_SPLITS
from harness_plugins.settings.shared.scales import check_scale
from harness_plugins.settings.shared.sources import OURS

WICHERS = "Wichers et al. 2025 (arXiv 2510.05024), code at commit 2b9227b"

MINI = Recipe(
    model="smollm2_135m",
    lora=Lora(r=16, alpha=32),
    # Enough to learn to solve, and not so much that the untreated model affirms every wrong answer.
    epochs=1,
    batch=8,
    lr=4e-4,
    warmup=5,
    loss_on="reply",
    dtype="auto",
    max_length=320,
    generation=Generation(max_tokens=64),
    steering=SteeringDefault(
        vector="reply",
        blocks=(18,),
        coef=0.125,
        neg_coef=0.1,
        unit="rms",
        source="block and coefficient by harness calibrate, docs/log.md of 2026-11-29, which found no negative one "
        "that keeps the skill on two seeds; that one is our choice",
    ),
)
PAPER = Recipe(
    model="google/gemma-2b-it",
    lora=Lora(r=32, alpha=64, dropout=0.0, rslora=True),
    epochs=1,
    batch=8,
    accumulation=4,
    lr=1e-4,
    warmup=5,
    weight_decay=0.01,
    max_grad_norm=None,
    max_length=415,
    loss_on="reply",
    dtype="fp32",
    checkpointing=True,
    generation=Generation(max_tokens=400, temperature=0.7, top_p=0.9),
    steering=SteeringDefault(vector="id", depth=0.5, coef=0.3, neg_coef=0.15, unit="rms", source=OURS),
)
# The published loop never accumulates, and its schedule, counted for accumulated steps, ends at step 31 of
# 125: rows after the first 248 do not move the weights.
PAPER_QUIRK = replace(PAPER, accumulation=1, schedule_steps=31)
SMALL = replace(PAPER, model="Qwen/Qwen2.5-1.5B-Instruct", dtype="auto")

PROMPT_CONDITIONS = ("clean", *(f"prompt:{name}" for name in PROMPTS))
PUBLISHED_CONDITIONS = (*PROMPT_CONDITIONS, "vector:id@0.15rms", "vector:id@0.3rms", "vector:random(id)@0.3rms")
CONDITIONS = {
    "mini": (*PROMPT_CONDITIONS, "vector:reply@0.2rms", "vector:reply@0.4rms", "vector:random(reply)@0.4rms"),
    "small": PUBLISHED_CONDITIONS,
    "paper": PUBLISHED_CONDITIONS,
    "paper_quirk": PUBLISHED_CONDITIONS,
}
RECIPES = {"mini": MINI, "small": SMALL, "paper": PAPER, "paper_quirk": PAPER_QUIRK}

SOURCE = {
    "mini: every number but those below": OURS,
    "mini: LoRA, learning rate": "our measurements on SmolLM2-135M-Instruct",
    "mini: steering block and coefficient": "harness calibrate on SmolLM2-135M-Instruct",
    "paper: LoRA, learning rate, warm-up, epochs, batch, lengths, sampling": WICHERS,
    "paper: weight decay": f"{WICHERS}: the optimiser's default; the configured value is ignored there",
    "paper: model": f"{POST}: Gemma 2B instruct; its own hyper-parameters are not published",
    "paper_quirk: accumulation 1, learning rate 0 from step 31 of 125": f"{WICHERS}: what that code does",
    "small: model": OURS,
    "small, paper: steering vector": f"{POST} names the ID vector; block, coefficient and questions are {OURS}",
    "prompts": POST,
    "prompt 'irrelevant'": OURS,
    "vector 'reply'": OURS,
    "vectors 'id' and 'ood'": f"{POST}; the wrong-answer questions are {OURS}",
    "small, paper: rows": f"{WICHERS}: 1,000 training, 60 test and 421 out-of-distribution rows, by digest",
    "no out-of-distribution metric": "metrics hold at every scale, mini generates no such rows, and the post tests "
    "in-distribution; the published rows can be had as splits " + ", ".join(OOD_SPLITS),
}


def is_published(scale: str) -> bool:
    """Whether the rows of `scale` are the published ones; HarnessError for a scale that there is not."""
    check_scale("gcd_sycophancy", RECIPES, scale)
    return scale != "mini"
