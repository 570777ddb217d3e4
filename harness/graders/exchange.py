"""One question put to a grader until there is an answer, or it is known whether the question or the grader fails."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio
from inspect_ai.model import GenerateConfig, Model, ModelOutput

from harness.errors import GraderStopped, HarnessError, Unanswered
from harness.graders import answers
from harness.graders.faults import PAID, Failed, Fault, fault_of
from harness.graders.wire import shown_address
from harness.judging import Ledger, OverLimit, Reservation
from harness.screen import say

Answer = TypeVar("Answer")
Read = Callable[[ModelOutput], Answer]

TOLD_SECONDS = 5.0
"""A longer wait is told of."""

_WAYS_OUT = {
    401: "see that its key is right; ",
    402: "see to its account; ",
    403: "see what its key may do; ",
    404: "see that model and address are right; ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a question is asked and how long is waited, in seconds.

    `unread` is how often where answers may have to be paid for, `unmet` the longest wait for one that nobody has
    reached yet, `pause` the longest rest that a provider may ask for, `answer` the time for one answer.
    """

    attempts: int
    unread: int
    first: float
    longest: float
    unmet: float
    pause: float
    answer: int | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a grader is asked no more, and what to do about it; `over` where that is the limit on its cost."""

    said: str
    way_out: str = ""
    over: bool = False

    def told(self, kept: int, cost: float | None) -> str:
        """The line that says so, with what is kept by now."""
        if self.over:
            more = "the same command with a higher --max-cost goes on from there"
            return f"{self.said}: {kept} answers for ${cost or 0.0:.4f} are kept; {more}"
        more = f"{kept} answers of this command are kept, and the same command goes on from there"
        return f"{self.said}; {self.way_out}{more}"


class Exchange:
    """Questions to one model within one event loop, and what their failures say about it."""

    def __init__(self, model: Model, name: str, ledger: Ledger, patience: Patience, *, neutral: str = "") -> None:
        self._model, self._name, self._ledger, self._patience = model, name, ledger, patience
        self._neutral = neutral
        self.stop: Stop | None = None
        self._quiet_until = 0.0
        self._answered_at: float | None = None
        self._failed_in_a_row = 0
        self._told_at = 0.0
        self._looking = anyio.Lock()

    async def answer(self, prompt: str, config: GenerateConfig, read: Read[Answer], *, without: bool = False) -> Answer:
        """What `read` makes of the answer; Unanswered where the question fails for good, GraderStopped where all do.

        `without` lets an answer without log-probabilities through as Failed, once, for the caller to find out more.
        """
        try:
            found = await self.asked(prompt, config, read, without=without)
        except Failed as failed:
            if without and failed.fault.kind == "without":
                raise
            fault = failed.fault
        else:
            self._failed_in_a_row = 0
            return found
        if await self._is_of_the_question(fault, config, read):
            self._failed_in_a_row += 1
            raise Unanswered(self._failed(fault))
        raise self.given_up(fault)

    async def gives_probabilities(self, prompt: str, config: GenerateConfig) -> bool:
        """Whether `prompt` is answered with log-probabilities; Failed where it is not answered."""
        try:
            await self.asked(prompt, config, answers.by_probability, without=True)
        except Failed as failed:
            if failed.fault.kind == "without":
                return False
            raise
        return True

    async def asked(
        self, prompt: str, config: GenerateConfig, read: Read[Answer], *, without: bool = False, attempts: int = 0
    ) -> Answer:
        """What `read` makes of the answer, asked for as often as that is of use; then Failed, with the last failure."""
        once = config.merge(GenerateConfig(max_retries=0, attempt_timeout=self._patience.answer))
        attempt, began = 0, time.monotonic()
        while True:
            await self._pause()
            fault, found = await self._once(prompt, once, read)
            if fault is None:
                return found  # type: ignore[return-value]
            attempt += 1
            most = min(attempts or self._patience.attempts, self._most(fault, without=without))
            if fault.rest > self._patience.pause:
                fault = Fault(kind="stop", said=f"{fault.said}) (it wants {fault.rest:.0f} s of rest")
            if attempt >= most or fault.kind == "stop":
                raise Failed(_Last.of(fault, began=began, times=attempt))
            began = time.monotonic()  # what was answered before says nothing of a grader that has gone since
            await self._rest(fault, attempt)

    async def _once(
        self, prompt: str, config: GenerateConfig, read: Read[Answer]
    ) -> tuple[Fault | None, Answer | None]:
        """One request, booked: a failure, or what `read` makes of the answer."""
        reserved = await self._reserved(prompt, config.max_tokens or 0)
        try:
            output, fault = await self._said(prompt, config)
        except BaseException:  # it was cancelled
            self._ledger.release(reserved)
            raise
        if output is None:
            assert fault is not None
            self._ledger.release(reserved, lost=fault.kind in PAID)
            return fault, None
        used = output.usage
        self._ledger.spend(reserved, used.input_tokens if used else None, used.output_tokens if used else None)
        try:
            found = read(output)
        except Failed as failed:
            return failed.fault, None
        self._answered_at = time.monotonic()
        return None, found

    async def _said(self, prompt: str, config: GenerateConfig) -> tuple[ModelOutput | None, Fault | None]:
        try:
            return await self._model.generate(prompt, config=config, cache=False), None
        except HarnessError as error:  # of a model of this machine
            return None, Fault(kind="question", said=str(error))
        except Exception as error:
            return None, fault_of(error)

    async def _reserved(self, prompt: str, max_tokens: int) -> Reservation:
        while True:
            if self.stop is not None:
                raise GraderStopped
            try:
                reserved = self._ledger.reserve(prompt, max_tokens)
            except OverLimit as error:
                self.stop = self.stop or Stop(str(error), over=True)
                raise GraderStopped from None
            if reserved is not None:
                return reserved
            await anyio.sleep(0.01)

    def _most(self, fault: Fault, *, without: bool) -> int:
        """How often a question that fails so is asked in all."""
        if fault.kind in ("question", "grader", "stop") or (fault.kind == "without" and (without or fault.status)):
            return 1
        if fault.kind == "late" and self._answered_at is None:
            return min(2, self._patience.unread)
        if fault.kind in ("late", "unreadable", "without"):
            return self._patience.unread
        return 2 if self._failed_in_a_row else self._patience.attempts

    async def _rest(self, fault: Fault, attempt: int) -> None:
        """Waits before the same question is asked again; where the provider is overloaded, all questions wait."""
        unmet = fault.kind == "unreached" and self._answered_at is None
        longest = min(self._patience.longest, self._patience.unmet) if unmet else self._patience.longest
        # No random draw decides a result here: it spreads the callers.
        wait = max(fault.rest, min(longest, self._patience.first * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0))
        now = time.monotonic()
        if now - self._told_at > 3 * TOLD_SECONDS and (wait > TOLD_SECONDS or fault.kind == "late"):
            self._told_at = now
            say(f"grader {self._name} failed ({fault.said}); it is asked again in {wait:.0f} s")
        if fault.of_all:
            self._quiet_until = max(self._quiet_until, now + wait)
        else:
            await self._asleep(now + wait)

    async def _pause(self) -> None:
        """Waits until the grader may be asked; GraderStopped where asking has been given up."""
        while self._quiet_until > time.monotonic():
            await self._asleep(self._quiet_until)
        if self.stop is not None:
            raise GraderStopped

    async def _asleep(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0 and self.stop is None:
            await anyio.sleep(min(left, 0.5))

    async def _is_of_the_question(self, fault: Fault, config: GenerateConfig, read: Read[Answer]) -> bool:
        """Whether the question failed and not the grader: other answers tell, or else a neutral question."""
        if fault.kind == "stop" or (fault.kind == "grader" and self._answered_at is None):
            return False
        since = fault.began if isinstance(fault, _Last) and fault.kind != "question" else 0.0
        if not self._neutral:
            return self._answered_at is not None
        async with self._looking:
            if self._answered_at is not None and self._answered_at >= since:
                return True
            try:
                await self.asked(self._neutral, config, read, attempts=2)
            except Failed:
                return False
            return True

    def given_up(self, fault: Fault) -> GraderStopped:
        """Has nothing more asked; the first reason stands."""
        self.stop = self.stop or Stop(self._failed(fault), self._way_out(fault))
        return GraderStopped()

    def _failed(self, fault: Fault) -> str:
        times = f" {fault.times} times" if isinstance(fault, _Last) and fault.times > 1 else ""
        return f"grader {self._name!r} failed{times} ({fault.said})"

    def _way_out(self, fault: Fault) -> str:
        if fault.kind == "unreached" and self._answered_at is None:
            return f"nobody was reached at {shown_address(self._model)}: see that it runs, or correct the address; "
        return _WAYS_OUT.get(fault.status or 0, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Last(Fault):
    """The last failure of a question: since when it was asked, and how often."""

    began: float
    times: int

    @classmethod
    def of(cls, fault: Fault, *, began: float, times: int) -> _Last:
        return cls(kind=fault.kind, said=fault.said, status=fault.status, rest=fault.rest, began=began, times=times)
