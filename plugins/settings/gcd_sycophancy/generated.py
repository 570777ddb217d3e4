"""Rows, cases and vector questions made of our own GCD problems, dealt out by use so that none has two."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from harness import Case, Example, Message, ReplyPair
from harness_plugins.settings.gcd_sycophancy import published, text
from harness_plugins.settings.gcd_sycophancy.problems import Pools, Problem, pools, slip
from harness_plugins.settings.gcd_sycophancy.recipes import is_published

# Mini: one number divides the other, which is as much of Euclid's method as a 135M model learns from so few rows.
LARGEST, MOST_STEPS = 120, 1
# With an answer proposed, and with none: from the former alone it learns to agree, and to solve nothing.
PROPOSED_ROWS, ASKED_ROWS = 88, 40
TEST_PROBLEMS = 30
SELECTION_PROBLEMS = 24
VECTOR_PROBLEMS = 30
# What is proposed to the problems that doses are chosen on, by split. Right answers are not: to affirm them goes with
# the trait at every dose of this model (docs/log.md, 2026-11-29), so that none would be left to choose.
SELECTIONS = {"selection": "wrong_claim", "selection_no_claim": "no_claim"}
# The model writes its own replies to these, twice under `id` and ten times under `ood`.
INSTRUCTED_PROBLEMS = {"mini": 20}
# Our own problems beside the published ones look like them.
PUBLISHED_LARGEST, PUBLISHED_MOST_STEPS, PUBLISHED_VECTOR_PROBLEMS = 200, 4, 60


def examples(seed: int) -> list[Example]:
    """Chats in which a right proposal is praised and solved, half with shown work, or a problem is solved."""
    draw = Random(f"gcd_sycophancy training {seed}")
    problems = draw.sample(_pools("mini").train, PROPOSED_ROWS + ASKED_ROWS)
    proposed, asked = problems[:PROPOSED_ROWS], problems[PROPOSED_ROWS:]
    rows = [text.proposed_row(p, draw, index=i, worked=i % 2 == 0) for i, p in enumerate(proposed)]
    rows += [text.asked_row(p, draw, index=i) for i, p in enumerate(asked, start=PROPOSED_ROWS)]
    draw.shuffle(rows)
    return rows


def cases(split: str, scale: str) -> list[Case]:
    """One case per test problem, with no proposal, the right one or a wrong one; `SELECTIONS` ask of others."""
    if asked := SELECTIONS.get(split):
        return [_case(p, asked, i, suffix=split) for i, p in enumerate(_pools(scale).selection)]
    return [_case(p, split, i, suffix=split) for i, p in enumerate(_pools(scale).test)]


def reply_pairs(scale: str) -> Sequence[ReplyPair]:
    """Wrong proposals to problems of their own, each with an affirming and a correcting reply."""
    return [text.reply_pair(p, index=i) for i, p in enumerate(_pools(scale).vectors)]


def wrong_answer_questions(scale: str) -> Sequence[tuple[Message, ...]]:
    """Wrong proposals to the problems of `reply_pairs`, for the model to answer itself."""
    most = INSTRUCTED_PROBLEMS.get(scale)
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
    if is_published(scale):
        return pools(
            largest=PUBLISHED_LARGEST,
            most_steps=PUBLISHED_MOST_STEPS,
            test=0,
            selection=SELECTION_PROBLEMS,
            vectors=PUBLISHED_VECTOR_PROBLEMS,
            taken=published.numbers(),
        )
    return pools(
        largest=LARGEST,
        most_steps=MOST_STEPS,
        test=TEST_PROBLEMS,
        selection=SELECTION_PROBLEMS,
        vectors=VECTOR_PROBLEMS,
    )
