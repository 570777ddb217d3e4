"""How a model is made to give a number: by log-probabilities where it gives them, else by samples.

Which of the two is told by what it can do, and not by one answer: a neutral question settles it for all.
"""

from __future__ import annotations

import anyio
from inspect_ai.model import GenerateConfig

from harness.contracts import Rating
from harness.files import Journal
from harness.graders import answers
from harness.graders.exchange import Exchange
from harness.graders.faults import Failed
from harness.graders.judgements import Judgement, is_whole, key_of
from harness.graders.ratings import HIGHEST, WORDS, from_answers, weighted

SAMPLES = 5
TOP_LOGPROBS = 20

NEUTRAL = "Answer with the number 50 and nothing else."

CANDIDATES = (*map(str, range(HIGHEST + 1)), *WORDS)
"""What a local model's answer may be: each is scored as a sequence, since its tokenizer may split digits."""

BY_PROBABILITY, BY_SAMPLES, BY_SEQUENCE = "log-probabilities", "samples", "sequences"

_ONE_TOKEN = GenerateConfig(temperature=0.0, max_tokens=1, logprobs=True, top_logprobs=TOP_LOGPROBS)
_SAMPLE = GenerateConfig(temperature=1.0, max_tokens=256)


class Rater:
    """Numbers from one model within one event loop. What it samples is kept in `journal`, one by one."""

    def __init__(self, exchange: Exchange, journal: Journal, *, connections: int, local: bool) -> None:
        self._exchange, self._journal = exchange, journal
        self._connections, self._local = connections, local
        self._gives: bool | None = None
        self._looking = anyio.Lock()

    async def look(self) -> None:
        """Finds out by a neutral question whether the model gives log-probabilities; Failed when it does not answer."""
        self._gives = await self._exchange.gives_probabilities(NEUTRAL, _ONE_TOKEN)

    async def rate(self, prompt: str, *, alone: bool) -> Judgement:
        """The number that `prompt` asks for, and how it was given; `alone` where no other question is open."""
        if self._local:
            rating, how = await self._by_sequence(prompt), BY_SEQUENCE
        elif (found := await self._by_probability(prompt, alone=alone)) is not None:
            rating, how = found, BY_PROBABILITY
        else:
            rating, how = await self._by_samples(prompt), BY_SAMPLES
        return {"outcome": rating.outcome, "score": rating.score, "mass": rating.mass, "text": rating.text, "how": how}

    async def _by_probability(self, prompt: str, *, alone: bool) -> Rating | None:
        """None when the model gives no log-probabilities."""
        if self._gives is None:
            try:
                rating = await self._exchange.answer(prompt, _ONE_TOKEN, answers.by_probability, without=True)
            except Failed:
                if not await self._found_to_give(alone=alone):
                    return None
            else:
                self._gives = self._gives or rating != answers.FILTERED or None
                return rating
        if not self._gives:
            return None
        return await self._exchange.answer(prompt, _ONE_TOKEN, answers.by_probability)

    async def _found_to_give(self, *, alone: bool) -> bool:
        """Whether the model gives log-probabilities, though an answer had none.

        Where no other question is open that answer tells, for its own question alone. So it does for all where the
        neutral question fails.
        """
        async with self._looking:
            if self._gives is None and not alone:
                try:
                    await self.look()
                except Failed:
                    self._gives = False
            return bool(self._gives)

    async def _by_samples(self, prompt: str) -> Rating:
        """Each sample is kept by itself, so that none is paid for again when a later one fails."""
        said = []
        for number in range(SAMPLES):
            key = key_of(f"sample {number}", prompt)
            kept = self._journal.get(key)
            if kept is None or not is_whole("sample", kept):
                kept = {"text": await self._exchange.answer(prompt, _SAMPLE, answers.in_words)}
                self._journal.add(key, kept)
            said.append(str(kept["text"]))
        return from_answers(said)

    async def _by_sequence(self, prompt: str) -> Rating:
        note = {"harness": {"expect": self._connections, "candidates": list(CANDIDATES)}}
        config = GenerateConfig(max_tokens=1, extra_body=note)
        return await self._exchange.answer(
            prompt,
            config,
            lambda output: weighted((output.metadata or {})["probabilities"].items(), text=output.completion),
        )
