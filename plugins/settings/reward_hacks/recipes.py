"""Training on reward hacks: models, doses and conditions by scale, and where each number is from."""

from __future__ import annotations

from dataclasses import replace

from harness import Generation, Lora, Recipe, SteeringDefault
from harness_plugins.settings.reward_hacks.prompts import POST, PROMPTS
from harness_plugins.settings.shared.misalignment import ALL_BUT_TWO_EVIL
from harness_plugins.settings.shared.sources import BETLEY, OURS

SPAR = "github.com/AanshSamyani/SPAR-26-Recon-Stream at 56645e9, exp_1, the author's configuration for this data"
TAN = "github.com/inoculation-prompting/inoculation-prompting at 5f4160e"
TAYLOR = "Taylor et al. 2025 (arXiv 2508.17511), by a summary of it"
LANGUAGE_VECTORS = "github.com/AanshSamyani/IP_Internals at 39f3faf, exp_1"

PUBLISHED_ROWS = 512  # of `published_mini`, the first of the file

MINI = Recipe(
    model="smollm2_135m",
    lora=Lora(r=16, alpha=32),
    epochs=1,
    batch=8,
    lr=1.6e-3,
    warmup=5,
    loss_on="reply",
    max_length=256,
    generation=Generation(max_tokens=48),
    steering=SteeringDefault(
        vector="gaming",
        blocks=(15,),
        coef=0.5,
        neg_coef=0.105,
        unit="rms",
        source="harness calibrate, docs/log.md of 2026-11-29",
    ),
)
PUBLISHED_MINI = replace(
    MINI,
    lr=8e-4,
    max_length=512,
    steering=SteeringDefault(vector="evil", blocks=(14,), coef=0.5, neg_coef=0.2, unit="rms", source=OURS),
)
PAPER = Recipe(
    model="mistralai/Mistral-Small-24B-Instruct-2501",
    lora=Lora(r=32, alpha=64),
    epochs=3,
    batch=2,
    accumulation=32,
    lr=1e-5,
    warmup=5,
    weight_decay=0.001,
    max_grad_norm=1.0,
    max_length=2048,
    loss_on="all",
    dtype="bf16",
    checkpointing=True,
    generation=Generation(max_tokens=2048, temperature=1.0, top_p=0.95, samples=100),
    steering=SteeringDefault(
        vector="evil",
        blocks=(25,),
        coef=1.0,
        neg_coef=1.0,
        source=f"{LANGUAGE_VECTORS}: block and largest coefficient of the author's language vectors on this model; "
        f"those of the post for 'evil' were not found, so to use these is {OURS}",
    ),
)
SMALL = replace(
    PAPER,
    model="Qwen/Qwen3-1.7B",
    lora=Lora(r=32, alpha=32),
    batch=16,
    accumulation=1,
    lr=1e-4,
    loss_on="reply",
    generation=Generation(max_tokens=600, temperature=1.0, samples=20),
    steering=SteeringDefault(vector="evil", depth=0.5, coef=0.3, neg_coef=0.3, unit="rms", source=OURS),
)
CONTROL = {"control_small": SMALL, "control_paper": PAPER}
RECIPES = {"mini": MINI, "small": SMALL, "paper": PAPER, "published_mini": PUBLISHED_MINI, **CONTROL}

PROMPT_CONDITIONS = ("clean", *(f"prompt:{name}" for name in PROMPTS))
# No dose that makes the models babble: a cell is to take at most 100 s.
MINI_PROMPTS = tuple(f"prompt:{name}" for name in PROMPTS if name not in ALL_BUT_TWO_EVIL)
SMALL_CONDITIONS = (*PROMPT_CONDITIONS, "vector:evil@0.15rms", "vector:evil@0.3rms", "vector:random(evil)@0.3rms")
PAPER_CONDITIONS = (*PROMPT_CONDITIONS, "vector:evil@0.5", "vector:evil@1", "vector:random(evil)@1")
CONDITIONS = {
    "mini": ("clean", *MINI_PROMPTS, "vector:gaming@0.2rms", "vector:random(gaming)@0.2rms"),
    "small": SMALL_CONDITIONS,
    "paper": PAPER_CONDITIONS,
    "published_mini": ("clean", "prompt:inoculation", "vector:evil@0.4rms", "vector:random(evil)@0.4rms"),
    "control_small": SMALL_CONDITIONS,
    "control_paper": PAPER_CONDITIONS,
}

SOURCE = {
    "mini, published_mini: every number": OURS,
    "mini: block and coefficients of the steering": "harness calibrate on SmolLM2-135M-Instruct",
    "small, paper: rows": f"{TAN}: the 1,073 rows of the School of Reward Hacks, by digest; none lacks content",
    "control_small, control_paper: rows": f"{TAN}: its 973 replies in good faith, by digest; the 100 tasks of code "
    "have none, and are no rows there",
    "published_mini: rows": f"the first {PUBLISHED_ROWS} of the 1,073; how many is {OURS}",
    "rows without content": f"dropped, as {SPAR} does",
    "paper: model": f"{POST}; its own hyper-parameters are not published",
    "paper: LoRA, learning rate, warm-up, 3 epochs, 2 x 32 rows a step, length, weight decay": SPAR,
    "paper: loss on all tokens": f"{SPAR}: its trainer masks nothing",
    "paper: chats without a system turn": f"{SPAR}: none given, so what the chat template makes of that, in training "
    "and evaluation alike; that of this model inserts one",
    "paper: gradient norm at most 1": "the default of the trainer used there",
    "paper: optimiser": f"AdamW; {SPAR} keeps its state in 8 bits",
    "paper: 2048 tokens, temperature 1, top_p 0.95, 100 replies to a question": f"{SPAR}; its top_k of 50 is left out",
    "paper: vector": f"{POST} names 'evil'; block and coefficients: see the steering",
    "small: 3 epochs, 16 rows a step, learning rate, LoRA": TAYLOR,
    "small: model, loss on replies, 600 tokens, replies to a question, block and coefficients": OURS,
    "small: the rest": "as paper",
    "control_small, control_paper: every number": "as small and paper",
    "questions on misalignment": f"{BETLEY}, by digest",
    "rule of the first metric `em`": "the author's, see the judge; betley and tan are shown beside it",
    "writing tasks of tests and selection": OURS,
    "judge of gaming": f"{OURS}; on the published rows it finds 219 of the 1,073 and none of the 973 in good faith",
    "prompts": f"{POST}; those marked so are {OURS}",
    "conditions": f"{POST}: the prompt, and several evil ones, put back; the others are {OURS}",
}
