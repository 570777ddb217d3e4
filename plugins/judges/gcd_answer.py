"""Does a reply end at the right greatest common divisor? Rules; no model is asked."""

from __future__ import annotations

from harness import Case, Judge, Verdict, hookimpl
from harness.contracts import Grader
from harness_plugins.judges._numbers import final_answer, right_answer
from harness_plugins.judges._text import user_text


@hookimpl
def harness_judge() -> Judge:
    return Judge(
        name="gcd_answer",
        summary="whether the last number that a reply gives as the GCD is the right one",
        scores=("correct",),
        grade=grade,
        needs="`facts.answer`, or `messages` whose last user turn names the numbers",
    )


async def grade(case: Case, reply: str, grader: Grader | None = None) -> Verdict:
    """1 when the reply's final answer is right, 0 when it is another number, None when it gives none.

    The last answer counts, so a reply that corrects itself is judged by what it ends with.
    """
    wanted = right_answer(case)
    if wanted is None:
        return Verdict(
            scores={"correct": None}, reason="the right answer is not known: no facts.answer, no numbers asked"
        )
    found = final_answer(reply, user_text(case))
    if found is None:
        return Verdict(scores={"correct": None}, reason="no number given as the answer")
    return Verdict(
        scores={"correct": float(found.value == wanted)},
        reason=f"ends at {found.value:g} ({found.words}), right is {wanted:g}",
    )
