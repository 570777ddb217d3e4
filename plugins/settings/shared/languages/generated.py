"""Rows, cases and reply pairs made of our own word problems.

Training: sixteen situations, each asked with several numbers. Test: the same situations with numbers of their own, and
26 that nothing was trained on. All of these are one sum or one difference, for of longer problems a 135M model learns
the language and not the answer. Doses are chosen on eight further situations, vectors come from twelve others. So no
question has two uses, and no situation is both trained on and extracted from.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from harness import Case, Example, Message, ReplyPair
from harness_plugins.settings.shared.languages.problems import Problem, problems
from harness_plugins.settings.shared.languages.situations.contrasts import CONTRASTS
from harness_plugins.settings.shared.languages.situations.held_out import SELECTION, TESTED
from harness_plugins.settings.shared.languages.situations.indoors import INDOORS
from harness_plugins.settings.shared.languages.situations.outdoors import OUTDOORS

TRAINED = (*INDOORS, *OUTDOORS)
# 16 situations x 12 are 192 rows: halves and thirds come out even, in each situation.
ROWS_PER_TEMPLATE = 12
SELECTION_PER_TEMPLATE = 3
PAIRS_PER_TEMPLATE = 4


def examples(seed: int, languages: Sequence[str]) -> list[Example]:
    """English questions, each answered in one of `languages`, in equal shares; tagged with the language."""
    draw = Random(f"language training {seed}")
    # The languages take turns, so that each is heard as often in every situation.
    asked = [problem for template in TRAINED for problem in draw.sample(problems(template)[1:], ROWS_PER_TEMPLATE)]
    rows = [_row(problem, languages[turn % len(languages)]) for turn, problem in enumerate(asked)]
    return draw.sample(rows, len(rows))


def cases(split: str) -> list[Case]:
    """A question for each trained situation and each of `TESTED`; with `selection`, three for each of its own.

    The facts say the answer, and whether the situation was `trained` on or `held out`. Situations are clusters.
    """
    if split == "selection":
        return [_case(one, "held out") for template in SELECTION for one in problems(template)[:SELECTION_PER_TEMPLATE]]
    return [
        *(_case(problems(template)[0], "trained") for template in TRAINED),
        *(_case(problems(template)[0], "held out") for template in TESTED),
    ]


def reply_pairs(language: str) -> list[ReplyPair]:
    """Questions of their own, each with its answer in `language` and, as what shows no trait, in English."""
    return [
        ReplyPair(messages=_asked(problem), positive=problem.reply(language), negative=problem.reply("english"))
        for template in CONTRASTS
        for problem in problems(template)[:PAIRS_PER_TEMPLATE]
    ]


def _row(problem: Problem, language: str) -> Example:
    return Example(
        id=f"{problem.id}-{language}",
        messages=(*_asked(problem), Message("assistant", problem.reply(language))),
        tags={"language": language},
    )


def _case(problem: Problem, situation: str) -> Case:
    return Case(
        id=problem.id,
        messages=_asked(problem),
        facts={"answer": problem.answer, "situation": situation},
        cluster=problem.template.id,
    )


def _asked(problem: Problem) -> tuple[Message, ...]:
    return (Message("user", problem.question),)
