"""A grader over any Inspect model: it asks once, keeps what was said, and gives up no more than what is lost.

Inspect makes each request; the waiting is done here, because Inspect waits by its own schedule alone, whatever
`Retry-After` says. A question that fails for good costs that question. Whether it is the question or the grader that
fails is told by other answers, and where there are none by a neutral question; the same tells whether a model gives
log-probabilities, so that one bad answer changes the method for no other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import anyio
from inspect_ai.model import GenerateConfig, Model, get_model

from harness.contracts import Rating
from harness.errors import GraderStopped, HarnessError
from harness.graders import answers
from harness.graders.exchange import Exchange, Patience
from harness.graders.faults import Failed
from harness.graders.judgements import Judgement, is_whole, judgements, key_of
from harness.graders.rater import NEUTRAL, Rater
from harness.graders.wire import guard
from harness.judging import Ledger, limit, price_of

CONNECTIONS, LOCAL_CONNECTIONS = 10, 64
ATTEMPTS, UNREAD_ATTEMPTS = 7, 3
FIRST_WAIT, LONGEST_WAIT, LONGEST_PAUSE = 1.0, 60.0, 900.0
UNMET_WAIT = 0.5
"""The longest wait for a grader that nobody has reached yet: its address is wrong, or it is not there."""
ANSWER_SECONDS = 90
OTHERS_SECONDS = 0.1
"""How often to look whether another process has the answer to a question that it is asking."""

LOCAL = "harness/"

_REPLY = GenerateConfig(temperature=0.0, max_tokens=1024)


class ModelGrader:
    """A grader that asks one Inspect model. Ask inside `async with`, which opens its connections and closes them."""

    def __init__(
        self, name: str, ledger: Ledger, *, connections: int | None = None, model: Model | None = None
    ) -> None:
        self.name, self.ledger = name, ledger
        self.connections = connections or (LOCAL_CONNECTIONS if self.local else CONNECTIONS)
        self.model = model or self._opened()
        self._fresh = model is None
        # A local model's full name holds a digest of what it is.
        self.judgements = judgements(str(self.model), getattr(self.model.api, "base_url", None))
        self.kept = 0
        self._begin()

    @property
    def local(self) -> bool:
        """Whether the model is one of this machine's runs or models."""
        return self.name.startswith(LOCAL)

    @property
    def how(self) -> str | None:
        """How the numbers were given that were asked for, the usual way first; None as long as there is none."""
        return " and ".join(method for method, _ in self.methods.most_common()) or None

    @property
    def stopped(self) -> GraderStopped | None:
        """Why it is asked no more; None where it may be."""
        stop = self._exchange.stop
        return None if stop is None else GraderStopped(stop.told(self.kept, self.ledger.cost))

    async def __aenter__(self) -> Self:
        # Connections belong to an event loop: a model that is shared would outlive its own.
        if not self._fresh:
            self.model = self._opened()
        self._fresh = False
        self._begin()
        await self.model.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.model.__aexit__(*error)

    async def ask(self, prompt: str) -> str:
        """The reply to `prompt`, drawn greedily; Unanswered where there is none."""
        said = await self._kept("ask", prompt, self._ask)
        return str(said["text"])

    async def rate(self, prompt: str) -> Rating:
        """The number from 0 to 100 that `prompt` asks for; Unanswered where the question fails for good.

        By log-probabilities where the model gives them, else the mean of several answers; a local model's
        numbers are scored as sequences of tokens.
        """
        said = await self._kept("rate", prompt, self._rate)
        if said["how"]:
            self.methods[said["how"]] += 1
        return Rating(outcome=said["outcome"], score=said["score"], mass=said["mass"], text=said["text"])

    def check(self) -> None:
        """Asks a neutral question before work begins, and keeps no answer; HarnessError when there is none."""

        async def one() -> None:
            async with self:
                await self._in_turn(self._checked, NEUTRAL)

        if not self.local:
            asyncio.run(one())

    @property
    def mixed(self) -> str:
        """A line where numbers were given in more than one way; else empty."""
        if len(self.methods) < 2:
            return ""
        ways = ", ".join(f"{count} by {method}" for method, count in self.methods.most_common())
        return f"grader {self.name} gave its numbers in more than one way: {ways}; compare them with care"

    def record(self) -> dict[str, object]:
        """Which model graded and how, and what this process paid it, for a program."""
        return {"model": self.name, "how": self.how, **self.ledger.record()}

    def _begin(self) -> None:
        self._room = anyio.CapacityLimiter(self.connections)
        self._asked: dict[str, anyio.Event] = {}
        self.methods: Counter[str] = Counter()
        neutral = "" if self.local else NEUTRAL
        self._exchange = Exchange(self.model, self.name, self.ledger, self._patience(), neutral=neutral)
        self._rater = Rater(self._exchange, self.judgements, connections=self.connections, local=self.local)

    def _patience(self) -> Patience:
        return Patience(
            attempts=ATTEMPTS,
            unread=UNREAD_ATTEMPTS,
            first=FIRST_WAIT,
            longest=LONGEST_WAIT,
            unmet=UNMET_WAIT,
            pause=LONGEST_PAUSE,
            answer=None if self.local else ANSWER_SECONDS,
        )

    def _opened(self) -> Model:
        config = GenerateConfig(max_connections=self.connections, adaptive_connections=False)
        try:
            model = get_model(self.name, config=config, memoize=False)
            if self.local:
                model.api.max_tokens()  # which only a run that is here can say
        except Exception as error:
            raise HarnessError(f"grader {self.name!r} cannot be had: {' '.join(str(error).split())}") from error
        if not self.local:
            guard(model)
        return model

    async def _kept(self, kind: str, prompt: str, work: Callable[[str], Awaitable[Judgement]]) -> Judgement:
        """What was said to `prompt`, asked for at most once whoever wants to know."""
        key = key_of(kind, prompt)
        while (said := self._known(kind, key)) is None and key in self._asked:
            await self._asked[key].wait()
        if said is not None:
            return said
        with self._asking(key):
            while (said := self._known(kind, key)) is None:
                said = await self._in_turn(self._alone(kind, key, work), prompt)
                if said is None:  # another process is asking it
                    await anyio.sleep(OTHERS_SECONDS)
        return said

    def _known(self, kind: str, key: str) -> Judgement | None:
        said = self.judgements.get(key)
        return said if is_whole(kind, said) else None

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        event = self._asked[key] = anyio.Event()
        try:
            yield
        finally:
            del self._asked[key]
            event.set()

    def _alone(
        self, kind: str, key: str, work: Callable[[str], Awaitable[Judgement]]
    ) -> Callable[[str], Awaitable[Judgement | None]]:
        """`work` done and kept where no process does it; None where another one does."""

        async def alone(prompt: str) -> Judgement | None:
            with self.judgements.claimed(key) as ours:
                if not ours:
                    return None
                said = self._known(kind, key)  # another process may have had it since
                if said is None:
                    said = await work(prompt)
                    self.judgements.add(key, said)
                    self.kept += 1
                return said

        return alone

    async def _in_turn(self, work: Callable[[str], Awaitable[Judgement | None]], prompt: str) -> Judgement | None:
        async with self._room:
            if self._exchange.stop is None:
                try:
                    return await work(prompt)
                except GraderStopped:
                    pass
        # What is under way was paid for: it ends, and is kept, before the first to raise cancels the others.
        while self._room.borrowed_tokens:
            await anyio.sleep(0.02)
        stopped = self.stopped
        assert stopped is not None
        raise stopped

    async def _checked(self, prompt: str) -> None:
        """Whether the grader answers, and whether with log-probabilities."""
        try:
            await self._rater.look()
        except Failed as failed:
            raise self._exchange.given_up(failed.fault) from None

    async def _ask(self, prompt: str) -> Judgement:
        return {"text": await self._exchange.answer(prompt, _REPLY, answers.in_words)}

    async def _rate(self, prompt: str) -> Judgement:
        return await self._rater.rate(prompt, alone=len(self._asked) == 1)


def opened(name: str, *, connections: int | None = None, max_cost: float | None = None, price: str = "") -> ModelGrader:
    """The grader called `name`, as Inspect names models; nothing is asked yet.

    `price` is "IN,OUT", US dollars for a million tokens, where the list has none. HarnessError when there is no such
    provider, its key is missing, or `max_cost` is no limit or limits what has no price.
    """
    known = price_of(name, price)
    if limit(max_cost) is not None and known is None:
        raise HarnessError(
            f"no price is known for grader {name!r}, so --max-cost cannot hold; give it by --price IN,OUT"
        )
    return ModelGrader(name, Ledger(price=known, max_cost=max_cost), connections=connections)


def around(model: Model) -> ModelGrader:
    """A grader that asks a model which someone else opened and will close; the same one for the same model."""
    if model not in _AROUND:
        name = str(model)
        if not name.startswith(LOCAL):
            guard(model)
        _AROUND[model] = ModelGrader(name, Ledger(price=price_of(name)), model=model)
    return _AROUND[model]


# A process is given few models, and each keeps its grader.
_AROUND: dict[Model, ModelGrader] = {}
