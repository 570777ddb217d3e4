"""Requests that come one by one, answered in full batches: the meeting point of many coroutines and one engine.

The requests of one condition wait for each other and go through the engine as one sorted batch, so what a
batch holds depends on what was asked and not on who came first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from harness.contracts import Message, Steering
from harness.errors import HarnessError
from harness.evaluation.hosting import Host, host_here, kept_engine, with_threads, writers
from harness.evaluation.opening import ModelSource

if TYPE_CHECKING:
    from harness.engine import Completion, Engine, Request

# No more requests come when none has for this many turns of the event loop in a row. Turns and not seconds
# alone: where a busy machine stalls the loop, no turn passes, and a batch is not cut in two.
QUIET_TURNS, TURN_SECONDS = 10, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A chat to be replied to, and how to draw the reply; or `candidates`, whose probabilities are wanted instead."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    candidates: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply, the exact text that the model was given, and the probability of each candidate that was named."""

    reply: Completion
    prompt: str
    probabilities: Mapping[str, float] = field(default_factory=dict)


class Gathering:
    """The questions of one condition. Whoever holds the lock gathers a batch and generates it for all who wait.

    A question that is cancelled leaves; if it held the lock, the next in line gathers in its place.
    """

    def __init__(self, source: ModelSource, steering: Steering | None) -> None:
        self.source, self.steering = source, steering
        self._waiting: dict[_Ticket, None] = {}
        self._arrived = 0
        self._answered: Counter[Question] = Counter()
        self._lock = anyio.Lock()

    async def answer(self, question: Question, *, expect: int) -> Answer:
        """The answer to `question`, from a batch of `expect` questions, or of as many as come."""
        ticket = _Ticket(question)
        self._waiting[ticket] = None
        self._arrived += 1
        try:
            while ticket.outcome is None:
                async with self._lock:
                    if ticket.outcome is None:
                        await self._gather(expect)
                        await self._generate()
        finally:
            self._waiting.pop(ticket, None)
        if isinstance(ticket.outcome, str):
            raise HarnessError(ticket.outcome)
        return ticket.outcome

    async def _gather(self, expect: int) -> None:
        quiet = 0
        while len(self._waiting) < expect and quiet < QUIET_TURNS:
            before = self._arrived
            await anyio.sleep(TURN_SECONDS)
            quiet = quiet + 1 if self._arrived == before else 0

    async def _generate(self) -> None:
        tickets = list(self._waiting)
        questions = [ticket.question for ticket in tickets]
        nobody_waits = threading.Event()
        host = host_here()
        work = partial(_answers, host, self.source, self.steering, questions, self._answered.copy(), nobody_waits)
        written = partial(with_threads, host.share(), work)
        try:
            # Abandoned when cancelled, so that Ctrl-C is not held up; the thread then ends at its next step.
            outcomes: Sequence[Answer | str] = await anyio.to_thread.run_sync(
                lambda: writers(host.lanes).submit(written).result(), abandon_on_cancel=True
            )
        except Exception as error:
            kind = "" if isinstance(error, HarnessError) else f"{type(error).__name__} while generating: "
            outcomes = [kind + " ".join(str(error).split())] * len(tickets)
        finally:
            nobody_waits.set()
        self._answered.update(questions)
        for ticket, outcome in zip(tickets, outcomes, strict=True):
            ticket.outcome = outcome
            self._waiting.pop(ticket, None)


@dataclass(eq=False, slots=True)
class _Ticket:
    question: Question
    outcome: Answer | str | None = None


def _answers(
    host: Host,
    source: ModelSource,
    steering: Steering | None,
    questions: Sequence[Question],
    answered: Counter[Question],
    nobody_waits: threading.Event,
) -> list[Answer]:
    """The answers to `questions`, in their order, from one batch that is sorted by tokens and seed."""

    def advance(replies: int, tokens: int) -> None:
        if nobody_waits.is_set():
            raise HarnessError("nobody waits for these replies")
        host.advance(replies, tokens)

    with kept_engine(host, source) as engine:
        with _CUTTING:
            requests = _requests(engine, source, questions, answered)
        drawn = [at for at, question in enumerate(questions) if not question.candidates]
        order = sorted(drawn, key=lambda at: (requests[at].tokens, requests[at].seed))
        with engine.steered(steering) if steering else contextlib.nullcontext():
            replies = engine.generate([requests[at] for at in order], advance=advance) if order else []
            likely = {}
            for at in set(range(len(questions))) - set(drawn):
                likely[at] = engine.probabilities(requests[at].tokens, questions[at].candidates)
                advance(1, 1)
        reply = dict(zip(order, replies, strict=True))
        text = {ids: engine.tokenizer.decode(list(ids)) for ids in {request.tokens for request in requests}}
        return [
            _likeliest(likely[at], request, text[request.tokens])
            if at in likely
            else Answer(reply[at], text[request.tokens])
            for at, request in enumerate(requests)
        ]


def _likeliest(likely: Mapping[str, float], request: Request, prompt: str) -> Answer:
    from harness.engine import Completion

    best = max(likely, key=lambda candidate: likely[candidate])
    return Answer(Completion(text=best, prompt_tokens=len(request.tokens), tokens=1, finish="stop"), prompt, likely)


def _requests(
    engine: Engine, source: ModelSource, questions: Sequence[Question], answered: Counter[Question]
) -> list[Request]:
    from harness.engine import Request, chat

    tokens = {
        messages: tuple(chat.prompt_ids(engine.tokenizer, messages, system=source.system))
        for messages in dict.fromkeys(question.messages for question in questions)
    }
    requests = []
    for question in questions:
        requests.append(
            Request(
                tokens=tokens[question.messages],
                max_tokens=question.max_tokens,
                temperature=question.temperature,
                top_p=question.top_p,
                seed=_seed(question.seed, tokens[question.messages], answered[question]),
                stops=question.stops,
            )
        )
        answered[question] += 1
    return requests


def _seed(seed: int, tokens: tuple[int, ...], occurrence: int) -> int:
    # Samples of one prompt must differ, and each must be the same on every run.
    return int.from_bytes(hashlib.sha256(json.dumps([seed, tokens, occurrence]).encode()).digest()[:6], "big")


_CUTTING = threading.Lock()
"""A tokenizer may not be told how to pad by one thread while another one cuts a text."""
