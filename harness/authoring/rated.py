"""What a judge needs that puts one question to a grader and gives its number."""

from __future__ import annotations

import re

from harness.authoring.turns import question_of
from harness.contracts import Case, Grader, Rating, Verdict
from harness.errors import HarnessError

HALF = 50.0
BLANK = re.compile(r"\{(question|answer)\}")


def asked(grader: Grader | None, judge: str) -> Grader:
    """`grader`, or the one-line error for a judge that was given none."""
    if grader is None:
        raise HarnessError(f"judge {judge!r} asks a grader model, and none is named; name one with --grader MODEL")
    return grader


def reason(what: str, rating: Rating) -> str:
    """A line for the transcript: what was rated, how it came out, and what the grader said."""
    told = f"{rating.score:.1f}" if rating.score is not None else rating.outcome
    mass = "" if rating.mass is None else f", mass of numbers {rating.mass:.2f}"
    return f"{what} {told}{mass}; said {rating.text!r}"


def one_score(name: str, rating: Rating) -> Verdict:
    """A verdict of the one score `name`."""
    return Verdict(scores={name: rating.score}, reason=reason(name, rating))


def with_share(degree: str, share: str, rating: Rating) -> Verdict:
    """The number as `degree`, and as `share` 1 above 50, else 0, so that a rule judge can be held against it."""
    above = None if rating.score is None else float(rating.score > HALF)
    return Verdict(scores={degree: rating.score, share: above}, reason=reason(degree, rating))


def filled(prompt: str, case: Case, reply: str) -> str:
    """`prompt` with the case's last user turn and the reply in its blanks; blanks in these are left as they are."""
    words = {"question": question_of(case.messages), "answer": reply}
    return BLANK.sub(lambda blank: words[blank[1]], prompt)
