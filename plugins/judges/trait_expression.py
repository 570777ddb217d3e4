"""How much a reply shows a trait: the question of a persona vectors trait file, put to a grader."""

from __future__ import annotations

from harness import Case, Judge, Verdict, hookimpl
from harness.authoring import asked, filled, one_score
from harness.contracts import Grader
from harness_plugins.judges._published import TRAITS, trait_prompt

NAME = "trait_expression"


@hookimpl
def harness_judge() -> Judge:
    return Judge(
        name=NAME,
        summary="how much a reply shows the trait of a trait file, 0 to 100, by a grader",
        scores=(NAME,),
        grade=grade,
        grader=True,
        needs=f"`messages` whose last user turn is the question, `facts.trait`: {', '.join(TRAITS)} or a .json file",
    )


async def grade(case: Case, reply: str, grader: Grader | None = None) -> Verdict:
    """The grader's number for the trait that `facts.trait` names; None for a refusal and for an unclear answer."""
    trait = case.facts.get("trait")
    if not isinstance(trait, str):
        return Verdict(scores={NAME: None}, reason="the trait is not known: no facts.trait")
    return one_score(NAME, await asked(grader, NAME).rate(filled(trait_prompt(trait), case, reply)))
