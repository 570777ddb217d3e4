"""One reply, one judge, one verdict that holds what the judge promised."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from harness.contracts import Case, Grader, Judge, Verdict
from harness.errors import GraderStopped, HarnessError, Unanswered
from harness.judging.time_limits import Timed, TooLong

Place = tuple[str, str, str, int]
"""Which reply of a run: its condition, split, case and sample."""

Verdicts = Mapping[str, Mapping[Place, Verdict]]
"""What each judge, by name, said of each reply that it was asked about."""

JUDGE_SECONDS = 30.0
"""A judge's own time for one reply; the slowest of ours takes some hundredths of a second."""

NOT_JUDGED = "not judged: "
LONGEST_REASON = 4000


class Unjudged(HarnessError):
    """A reply that a judge could not take; `late` where it did not end."""

    def __init__(self, said: str, *, late: bool = False) -> None:
        super().__init__(said)
        self.late = late


@dataclass(frozen=True, slots=True, kw_only=True)
class NoVerdict(Verdict):
    """What stands in the place of a verdict on a reply that a judge could not take: no score, and the reason why."""


def no_verdict(judge: Judge, why: Unjudged) -> NoVerdict:
    """None for every score of `judge`."""
    return NoVerdict(scores=dict.fromkeys(judge.scores), reason=_storable(f"{NOT_JUDGED}{why}"))


async def judged(judge: Judge, case: Case, reply: str, grader: Grader | None = None) -> Verdict:
    """What `judge` says of `reply`.

    Unjudged when it stops, exits, does not end, gives other scores than it promises, or is given no answer by
    `grader`; GraderStopped where that answers nobody.
    """
    where = f"judge {judge.name!r}"
    timed = Timed(JUDGE_SECONDS)
    try:
        verdict = await timed.ended(judge.grade(case, reply, None if grader is None else timed.asking(grader)))
        fault = _fault(verdict, judge)
    except GraderStopped:
        raise
    except Unanswered as error:
        raise Unjudged(str(error)) from None
    except HarnessError as error:
        raise Unjudged(str(error)) from error
    except TooLong:
        said = f"{where} did not end within {JUDGE_SECONDS:g} s on case {case.id!r}; the fault is the judge's"
        raise Unjudged(said, late=True) from None
    except (Exception, SystemExit, GeneratorExit) as error:
        said = " ".join(f"{type(error).__name__}: {_text(error)}".split())
        raise Unjudged(f"{where} failed on case {case.id!r}: {said}; it needs {judge.needs}") from error
    if fault:
        raise Unjudged(f"{where} gave {fault.format(case=repr(case.id))}; the fault is the judge's")
    reason = _storable(verdict.reason)
    return verdict if reason == verdict.reason else Verdict(scores=verdict.scores, reason=reason)


def _fault(verdict: object, judge: Judge) -> str:
    """What is wrong with what a judge gave, "" for nothing; `{case}` stands for the case."""
    if not isinstance(verdict, Verdict):
        return f"{_shown(verdict)} for case {{case}}, not a Verdict"
    scores = dict(verdict.scores)
    if set(scores) != set(judge.scores) or not all(map(_is_score, scores.values())):
        return f"{_shown(scores)} for case {{case}}, not a number or None for each of {', '.join(judge.scores)}"
    return (
        "" if isinstance(verdict.reason, str) else f"{_shown(verdict.reason)} as reason for case {{case}}, not a text"
    )


def _is_score(value: object) -> bool:
    if value is None:
        return True
    try:
        return isinstance(value, int | float) and math.isfinite(float(value))
    except OverflowError:
        return False


def _shown(value: object) -> str:
    return f"{value!r:.300}".replace("{", "{{").replace("}", "}}")


def _text(error: BaseException) -> str:
    try:
        return textwrap.shorten(str(error), 300, placeholder=" ...")
    except Exception:  # an error whose own text cannot be had
        return "no message"


def _storable(reason: str) -> str:
    """A reason as a file can hold it, of some length at most."""
    text = reason.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]} ..."
