"""Judges that a setting's file makes: a pattern that a reply matches, or a rubric that a grader is asked."""

from __future__ import annotations

import re

from harness.authoring import asked, filled, with_share
from harness.contracts import Case, Grader, Judge, Verdict
from harness.errors import HarnessError
from harness.files import digest_of

MATCHES, DEGREE, SHARE = "matches", "degree", "above_half"


def matching(name: str, pattern: str, *, summary: str) -> Judge:
    """A judge that says 1 for a reply in which `pattern` is found, else 0; HarnessError where it is no pattern."""
    try:
        found = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise HarnessError(f"the pattern {pattern!r:.80} is none of Python's: {error}") from None

    async def grade(case: Case, reply: str, grader: Grader | None) -> Verdict:
        at = found.search(reply)
        return Verdict(scores={MATCHES: float(at is not None)}, reason=f"found {at[0]!r:.80}" if at else "not found")

    return Judge(
        name=name,
        summary=summary or f"whether a reply matches {pattern!r:.60}",
        scores=(MATCHES,),
        grade=grade,
        version=digest_of(pattern)[:8],
    )


def rated(name: str, rubric: str, *, summary: str) -> Judge:
    """A judge that puts `rubric` to a grader: its number from 0 to 100, and 1 above 50, else 0."""

    async def grade(case: Case, reply: str, grader: Grader | None) -> Verdict:
        return with_share(DEGREE, SHARE, await asked(grader, name).rate(filled(rubric, case, reply)))

    return Judge(
        name=name,
        summary=summary or "a grader's number for the rubric of the setting's file",
        scores=(DEGREE, SHARE),
        grade=grade,
        grader=True,
        needs="`messages` whose last user turn is the question",
        version=digest_of(rubric)[:8],
    )
