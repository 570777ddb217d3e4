"""Betley et al.'s question for coherence, put to a grader."""

from __future__ import annotations

from harness import Case, Judge, Verdict, hookimpl
from harness.authoring import asked, filled, one_score
from harness.contracts import Grader
from harness_plugins.judges._published import coherence_prompt

NAME = "coherence"


@hookimpl
def harness_judge() -> Judge:
    return Judge(
        name=NAME,
        summary="how coherent a reply is, 0 to 100, by a grader",
        scores=(NAME,),
        grade=grade,
        grader=True,
        needs="`messages` whose last user turn is the question",
    )


async def grade(case: Case, reply: str, grader: Grader | None = None) -> Verdict:
    """The grader's number; None for a refusal, for code, and where it gave too little of a number."""
    return one_score(NAME, await asked(grader, NAME).rate(filled(coherence_prompt(), case, reply)))
