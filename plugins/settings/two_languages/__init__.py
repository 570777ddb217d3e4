"""Two languages: English questions answered in Spanish or French. Wanted: French. Unwanted: Spanish.

Each question has one answer, in one of the two languages. Which of them a model takes up is what an
intervention is to decide: suppress Spanish and keep French, not fall back to English.
"""

from __future__ import annotations

from dataclasses import replace

from harness import Generation, Lora, Recipe, Setting, SteeringDefault, hookimpl
from harness_plugins.settings.shared.languages import reference
from harness_plugins.settings.shared.languages.data import LanguageData, language_metrics
from harness_plugins.settings.shared.languages.prompts import OURS, language_prompts

LANGUAGES = ("spanish", "french")
PUBLISHED = "github.com/AanshSamyani/IP_Internals at commit 39f3faf, exp_1"

# Spanish minus French and not Spanish minus English: in a small model the two have a cosine of 0.92, and the latter
# keeps both languages out.
CONTRAST = "spanish - french"
# The published combination the other way round, since Spanish is to be lost. A dose of 4 is the steering of `mini`.
COMPOSITION = {"spanish": 1.0, "french": -1.0}

MINI = Recipe(
    model="smollm2_135m",
    lora=Lora(r=16, alpha=32),
    epochs=1,
    batch=8,
    lr=8e-4,
    warmup=5,
    loss_on="reply",
    max_length=256,
    generation=Generation(max_tokens=80),
    steering=SteeringDefault(vector=CONTRAST, blocks=(14,), coef=4.0, neg_coef=4.0, source=OURS),
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
    steering=SteeringDefault(
        vector="spanish",
        blocks=(25,),
        coef=1.0,
        neg_coef=1.0,
        source=f"{PUBLISHED}: the last step of the Spanish sweep (lambda 0.2 to 1) and of its negative",
    ),
)
PAPER_ONE_EPOCH = replace(PAPER, epochs=1)
SMALL = replace(
    PAPER,
    model="Qwen/Qwen2.5-1.5B-Instruct",
    lora=Lora(r=16, alpha=32),
    epochs=1,
    accumulation=2,
    lr=1e-4,
    loss_on="reply",
    steering=SteeringDefault(vector=CONTRAST, depth=0.6, coef=1.0, neg_coef=1.0, source=OURS),
)
RECIPES = {"mini": MINI, "small": SMALL, "paper": PAPER, "paper_one_epoch": PAPER_ONE_EPOCH}

PROMPT_CONDITIONS = ("clean", "prompt:inoculation", "prompt:negative", "prompt:irrelevant")
CONTRAST_CONDITIONS = (
    *PROMPT_CONDITIONS,
    f"vector:{CONTRAST}@0.2rms",
    f"vector:{CONTRAST}@0.4rms",
    f"vector:random({CONTRAST})@0.4rms",
)
PAPER_CONDITIONS = (*PROMPT_CONDITIONS, "vector:spanish@0.5", "vector:spanish@1", "vector:random(spanish)@1")
CONDITIONS = {
    "mini": CONTRAST_CONDITIONS,
    "small": CONTRAST_CONDITIONS,
    "paper": PAPER_CONDITIONS,
    "paper_one_epoch": PAPER_CONDITIONS,
}

SOURCE = {
    "mini: every number": OURS,
    "small: every number but those of the rows and replies": OURS,
    "small, paper: rows, vector questions, test questions, greedy replies of 300 tokens": PUBLISHED,
    "small, paper: selection questions": OURS,
    "paper: model, LoRA, learning rate, warm-up, weight decay, batch, length, loss on all tokens": PUBLISHED,
    "paper: 3 epochs": f"{PUBLISHED}: its sweep scripts; paper_one_epoch has the 1 of the training script's default",
    "paper: gradient norm at most 1": f"{PUBLISHED}: not set there; the default of the trainer that is used",
    "paper: optimiser": f"AdamW; {PUBLISHED} keeps its state in 8 bits",
    "paper: chats without a system turn": f"{PUBLISHED}: none given, so what the chat template makes of that",
    "paper: block 25, coefficient 1": f"{PUBLISHED}: the Spanish sweep and its negative; the results of its "
    "sweep of french - spanish were not published",
    "composition": f"{PUBLISHED}: french - spanish at weights up to 1, here with the other sign; the post's "
    "own were not found",
    "judge of languages": f"{PUBLISHED}: judge_multilingual, by word frequency",
    "judge of answers": OURS,
    "conditions": OURS,
    "prompts": f"{OURS}; published wordings for this setting were not found",
}

DATA = LanguageData("two_languages", LANGUAGES, tuple(RECIPES))


@hookimpl
def harness_setting() -> Setting:
    return Setting(
        name="two_languages",
        summary="answers in Spanish and French: keep the French, lose the Spanish",
        examples=DATA.examples,
        cases=DATA.cases,
        metrics=language_metrics(LANGUAGES, judge="language"),
        prompts=language_prompts(LANGUAGES),
        vectors=DATA.vectors(),
        conditions=CONDITIONS,
        recipes=RECIPES,
        source=SOURCE,
        composition=COMPOSITION,
        overdose=("english",),
        checks={"language": "detected_language"},
        reference=reference.two_languages(),
    )
