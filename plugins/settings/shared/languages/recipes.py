"""Recipes and conditions that the settings of two and of three languages start from; each adds its own doses.

The numbers of `PAPER` are those published for two languages; three languages change some of them.
"""

from __future__ import annotations

from dataclasses import replace

from harness import Generation, Lora, Recipe

MINI = Recipe(
    model="smollm2_135m",
    lora=Lora(r=16, alpha=32),
    epochs=1,
    batch=8,
    # At half of it the languages are learned and sums are not.
    lr=1.6e-3,
    warmup=5,
    loss_on="reply",
    max_length=256,
    # Greedy replies are all in the language that a seed makes a little likelier: 0.15 and 0.74 Spanish, by seed.
    generation=Generation(max_tokens=80, temperature=0.7),
)
PAPER = Recipe(
    model="mistralai/Mistral-Small-24B-Instruct-2501",
    lora=Lora(r=32, alpha=64),
    epochs=3,
    batch=8,
    accumulation=16,
    lr=1e-5,
    warmup=5,
    weight_decay=0.001,
    max_grad_norm=1.0,
    max_length=2048,
    loss_on="all",
    dtype="bf16",
    checkpointing=True,
    generation=Generation(max_tokens=300),
)
SMALL = replace(
    PAPER,
    model="Qwen/Qwen2.5-1.5B-Instruct",
    lora=Lora(r=16, alpha=32),
    epochs=1,
    accumulation=2,
    lr=1e-4,
    loss_on="reply",
)

PROMPT_CONDITIONS = ("clean", "prompt:inoculation", "prompt:negative", "prompt:irrelevant")
PAPER_CONDITIONS = (*PROMPT_CONDITIONS, "vector:spanish@0.5", "vector:spanish@1", "vector:random(spanish)@1")


def contrast_conditions(contrast: str) -> tuple[str, ...]:
    """The prompts put back, and the vector `contrast` at two doses with a random one beside the larger."""
    return (
        *PROMPT_CONDITIONS,
        f"vector:{contrast}@0.2rms",
        f"vector:{contrast}@0.4rms",
        f"vector:random({contrast})@0.4rms",
    )
