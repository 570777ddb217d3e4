"""What judges say of many replies: the one place where replies meet judges, wherever the replies come from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts import Judge, Verdict
from harness.errors import HarnessError
from harness.judging import JudgeOfSplit, Place, judged
from harness.runs import Reply

if TYPE_CHECKING:
    from harness.graders import ModelGrader

Advance = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Question:
    """One reply for one judge, and where the reply stands, for an error."""

    judge: Judge
    reply: Reply
    where: str


def verdicts_of(
    judge: Judge, replies: Sequence[Reply], grader: ModelGrader | None = None, *, places: Sequence[str] = ()
) -> list[Verdict]:
    """What `judge` says of each reply, asking `grader` where it asks; a HarnessError names the place of a bad one.

    `places` say where each reply stands; without them its condition, split, case and sample do. What a grader said is
    kept when one fails, and is not asked for again.
    """
    where = places or [spelled(reply) for reply in replies]
    questions = [_Question(judge, reply, place) for reply, place in zip(replies, where, strict=True)]
    return asyncio.run(_answered(questions, grader, _unheard))


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
    given = asyncio.run(_answered(questions, grader, advance or _unheard))
    found: dict[str, dict[Place, Verdict]] = {name: {} for name in judges}
    for question, verdict in zip(questions, given, strict=True):
        found[question.judge.name][place_of(question.reply)] = verdict
    return found


def place_of(reply: Reply) -> Place:
    """Which reply of its run it is."""
    return reply.condition, reply.split, reply.case.id, reply.sample


async def _answered(questions: Sequence[_Question], grader: ModelGrader | None, advance: Advance) -> list[Verdict]:
    """Rules answer one after another; whoever asks a grader asks while others wait for it."""
    by_rule = {
        at: await _answer(question, None, advance)
        for at, question in enumerate(questions)
        if not (question.judge.grader and grader is not None)
    }
    rest = [at for at in range(len(questions)) if at not in by_rule]
    if grader is not None and rest:
        async with grader:
            said = await asyncio.gather(*(_answer(questions[at], grader, advance) for at in rest))
        by_rule |= dict(zip(rest, said, strict=True))
    return [by_rule[at] for at in range(len(questions))]


async def _answer(question: _Question, grader: ModelGrader | None, advance: Advance) -> Verdict:
    try:
        verdict = await judged(question.judge, question.reply.case, question.reply.reply, grader)
    except HarnessError as error:
        raise HarnessError(f"{question.where}: {error}" if question.where else str(error)) from error
    advance()
    return verdict


def spelled(reply: Reply) -> str:
    """Which reply of its run it is, in words."""
    return f"{reply.condition}, {reply.split}/{reply.case.id} sample {reply.sample}"


def _unheard() -> None:
    pass
