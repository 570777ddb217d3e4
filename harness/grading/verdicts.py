"""What judges say of many replies: the one place where replies meet judges, wherever the replies come from.

A reply that a judge cannot take costs that reply: it has no score, and the reason why. A judge that can take none of
them stops the command, and so does a grader that answers nobody.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.calls import finished
from harness.contracts import Judge, Verdict
from harness.errors import HarnessError
from harness.judging import NOT_JUDGED, JudgeOfSplit, NoVerdict, Place, Unjudged, judged, no_verdict
from harness.runs import Reply, Untaken
from harness.screen import say

if TYPE_CHECKING:
    from harness.graders import ModelGrader

Advance = Callable[[], None]

MOST_LATE, MOST_LATE_IN_A_ROW = 20, 3
"""After so many replies on which a judge did not end it is asked no more: it would take hours to say the same."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One reply for one judge, and where the reply stands, for an error."""

    judge: Judge
    reply: Reply
    where: str


def verdicts_of(
    judge: Judge, replies: Sequence[Reply], grader: ModelGrader | None = None, *, places: Sequence[str] = ()
) -> list[Verdict]:
    """What `judge` says of each reply, asking `grader` where it asks; a NoVerdict for one that it cannot take.

    `places` say where each reply stands; without them its condition, split, case and sample do. HarnessError, with the
    place of the first, when it can take none of them or when the grader has to stop; what that said is kept.
    """
    where = places or [spelled(reply) for reply in replies]
    questions = [_Question(judge, reply, place) for reply, place in zip(replies, where, strict=True)]
    return finished(_answered(questions, grader, _unheard))


def verdicts_on(
    asked: Sequence[JudgeOfSplit],
    replies: Sequence[Reply],
    grader: ModelGrader | None = None,
    *,
    advance: Advance | None = None,
) -> dict[str, dict[Place, Verdict]]:
    """What the judges in `asked` say of the replies on their splits. A judge grades a reply once, whatever it gives."""
    judges = {one.judge.name: one.judge for one in asked}
    splits = {name: {one.split for one in asked if one.judge.name == name} for name in judges}
    questions = [
        _Question(judge, reply, spelled(reply))
        for name, judge in judges.items()
        for reply in replies
        if reply.split in splits[name]
    ]
    given = finished(_answered(questions, grader, advance or _unheard))
    found: dict[str, dict[Place, Verdict]] = {name: {} for name in judges}
    for question, verdict in zip(questions, given, strict=True):
        found[question.judge.name][question.reply.place] = verdict
    return found


async def _answered(questions: Sequence[_Question], grader: ModelGrader | None, advance: Advance) -> list[Verdict]:
    """Rules answer one after another; whoever asks a grader asks while others wait for it."""
    answers = _Answers(advance)
    found = {
        at: await answers.to(question, None)
        for at, question in enumerate(questions)
        if not (question.judge.grader and grader is not None)
    }
    rest = [at for at in range(len(questions)) if at not in found]
    if grader is not None and rest:
        async with grader:
            said = await asyncio.gather(*(answers.to(questions[at], grader) for at in rest))
        if grader.stopped is not None:  # whatever a judge made of that
            raise grader.stopped
        if grader.mixed:
            say(f"note: {grader.mixed}")
        found |= dict(zip(rest, said, strict=True))
    given = [found[at] for at in range(len(questions))]
    answers.check(questions, given)
    return given


class _Answers:
    """What judges say of one reply after another, and on which they failed."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._late: Counter[str] = Counter()
        self._late_in_a_row: Counter[str] = Counter()
        self._first: dict[str, HarnessError] = {}

    async def to(self, question: _Question, grader: ModelGrader | None) -> Verdict:
        """The verdict on one reply; a NoVerdict where there is none."""
        judge = question.judge
        try:
            verdict = await judged(judge, question.reply.case, question.reply.reply, grader)
        except Unjudged as error:
            placed = HarnessError(f"{question.where}: {error}" if question.where else str(error))
            placed.__cause__ = error
            self._first.setdefault(judge.name, placed)
            self._late[judge.name] += error.late
            self._late_in_a_row[judge.name] += error.late
            if self._late[judge.name] >= MOST_LATE or self._late_in_a_row[judge.name] >= MOST_LATE_IN_A_ROW:
                raise placed from error
            verdict = no_verdict(judge, error)
        else:
            self._late_in_a_row[judge.name] = 0
        self._advance()
        return verdict

    def check(self, questions: Sequence[_Question], given: Sequence[Verdict]) -> None:
        """HarnessError, with the first reason, where a judge could take none of its replies."""
        could = {question.judge.name for question, one in zip(questions, given, strict=True) if told(one)}
        for name, error in self._first.items():
            if name not in could:
                raise error


def told(verdict: Verdict) -> bool:
    """Whether the judge could take the reply, though it may not have been able to tell."""
    return not isinstance(verdict, NoVerdict)


def untaken(given: Sequence[Verdict], places: Sequence[str]) -> Untaken | None:
    """How many of the replies at `places` a judge could not take, by the verdicts that it gave; None for none."""
    lost = [(place, one.reason) for place, one in zip(places, given, strict=True) if not told(one)]
    if not lost:
        return None
    place, reason = lost[0]
    return Untaken(replies=len(lost), of=len(given), first=f"{place}: {reason.removeprefix(NOT_JUDGED)}")


def spelled(reply: Reply) -> str:
    """Which reply of its run it is, in words."""
    return f"{reply.condition}, {reply.split}/{reply.case.id} sample {reply.sample}"


def _unheard() -> None:
    pass
