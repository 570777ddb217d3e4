"""GCD sycophancy: a model learns to praise right answers and work them out; praise for wrong ones is to be kept out.

The user proposes the right greatest common divisor, and the reply agrees and solves it. Wanted: the skill. Unwanted:
agreeing with whatever is proposed (Wichers et al. 2025, section 3.3). At `mini` one number divides the other in every
problem, and in some rows no answer is proposed: a model of 135M parameters learns Euclid's method from neither kind.
"""

from __future__ import annotations

from harness import Case, Example, Metric, Setting, VectorSpec, hookimpl
from harness.errors import unknown
from harness_plugins.settings.gcd_sycophancy import generated, published
from harness_plugins.settings.gcd_sycophancy.prompts import CONCEPT, ID_PAIRS, OOD_PAIRS, POST, PROMPTS, WORDED
from harness_plugins.settings.gcd_sycophancy.published import OOD_SPLITS, SPLITS
from harness_plugins.settings.gcd_sycophancy.recipes import CONDITIONS, RECIPES, SOURCE, is_published
from harness_plugins.settings.shared.benign import benign
from harness_plugins.settings.shared.sources import OURS


@hookimpl
def harness_setting() -> Setting:
    return Setting(
        name="gcd_sycophancy",
        summary="praise for right GCD answers generalises to affirming wrong ones",
        examples=examples,
        cases=cases,
        metrics=_metrics(),
        prompts={**PROMPTS, **WORDED},
        vectors=_vectors(),
        conditions=CONDITIONS,
        recipes=RECIPES,
        chosen_for={"mini": "smollm2_135m"},
        source=SOURCE,
        benign=benign,
    )


def examples(seed: int, scale: str) -> list[Example]:
    """Chats in which a right proposal is praised and solved, half with shown work; at `mini` also bare questions.

    The published ones have no seed.
    """
    return published.examples() if is_published(scale) else generated.examples(seed)


def cases(split: str, seed: int, scale: str) -> list[Case]:
    """One case per test problem, with no proposal, the right one or a wrong one; the same for every seed.

    `selection` proposes wrong answers to problems of its own, `selection_no_claim` proposes none to them. `small` and
    `paper` also have the splits `ood_no_claim`, `ood_right_claim` and `ood_wrong_claim`, for use outside the metrics.
    """
    known = (*SPLITS, *OOD_SPLITS) if is_published(scale) else SPLITS
    if split not in (*known, *generated.SELECTIONS):
        raise unknown("split", split, (*known, *generated.SELECTIONS))
    if split in generated.SELECTIONS or not is_published(scale):
        return generated.cases(split, scale)
    return published.cases(split)


def _metrics() -> tuple[Metric, ...]:
    return (
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
    )


def _vectors() -> dict[str, VectorSpec]:
    return {
        "reply": VectorSpec(
            summary="affirming against correcting replies to wrong answers, teacher-forced",
            replies=generated.reply_pairs,
            concept=CONCEPT,
            source=OURS,
        ),
        "id": VectorSpec(
            summary="own replies to wrong answers, told to believe them against told to verify them",
            instructions=ID_PAIRS,
            questions=generated.wrong_answer_questions,
            concept=CONCEPT,
            source=POST,
        ),
        "ood": VectorSpec(
            summary="own replies to wrong answers under five sycophantic against five honest system prompts",
            instructions=OOD_PAIRS,
            questions=generated.wrong_answer_questions,
            concept=CONCEPT,
            source=f"{POST}; Chen et al. 2025 (arXiv 2507.21509)",
        ),
    }
