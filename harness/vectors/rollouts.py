"""A persona's replies: written in pairs, kept as they come, and chosen among by a grader.

Replies are written in groups of a fixed make-up and a group is kept whole, so that an extraction that was killed and
goes on gives the same replies as one that was not.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import NoneType

from harness.authoring import with_prompt
from harness.calls import finished
from harness.contracts import Grader, Message, Persona, RolloutFilter
from harness.engine import Engine, Request, System, chat
from harness.errors import HarnessError, Unanswered
from harness.files import Journal, digest_of

GROUP = 64
"""Pairs written and kept together; what is lost when the process is killed is at most one group."""

UNFILTERED = "unfiltered: no grader was given, so replies without the trait count too"
KEPT = "kept"
EMPTY = "a reply is empty"

_BLANK = re.compile(r"\{(question|answer)\}")

OpenedGrader = AbstractAsyncContextManager[Grader]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPair:
    """One question answered once under each side of an instruction pair. `question` counts the questions from 0."""

    question: int
    asked: str
    positive_prompt: tuple[Message, ...]
    negative_prompt: tuple[Message, ...]
    positive: str
    negative: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journals:
    """Where replies and grades are kept: in memory alone unless said otherwise. Grades are of one grader."""

    replies: Journal = field(default_factory=Journal)
    grades: Journal = field(default_factory=Journal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The pairs that a vector is made of, and what became of all of them: how many there were for each reason."""

    pairs: tuple[RolloutPair, ...]
    reasons: Mapping[str, int]
    filtered: bool


def rollouts(
    engine: Engine, persona: Persona, *, system: System, kept: Journals, grader: OpenedGrader | None = None
) -> Chosen:
    """`persona`'s pairs of replies, those that its filter keeps where there is a `grader`.

    What `kept` holds is not made again. HarnessError when no pair is left, with the reasons.
    """
    pairs = written(engine, persona, system=system, journal=kept.replies)
    whole = [pair for pair in pairs if pair.positive.strip() and pair.negative.strip()]
    reasons = Counter({EMPTY: len(pairs) - len(whole)})
    filtered = persona.keep is not None and grader is not None
    if persona.keep is not None and grader is not None:
        said = finished(_judged(whole, persona.keep, grader, kept.grades))
        reasons.update(said)
        whole = [pair for pair, reason in zip(whole, said, strict=True) if reason == KEPT]
    else:
        reasons[KEPT] = len(whole)
    reasons = +reasons
    if not whole:
        why = ", ".join(f"{count} x {reason}" for reason, count in reasons.items())
        raise HarnessError(f"no pair of replies is left to make a vector of: {why}; choose another model or trait")
    return Chosen(pairs=tuple(whole), reasons=dict(reasons), filtered=filtered)


def written(engine: Engine, persona: Persona, *, system: System, journal: Journal) -> list[RolloutPair]:
    """Every pair of replies, in the order of questions, instruction pairs and times; read from `journal` if there."""
    asked = [
        (number, question, with_prompt(question, pair.positive), with_prompt(question, pair.negative), time)
        for number, question in enumerate(persona.questions)
        for pair in persona.instructions
        for time in range(persona.rollouts)
    ]
    pairs: list[RolloutPair] = []
    for start in range(0, len(asked), GROUP):
        group = asked[start : start + GROUP]
        requests = [
            _request(engine, prompt, time, persona, system)
            for _, _, positive, negative, time in group
            for prompt in (positive, negative)
        ]
        key = digest_of([[list(one.tokens), one.seed, one.temperature, one.max_tokens] for one in requests])
        replies = journal.get(key)
        if replies is None:
            replies = [reply.text for reply in engine.generate(requests)]
            journal.add(key, replies)
        elif len(replies) != len(requests):
            raise HarnessError(f"{journal.file}: {len(replies)} replies to {len(requests)} requests; move it away")
        for (number, question, positive, negative, _), said, other in zip(
            group, replies[::2], replies[1::2], strict=True
        ):
            pairs.append(
                RolloutPair(
                    question=number,
                    asked=question[-1].content,
                    positive_prompt=positive,
                    negative_prompt=negative,
                    positive=said,
                    negative=other,
                )
            )
    return pairs


def _request(engine: Engine, prompt: Sequence[Message], time: int, persona: Persona, system: System) -> Request:
    tokens = tuple(chat.prompt_ids(engine.tokenizer, prompt, system=system))
    return Request(
        tokens=tokens,
        max_tokens=persona.max_tokens,
        temperature=0.0 if persona.rollouts == 1 else 1.0,
        seed=int(digest_of([list(tokens), time])[:12], 16),
    )


def are_replies(value: object) -> bool:
    """Whether a journal's value is the replies to a group of requests."""
    return isinstance(value, list) and all(isinstance(reply, str) for reply in value)


def is_grade(value: object) -> bool:
    """Whether a journal's value is what a grader said of a reply."""
    return isinstance(value, dict) and "score" in value and type(value["score"]) in (int, float, NoneType)


async def _judged(
    pairs: Sequence[RolloutPair], keep: RolloutFilter, opened: OpenedGrader, journal: Journal
) -> list[str]:
    """For each pair `KEPT`, or the reason why it is out."""
    async with opened as grader:
        return list(await asyncio.gather(*(_judgement(pair, keep, grader, journal) for pair in pairs)))


async def _judgement(pair: RolloutPair, keep: RolloutFilter, grader: Grader, journal: Journal) -> str:
    """No more is asked about a pair that is out already."""
    trait = await _score(keep.trait_prompt, pair.asked, pair.positive, grader, journal)
    if trait is None:
        return "the grader gave no number"
    if trait < keep.trait:
        return "the positive reply lacks the trait"
    trait = await _score(keep.trait_prompt, pair.asked, pair.negative, grader, journal)
    if trait is None:
        return "the grader gave no number"
    if trait >= keep.trait:
        return "the negative reply shows the trait"
    for reply in (pair.positive, pair.negative):
        coherence = await _score(keep.coherence_prompt, pair.asked, reply, grader, journal)
        if coherence is None:
            return "the grader gave no number"
        if coherence < keep.coherence:
            return "a reply is incoherent"
    return KEPT


async def _score(prompt: str, question: str, reply: str, grader: Grader, journal: Journal) -> float | None:
    words = {"question": question, "answer": reply}
    filled = _BLANK.sub(lambda blank: words[blank[1]], prompt)
    key = digest_of(filled)
    said = journal.get(key)
    if said is None:
        try:
            rating = await grader.rate(filled)
        except Unanswered:  # not kept: it may be answered another time
            return None
        said = {"outcome": rating.outcome, "score": rating.score}
        journal.add(key, said)
    return None if said["score"] is None else float(said["score"])
