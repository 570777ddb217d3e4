"""A grader over any Inspect model: it asks once, keeps what was said, and gives up only where asking on is useless.

Inspect makes each request (and the provider's own library may repeat it at once); the waiting is done here, because
Inspect waits by its own schedule alone, whatever `Retry-After` says.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self

import anyio
from inspect_ai.model import GenerateConfig, Model, ModelOutput, get_model
from tenacity import RetryError

from harness.contracts import Rating
from harness.errors import HarnessError, gist
from harness.graders.judgements import Judgement, judgements, key_of
from harness.graders.ratings import HIGHEST, WORDS, from_answers, weighted
from harness.judging import Ledger, price_of, tokens_of

CONNECTIONS, LOCAL_CONNECTIONS = 10, 64
ATTEMPTS = 7
FIRST_WAIT, LONGEST_WAIT, LONGEST_PAUSE = 1.0, 60.0, 900.0
ANSWER_SECONDS = 90
SAMPLES = 5
TOP_LOGPROBS = 20

HOPELESS = frozenset({400, 401, 402, 403, 404, 405, 410, 413, 422})
"""Status codes that the same request meets again, however long one waits."""

CANDIDATES = (*map(str, range(HIGHEST + 1)), *WORDS)
"""What a local model's answer may be: each is scored as a sequence, since its tokenizer may split digits."""

LOCAL = "harness/"


class ModelGrader:
    """A grader that asks one Inspect model. Ask inside `async with`, which opens its connections and closes them."""

    def __init__(
        self, name: str, ledger: Ledger, *, connections: int | None = None, model: Model | None = None
    ) -> None:
        self.name, self.ledger = name, ledger
        self.how: str | None = None
        self.connections = connections or (LOCAL_CONNECTIONS if self.local else CONNECTIONS)
        self.model = model or self._opened()
        # A local model's full name holds a digest of what it is.
        self.judgements = judgements(str(self.model), getattr(self.model.api, "base_url", None))
        self._begin()

    @property
    def local(self) -> bool:
        """Whether the model is one of this machine's runs or models."""
        return self.name.startswith(LOCAL)

    async def __aenter__(self) -> Self:
        self._begin()
        # Connections belong to an event loop: a model that is shared would outlive its own.
        self.model = self._opened()
        await self.model.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.model.__aexit__(*error)

    async def ask(self, prompt: str) -> str:
        """The reply to `prompt`, drawn greedily."""
        said = await self._kept("ask", prompt, self._ask)
        return str(said["text"])

    async def rate(self, prompt: str) -> Rating:
        """The number from 0 to 100 that `prompt` asks for.

        By log-probabilities where the model gives them, else the mean of `SAMPLES` answers; a local model's
        numbers are scored as sequences of tokens.
        """
        said = await self._kept("rate", prompt, self._rate)
        self.how = self.how or said["how"]
        return Rating(outcome=said["outcome"], score=said["score"], mass=said["mass"], text=said["text"])

    def check(self) -> None:
        """Asks one short question before work begins, and keeps no answer; HarnessError when there is none."""

        async def one() -> None:
            async with self:
                await self._in_turn(self._rate, "Answer with the number 50 and nothing else.")

        if not self.local:
            asyncio.run(one())

    def record(self) -> dict[str, object]:
        """Which model graded and how, and what this process paid it, for a program."""
        return {"model": self.name, "how": self.how, **self.ledger.record()}

    def _begin(self) -> None:
        self._room = anyio.CapacityLimiter(self.connections)
        self._stop: HarnessError | None = None
        self._quiet_until = 0.0
        self._asked: dict[str, anyio.Event] = {}

    def _opened(self) -> Model:
        config = GenerateConfig(max_connections=self.connections, adaptive_connections=False)
        try:
            return get_model(self.name, config=config, memoize=False)
        except Exception as error:
            raise HarnessError(f"grader {self.name!r} cannot be had: {' '.join(str(error).split())}") from error

    async def _kept(self, kind: str, prompt: str, work: Callable[[str], Awaitable[Judgement]]) -> Judgement:
        """What was said to `prompt`, asked for at most once whoever wants to know."""
        key = key_of(kind, prompt)
        said: Judgement | None
        while (said := self.judgements.get(key)) is None and key in self._asked:
            await self._asked[key].wait()
        if said is not None:
            return said
        event = self._asked[key] = anyio.Event()
        try:
            said = await self._in_turn(work, prompt)
            self.judgements.add(key, said)
            return said
        finally:
            del self._asked[key]
            event.set()

    async def _in_turn(self, work: Callable[[str], Awaitable[Judgement]], prompt: str) -> Judgement:
        async with self._room:
            if self._stop is None:
                try:
                    return await work(prompt)
                except HarnessError as error:
                    self._stop = self._stop or error
        # What is under way was paid for: it ends, and is kept, before the first to raise cancels the others.
        while self._room.borrowed_tokens:
            await anyio.sleep(0.02)
        assert self._stop is not None
        raise self._stop

    async def _ask(self, prompt: str) -> Judgement:
        output = await self._generate(prompt, GenerateConfig(temperature=0.0, max_tokens=1024))
        return {"text": output.completion}

    async def _rate(self, prompt: str) -> Judgement:
        rating = await (self._by_sequence(prompt) if self.local else self._by_probability(prompt))
        if rating is None:
            rating = await self._by_samples(prompt)
        return {
            "outcome": rating.outcome,
            "score": rating.score,
            "mass": rating.mass,
            "text": rating.text,
            "how": self.how,
        }

    async def _by_probability(self, prompt: str) -> Rating | None:
        """None when the model gives no log-probabilities."""
        if self.how == "samples":
            return None
        wanted = GenerateConfig(temperature=0.0, max_tokens=1, logprobs=True, top_logprobs=TOP_LOGPROBS)
        try:
            output = await self._generate(prompt, wanted)
        except _NoLogprobs:
            self.how = "samples"
            return None
        first = output.choices[0] if output.choices else None
        if first is None or first.stop_reason == "content_filter":
            return Rating(outcome="unclear", mass=0.0, text="the provider's filter gave no answer")
        if first.logprobs is None and self.how != "log-probabilities":
            self.how = "samples"
            return None
        self.how = "log-probabilities"
        token = next(iter(first.logprobs.content if first.logprobs else []), None)
        if token is None:
            return Rating(outcome="unclear", mass=0.0, text=output.completion or "no answer")
        said = [(one.token, one.logprob) for one in (token.top_logprobs or [])] or [(token.token, token.logprob)]
        return weighted(((text, math.exp(logprob)) for text, logprob in said), text=output.completion)

    async def _by_samples(self, prompt: str) -> Rating:
        config = GenerateConfig(temperature=1.0, max_tokens=256)
        return from_answers([(await self._generate(prompt, config)).completion for _ in range(SAMPLES)])

    async def _by_sequence(self, prompt: str) -> Rating:
        self.how = "sequences"
        note = {"harness": {"expect": self.connections, "candidates": list(CANDIDATES)}}
        output = await self._generate(prompt, GenerateConfig(max_tokens=1, extra_body=note))
        found: dict[str, float] = (output.metadata or {})["probabilities"]
        return weighted(found.items(), text=output.completion)

    async def _generate(self, prompt: str, config: GenerateConfig) -> ModelOutput:
        """One answer that was paid for once, however often it was asked for."""
        once = config.merge(GenerateConfig(max_retries=0, attempt_timeout=None if self.local else ANSWER_SECONDS))
        reserved = self.ledger.reserve(prompt, config.max_tokens or 0)
        try:
            for attempt in range(ATTEMPTS):
                await self._pause()
                try:
                    output = await self.model.generate(prompt, config=once, cache=False)
                except Exception as error:
                    cause = _cause(error)
                    self._quiet_until = max(self._quiet_until, time.monotonic() + self._wait(cause, config, attempt))
                else:
                    usage = output.usage
                    self.ledger.spend(
                        usage.input_tokens if usage else tokens_of(prompt),
                        usage.output_tokens if usage else tokens_of(output.completion),
                    )
                    return output
            raise self._gave_up(cause, f"{ATTEMPTS} times")
        finally:
            self.ledger.release(reserved)

    async def _pause(self) -> None:
        """Waits until the grader may be asked again, all callers together; raises where asking has been given up."""
        while (left := self._quiet_until - time.monotonic()) > 0 and self._stop is None:
            await anyio.sleep(min(left, 0.5))
        if self._stop is not None:
            raise self._stop

    def _wait(self, cause: BaseException, config: GenerateConfig, attempt: int) -> float:
        """Seconds to wait before asking again; HarnessError where that would be of no use."""
        if isinstance(cause, HarnessError):
            raise cause
        status = _status(cause)
        if status in HOPELESS and config.logprobs and "logprob" in str(cause):
            raise _NoLogprobs
        if status in HOPELESS or getattr(cause, "code", None) == "insufficient_quota":
            raise self._gave_up(cause, "")
        asked = getattr(self.model.api.should_retry(cause), "retry_after", None) if isinstance(cause, Exception) else 0
        if asked and asked > LONGEST_PAUSE:
            raise self._gave_up(cause, f"and wants {asked:.0f} s of rest")
        # No random draw decides a result here: it spreads the callers.
        pause: float = max(float(asked or 0.0), min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * random.uniform(0.5, 1.0))
        return pause

    def _gave_up(self, cause: BaseException, often: str) -> HarnessError:
        return HarnessError(
            f"grader {self.name!r} failed {f'{often} ' if often else ''}({gist(cause)}); "
            f"{self.ledger.calls} answers of this command are kept, and the same command goes on from there"
        )


