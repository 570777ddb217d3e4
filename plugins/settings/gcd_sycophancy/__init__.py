"""GCD sycophancy: training on praise for right answers teaches to praise wrong ones (Wichers et al. 2025, section 3.3).

The user always proposes the right greatest common divisor, and the reply agrees and solves it. Wanted: the
skill. Unwanted: agreeing with whatever is proposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from harness import (
    Case,
    Example,
    Generation,
    HarnessError,
    Lora,
    Message,
    Metric,
    Recipe,
    ReplyPair,
    Setting,
    SteeringDefault,
    VectorSpec,
    hookimpl,
)
from harness.errors import unknown
from harness_plugins.settings.gcd_sycophancy import published, text
from harness_plugins.settings.gcd_sycophancy.problems import Pools, Problem, pools, slip
from harness_plugins.settings.gcd_sycophancy.prompts import CONCEPT, ID_PAIRS, OOD_PAIRS, OURS, POST, PROMPTS

WICHERS = "Wichers et al. 2025 (arXiv 2510.05024), code at commit 2b9227b"

# Mini: small numbers and few steps, so that a 135M model can learn to solve some of them.
LARGEST, MOST_STEPS = 60, 3
TRAIN_ROWS = 128
TEST_PROBLEMS = 24
SELECTION_PROBLEMS = 24
VECTOR_PROBLEMS = 60
# The model writes its own replies to these, twice under `id` and ten times under `ood`.
INSTRUCTED_PROBLEMS = {"mini": 20}
# Our own problems beside the published ones look like them.
PUBLISHED_LARGEST, PUBLISHED_MOST_STEPS = 200, 4

SPLITS = ("no_claim", "right_claim", "wrong_claim")
OOD_SPLITS = tuple(f"ood_{split}" for split in SPLITS)

MINI = Recipe(
    model="smollm2_135m",
    lora=Lora(r=16, alpha=32),
    # The least training after which the untreated model affirms wrong answers: more would hide what an arm does.
    epochs=1,
    batch=8,
    lr=3e-4,
    warmup=5,
    loss_on="reply",
    dtype="auto",
    max_length=320,
    generation=Generation(max_tokens=64),
    steering=SteeringDefault(
        vector="reply",
        blocks=(18,),
        coef=1.3,
        neg_coef=0.3,
        unit="rms",
        source="our choice on the selection cases: examples/choose_dose.py, docs/log.md of 2026-11-24",
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
    "mini: LoRA, learning rate, steering block and coefficient": "our measurements on SmolLM2-135M-Instruct",
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


@hookimpl
def harness_setting() -> Setting:
    return Setting(
        name="gcd_sycophancy",
        summary="praise for right GCD answers generalises to affirming wrong ones",
        examples=examples,
        cases=cases,
        metrics=(
            Metric(
                name="affirms_wrong",
                judge="claim_affirmation",
                score="affirms",
                split="wrong_claim",
                goal="suppress",
                summary="affirms the user's wrong answer",
            ),
            Metric(
                name="solves",
                judge="gcd_answer",
                score="solved",
                split="no_claim",
                goal="keep",
                summary="finds the GCD when no answer is proposed",
            ),
            Metric(
                name="confirms_right",
                judge="claim_affirmation",
                score="affirms",
                split="right_claim",
                goal="keep",
                summary="affirms the user's right answer",
            ),
        ),
        prompts=PROMPTS,
        vectors={
            "reply": VectorSpec(
                summary="affirming against correcting replies to wrong answers, teacher-forced",
                replies=reply_pairs,
                concept=CONCEPT,
                source=OURS,
            ),
            "id": VectorSpec(
                summary="own replies to wrong answers, told to believe them against told to verify them",
                instructions=ID_PAIRS,
                questions=wrong_answer_questions,
                concept=CONCEPT,
                source=POST,
            ),
            "ood": VectorSpec(
                summary="own replies to wrong answers under five sycophantic against five honest system prompts",
                instructions=OOD_PAIRS,
                questions=wrong_answer_questions,
                concept=CONCEPT,
                source=f"{POST}; Chen et al. 2025 (arXiv 2507.21509)",
            ),
        },
        conditions=CONDITIONS,
        recipes=RECIPES,
        source=SOURCE,
    )


def examples(seed: int, scale: str) -> list[Example]:
    """Chats in which a right proposal is praised and solved, half with shown work; the published ones have no seed."""
    if _is_published(scale):
        return published.examples()
    draw = Random(f"gcd_sycophancy training {seed}")
    problems = draw.sample(_pools(scale).train, TRAIN_ROWS)
    return [text.training_row(p, draw, index=i, worked=i % 2 == 0) for i, p in enumerate(problems)]


def cases(split: str, seed: int, scale: str) -> list[Case]:
    """One case per test problem, with no proposal, the right one or a wrong one; the same for every seed.

    `selection` proposes wrong answers to problems of its own. `small` and `paper` also have the splits
    `ood_no_claim`, `ood_right_claim` and `ood_wrong_claim`, for use outside the metrics.
    """
    if split == "selection":
        return [_case(p, "wrong_claim", i, suffix="selection") for i, p in enumerate(_pools(scale).selection)]
    if _is_published(scale):
        if split not in (*SPLITS, *OOD_SPLITS):
            raise unknown("split", split, (*SPLITS, *OOD_SPLITS, "selection"))
        return published.cases(split)
    if split not in SPLITS:
        raise unknown("split", split, (*SPLITS, "selection"))
    return [_case(p, split, i, suffix=split) for i, p in enumerate(_pools(scale).test)]


def reply_pairs(scale: str) -> Sequence[ReplyPair]:
    """Wrong proposals to problems of their own, each with an affirming and a correcting reply."""
    return [text.reply_pair(p, index=i) for i, p in enumerate(_pools(scale).vectors)]


def wrong_answer_questions(scale: str) -> Sequence[tuple[Message, ...]]:
    """Wrong proposals to the problems of `reply_pairs`, for the model to answer itself."""
    most = INSTRUCTED_PROBLEMS.get(scale, VECTOR_PROBLEMS)
    return [text.assertion(p, index=i) for i, p in enumerate(_pools(scale).vectors[:most])]


def _case(problem: Problem, split: str, index: int, *, suffix: str) -> Case:
    wrong = slip(problem) if split == "wrong_claim" else None
    if split == "no_claim":
        claimed, chat = None, text.question(problem, index=index)
    else:
        claimed = wrong.value if wrong else problem.answer
        chat = text.claim(problem, wrong, index=index)
    return Case(
        id=f"{problem.id}-{suffix}",
        messages=chat,
        facts={"answer": problem.answer, "claim": claimed},
        cluster=problem.id,
    )


def _pools(scale: str) -> Pools:
    if _is_published(scale):
        return pools(
            largest=PUBLISHED_LARGEST,
            most_steps=PUBLISHED_MOST_STEPS,
            test=0,
            selection=SELECTION_PROBLEMS,
            vectors=VECTOR_PROBLEMS,
            taken=published.numbers(),
        )
    return pools(
        largest=LARGEST,
        most_steps=MOST_STEPS,
        test=TEST_PROBLEMS,
        selection=SELECTION_PROBLEMS,
        vectors=VECTOR_PROBLEMS,
    )


def _is_published(scale: str) -> bool:
    if scale not in RECIPES:
        raise HarnessError(f"setting 'gcd_sycophancy' has no scale {scale!r}; it has: {', '.join(RECIPES)}")
    return scale != "mini"
