"""Does a reply end at the right greatest common divisor? Rules; no model is asked."""

from __future__ import annotations

from harness import Case, Judge, Verdict, hookimpl
from harness.authoring import question_of
from harness.contracts import Grader
from harness_plugins.judges._numbers import final_answer, right_answer


@hookimpl
def harness_judge() -> Judge:
    return Judge(
        name="gcd_answer",
        summary="whether the last number that a reply gives as the GCD is the right one",
        scores=("correct", "solved"),
        grade=grade,
        needs="`facts.answer`, or `messages` whose last user turn names the numbers",
        version="2",
    )


async def grade(case: Case, reply: str, grader: Grader | None = None) -> Verdict:
    """`correct`: 1 when the reply's final answer is right, 0 when it is another number, None when it gives none.

    `solved` is the same but for a reply that says something and gives no answer: that did not solve the
    problem, and is 0. The last answer counts, so a reply that corrects itself is judged by what it ends with.
    """
    wanted = right_answer(case)
    if wanted is None:
        return _same(None, "the right answer is not known: no facts.answer, no numbers asked")
    if not reply.strip():
        return _same(None, "the reply is empty")
    found = final_answer(reply, question_of(case.messages))
    if found is None:
        return Verdict(scores={"correct": None, "solved": 0.0}, reason="no number given as the answer, so not solved")
    return _same(float(found.value == wanted), f"ends at {found.value:g} ({found.words}), right is {wanted:g}")


def _same(value: float | None, reason: str) -> Verdict:
    return Verdict(scores={"correct": value, "solved": value}, reason=reason)
