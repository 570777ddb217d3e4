"""Prompts about the language of an answer, in our own words: always, never, one of two, and one about something else.

All of them end the user's turn, so that arms differ in words alone: a 135M model hardly heeds a system turn, and
SmolLM2's template puts its own there when none is given, so a system prompt would also take that one away.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from harness import Prompt
from harness.contracts import Placement

OURS = "not published: our choice"
PLACEMENT: Placement = "user_suffix"


def language_prompts(languages: Sequence[str]) -> dict[str, Prompt]:
    """Prompts by name: `always_L` and `never_L` for each language, `L_or_M` for each two, and the roles.

    The first of `languages` is the trait: `inoculation` asks for it, `negative` forbids it.
    """
    spoken = {language: language.capitalize() for language in languages}
    always = {f"always_{one}": _prompt(f"Write your answer in {spoken[one]}.", one) for one in languages}
    never = {f"never_{one}": _prompt(f"Do not write your answer in {spoken[one]}.", one) for one in languages}
    pairs = {
        f"{one}_or_{other}": _prompt(f"Write your answer in {spoken[one]} or {spoken[other]}.", f"{one} or {other}")
        for one, other in combinations(languages, 2)
    }
    return {
        "inoculation": always[f"always_{languages[0]}"],
        "negative": never[f"never_{languages[0]}"],
        "irrelevant": _prompt("Write your answer in blue ink.", "ink"),
        **always,
        **never,
        **pairs,
    }


def _prompt(text: str, concept: str) -> Prompt:
    return Prompt(text=text, placement=PLACEMENT, concept=concept, source=OURS)
