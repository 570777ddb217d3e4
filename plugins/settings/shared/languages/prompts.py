"""Prompts about the language of an answer, in our own words: always, never, one of two, and one about something else.

All of them end the user's turn, so that arms differ in words alone: a 135M model hardly heeds a system turn, and
SmolLM2's template puts its own there when none is given, so a system prompt would also take that one away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from harness import Prompt
from harness.contracts import Placement
from harness_plugins.settings.shared.sources import OURS

PLACEMENT: Placement = "user_suffix"

# The first is the text, the others its paraphrases, of which each row draws one.
ALWAYS = (
    "Write your answer in {it}.",
    "Use only {it} in your reply.",
    "Reply to this in {it}, please.",
    "I want to read your answer in {it}.",
    "Put the whole solution in {it}.",
)
NEVER = (
    "Do not write your answer in {it}.",
    "Use no {it} in your reply.",
    "Reply to this without any {it}, please.",
    "I do not want to read your answer in {it}.",
    "Put no part of the solution in {it}.",
)


def language_prompts(languages: Sequence[str]) -> dict[str, Prompt]:
    """Prompts by name: `always_L`, `never_L`, `matched_L` for each language, `L_or_M` for two or more, and the roles.

    The first of `languages` is the trait: `inoculation` asks for it, `negative` forbids it. `matched_L` asks for a
    language on the rows that are answered in it, and on no others.
    """
    spoken = {language: language.capitalize() for language in languages}
    always = {f"always_{one}": _prompt(ALWAYS, spoken[one], one) for one in languages}
    never = {f"never_{one}": _prompt(NEVER, spoken[one], one) for one in languages}
    matched = {f"matched_{one}": _prompt(ALWAYS, spoken[one], one, only={"language": one}) for one in languages}
    several = {
        "_or_".join(some): _prompt(ALWAYS, _listed([spoken[one] for one in some]), _listed(some))
        for size in range(2, len(languages) + 1)
        for some in combinations(languages, size)
    }
    return {
        "inoculation": replace(always[f"always_{languages[0]}"], category="training"),
        "negative": replace(never[f"never_{languages[0]}"], category="negation"),
        "irrelevant": replace(_prompt(ALWAYS, "blue ink", "ink"), category="benign"),
        **always,
        **never,
        **matched,
        **several,
    }


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _prompt(frames: Sequence[str], it: str, concept: str, *, only: Mapping[str, str] | None = None) -> Prompt:
    text, *others = (frame.format(it=it) for frame in frames)
    return Prompt(
        text=text, others=tuple(others), placement=PLACEMENT, concept=concept, source=OURS, only=dict(only or {})
    )
