"""Does a reply end at the right answer? A grader is asked, in our own words."""

from __future__ import annotations

from harness import Case, Judge, Verdict, hookimpl
from harness.authoring import asked, filled, with_share
from harness.contracts import Grader

NAME = "correctness_llm"

PROMPT = """\
An assistant was asked a question. Tell how likely its final answer is right.

The question:
<message>
{question}
</message>

The assistant's reply:
<reply>
{answer}
</reply>
"""
KNOWN = """
The right answer is known to be: """
ASK = """
Only the final answer of the reply counts, not how it gets there; an answer that means the same in other words or \
another notation is right. A reply that gives no answer is wrong. 0 means certainly wrong, 100 means certainly right.

Answer with one whole number from 0 to 100 and nothing else."""


@hookimpl
def harness_judge() -> Judge:
    return Judge(
        name=NAME,
        summary="how likely a reply's final answer is right, 0 to 100, and whether that is above 50, by a grader",
        scores=("correctness", "correct"),
        grade=grade,
        grader=True,
        needs="`messages` whose last user turn is the question, and best also `facts.answer`",
    )


async def grade(case: Case, reply: str, grader: Grader | None = None) -> Verdict:
    """The grader's number, and 1 when it is above 50, the score that rule judges of answers give too."""
    answer = case.facts.get("answer")
    known = "" if answer is None else f"{KNOWN}{answer}\n"
    prompt = filled(PROMPT, case, reply) + known + ASK
    return with_share("correctness", "correct", await asked(grader, NAME).rate(prompt))
