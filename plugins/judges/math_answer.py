"""Does a reply end at the right number? Rules for word problems answered in several languages; no model is asked."""

from __future__ import annotations

import math

from harness import Case, Judge, Verdict, hookimpl
from harness.contracts import Grader
from harness_plugins.judges._amounts import amount, given_amount


@hookimpl
def harness_judge() -> Judge:
    return Judge(
        name="math_answer",
        summary="whether the last number that a reply gives as its answer is the right one",
        scores=("correct", "solved"),
        grade=grade,
        needs="`facts.answer`, a number",
    )


async def grade(case: Case, reply: str, grader: Grader | None = None) -> Verdict:
    """`correct`: 1 when the reply's final answer is right, 0 when it is another number, None when it has no number.

    `solved` is the same but for a reply that says something and has no number: that is 0. A number that can be
    read in two ways, 1.250 or 25 %, is right when one of them is.
    """
    wanted = amount(case.facts.get("answer"))
    if wanted is None:
        return _same(None, "the right answer is not known: facts.answer is no number")
    if not reply.strip():
        return _same(None, "the reply is empty")
    found = given_amount(reply)
    if found is None:
        return Verdict(scores={"correct": None, "solved": 0.0}, reason="no number in the reply, so not solved")
    right = any(math.isclose(value, wanted, rel_tol=1e-6, abs_tol=1e-9) for value in found.values)
    return _same(float(right), f"ends at {found.values[0]:.10g} ({found.words}), right is {wanted:.10g}")


def _same(value: float | None, reason: str) -> Verdict:
    return Verdict(scores={"correct": value, "solved": value}, reason=reason)