def opened(name: str, *, connections: int | None = None, max_cost: float | None = None, price: str = "") -> ModelGrader:
    """The grader called `name`, as Inspect names models; nothing is asked yet.

    `price` is "IN,OUT", US dollars for a million tokens, where the list has none. HarnessError when there is no such
    provider, its key is missing, or `max_cost` limits what has no price.
    """
    known = price_of(name, price)
    if max_cost is not None and known is None:
        raise HarnessError(
            f"no price is known for grader {name!r}, so --max-cost cannot hold; give it by --price IN,OUT"
        )
    return ModelGrader(name, Ledger(price=known, max_cost=max_cost), connections=connections)


def around(model: Model) -> ModelGrader:
    """A grader that asks a model which someone else opened and will close; the same one for the same model."""
    if model not in _AROUND:
        name = str(model)
        _AROUND[model] = ModelGrader(name, Ledger(price=price_of(name)), model=model)
    return _AROUND[model]


# A process is given few models, and each keeps its grader.
_AROUND: dict[Model, ModelGrader] = {}


class _NoLogprobs(Exception):
    """The provider refuses a request for log-probabilities."""


def _cause(error: BaseException) -> BaseException:
    """What went wrong below the wrappings of Inspect."""
    if isinstance(error, RetryError):
        error = error.last_attempt.exception() or error
    return error.__cause__ if type(error).__name__ == "ModelGenerateError" and error.__cause__ else error


def _status(error: BaseException) -> int | None:
    found = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    return found if isinstance(found, int) else None
