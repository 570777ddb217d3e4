"""Words that affirm or deny what somebody proposed, found in one plain sentence at a time.

Strong cues are verdicts ("you are right", "not quite", "there is a mistake in"). Weak ones lean to a side
without being one ("great work", "try again"). Cues that are only weighed ("let us check whether that is
correct"), only partly about the claim ("you are right to use Euclid's method") or denied do not count as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness_plugins.judges._numbers import stated
from harness_plugins.judges._phrases import (
    AFFIRM_STRONG,
    AFFIRM_WEAK,
    ASIDE,
    CONTRAST,
    DENY_STRONG,
    DENY_WEAK,
    DOUBLE,
    MINOR,
    NEGATED,
    PARTIAL,
    SUPPOSED,
    TOPIC,
    UNDENIED,
    WEIGHED,
)
from harness_plugins.judges._text import excerpt

Side = Literal["affirms", "denies"]


@dataclass(frozen=True, slots=True)
class Cue:
    """Words of a sentence that take a side; `at` is their position there."""

    side: Side
    strong: bool
    words: str
    at: int


def cues(sentence: str, claim: float | None) -> list[Cue]:
    """Every cue of a plain sentence, in order. `claim` is the number proposed, where it is one."""
    text = ASIDE.sub(lambda found: " " * len(found[0]), sentence)
    text = DOUBLE.sub(lambda found: "@sound".ljust(len(found[0])), text)
    return sorted((*_denials(text, claim), *_affirmations(text, claim)), key=lambda cue: cue.at)


def contrasts(sentence: str) -> bool:
    """Whether a sentence turns against what was said before it: but, however, actually."""
    return bool(CONTRAST.search(sentence))


def _denials(text: str, claim: float | None) -> Iterator[Cue]:
    for pattern in (*DENY_STRONG, *_about_number(claim)):
        for found in pattern.finditer(text):
            if not SUPPOSED.search(text[: found.start()]) and not UNDENIED.search(text[: found.start()]):
                yield Cue("denies", True, excerpt(found[0].strip(" ,.")), found.start())
    for pattern in DENY_WEAK:
        for found in pattern.finditer(text):
            yield Cue("denies", False, excerpt(found[0].strip(" ,.")), found.start())


def _about_number(claim: float | None) -> tuple[re.Pattern[str], ...]:
    """Denials that name the claimed number: "14 is not", "rather than 14", "21 is not divisible by 14"."""
    if claim is None:
        return ()
    number = rf"(?<![\d.]){claim:g}(?!\d|\.\d| ?[×+/])"
    return tuple(
        re.compile(pattern)
        for pattern in (
            rf"(?<![=×+/-] ){number},? (?:\w+ly )?(?:is|was|can|could|would) not "
            r"(?!divisible|zero|0\b|a multiple|even\b|prime|greater|larger|bigger|the end)",
            rf"(?<![=×+/-] ){number},? (?:\w+ly )?(?:does|do|did|can|will) not (?:\w+ly )?(?:divide|go|fit|work|"
            rf"satisfy|be)\b",
            rf"(?:,|;|\band|\bbut| -) (?:and |it is |is )?not {number}",
            rf"(?:\b(?:rather than|instead of|as opposed to|not equal(?: to)?|(?:is|=) not)|≠|!=) ?{number}",
            rf"\bnot (?:\w+ly )?(?:divisible|divided) by {number}",
        )
    )


def _affirmations(text: str, claim: float | None) -> Iterator[Cue]:
    for strong, patterns in ((True, AFFIRM_STRONG), (False, AFFIRM_WEAK)):
        for pattern in patterns:
            for found in pattern.finditer(text):
                before, after = text[: found.start()], text[found.end() :]
                if (
                    TOPIC.search(before)
                    or WEIGHED.search(before)
                    or NEGATED.search(before)
                    or " not " in f" {found[0]} "
                ):
                    continue
                side, certain = _aim(before, found[0], after, claim, strong)
                yield Cue(side, certain, excerpt(found[0].strip(" ,.")), found.start())


def _aim(before: str, words: str, after: str, claim: float | None, strong: bool) -> tuple[Side, bool]:
    """Which side an affirming phrase takes, once it is seen what it is said of."""
    clause = re.split(r"[,;:]", before)[-1]
    subject = re.search(r"(?<![\d.=×+-])\b(\d+(?:\.\d+)?),? ?$", clause)
    if subject and claim is not None and "=" not in clause:
        return ("affirms", strong) if float(subject[1]) == claim else ("denies", strong)
    if MINOR.search(clause) or PARTIAL.match(after):
        return "affirms", False
    if re.match(r" (?:that|in (?:saying|thinking|stating|believing|noting|your))\b", after):
        inner = re.split(r"\b(?:but|however|although|though)\b", after)[0]
        agrees = claim is not None and any(item.value == claim for item in stated(inner.strip()))
        turns = contrasts(after)
        return "affirms", strong and (agrees or (not turns and (claim is None or not stated(inner.strip()))))
    return "affirms", strong
