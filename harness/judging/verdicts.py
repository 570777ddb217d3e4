"""One reply, one judge, one verdict that holds what the judge promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.calls import Cancelled, TooLong, told, whose
from harness.contracts import Case, Grader, Judge, Verdict
from harness.errors import GraderStopped, HarnessError, Unanswered
from harness.judging.time_limits import Timed
from harness.laws import wrong_verdict

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
    where = f"judge {judge.name!r}{whose(judge.grade)}"
    timed = Timed(JUDGE_SECONDS)
    try:
        verdict = await timed.ended(judge.grade(case, reply, None if grader is None else timed.asking(grader)))
    except GraderStopped:
        raise
    except Unanswered as error:
        raise Unjudged(str(error)) from None
    except HarnessError as error:
        raise Unjudged(str(error)) from error
    except TooLong:
        said = f"{where} did not end within {JUDGE_SECONDS:g} s on case {case.id!r}; the fault is the judge's"
        raise Unjudged(said, late=True) from None
    except Cancelled as error:
        raise Unjudged(f"{where} failed on case {case.id!r}: {error}; the fault is the judge's") from None
    except (Exception, SystemExit, GeneratorExit) as error:
        raise Unjudged(f"{where} failed on case {case.id!r}: {told(error)}; it needs {judge.needs}") from error
    if (fault := wrong_verdict(judge, case, verdict)) is not None:
        raise Unjudged(f"{where} {fault}")
    reason = _storable(verdict.reason)
    return verdict if reason == verdict.reason else Verdict(scores=verdict.scores, reason=reason)


def _storable(reason: str) -> str:
    """A reason as a file can hold it, of some length at most."""
    text = reason.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]} ..."
