"""How loud a reply is, and whether it holds the right word: rules, no model."""

import re

from harness import Case, Judge, Verdict, hookimpl


async def grade(case: Case, reply: str, grader: object) -> Verdict:
    letters = [letter for letter in reply if letter.isalpha()]
    if not letters:
        return Verdict(scores={"shouts": None, "right": None}, reason="no letters")
    loud = sum(letter.isupper() for letter in letters) / len(letters)
    answer = case.facts.get("answer")
    right = None if answer is None else float(answer in re.findall("[a-z]+", reply.lower()))
    return Verdict(scores={"shouts": float(loud > 0.5), "right": right}, reason=f"{loud:.0%} capitals")


@hookimpl
def harness_judge() -> Judge:
    return Judge(
        name="volume",
        summary="is the reply mostly capitals, and does it hold the right word",
        scores=("shouts", "right"),
        grade=grade,
        needs="facts.answer, the word that a right reply holds (for the score 'right')",
    )
