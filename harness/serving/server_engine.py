"""An engine whose weights are in a server: token ids go there and come back, and are made text here.

Steering and adapters are named in each request, so that all conditions of a cell may be under way at once.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness.contracts import Steering
from harness.engine import Completion, Continuation, Likelihood, Request, Vectors, additions, candidates
from harness.errors import HarnessError
from harness.models import Dtype
from harness.serving.asking import Asked, asked_all, completion_of, next_token, whole_distribution
from harness.serving.steering_file import steering_file
from harness.serving.wire import ServerGone, Wire

STEERING = "/v1/steering"


class ModelServer(Protocol):
    """A server that can be reached, and reached again when it has gone.

    `life` grows when it is started anew; `adapters`, changed under `lock`, are those that it was given, oldest first.
    """

    life: int
    lock: AbstractContextManager[object]
    adapters: list[str]

    @property
    def room(self) -> int:
        """How many adapters of ours it may hold at once."""
        ...

    @property
    def base(self) -> str:
        """What the untrained model is called there."""
        ...

    def reach(self) -> Wire:
        """Where to ask it."""
        ...

    def lost(self, wire: Wire, gone: ServerGone) -> None:
        """Told that it did not answer; HarnessError where it is not to be asked again."""
        ...

    def stop(self) -> None:
        """It is not needed any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAdapter:
    """An adapter by a digest of what is in its folder: the server keys its cache of prefixes by the name."""

    name: str
    folder: Path


@dataclass(slots=True)
class _Under:
    """The steering of a thread: its key, the additions as bytes, and the tokens that were written under it."""

    key: str
    content: bytes
    written: int = 0
    requests: int = 0


@dataclass(slots=True, kw_only=True)
class ServerEngine:
    """A model on a server as an `Engine`. `stop` are the ids that end a reply, `steers` whether it has the plugin."""

    server: ModelServer
    tokenizer: Any
    dtype: Dtype
    block_count: int
    width: int
    vocabulary: int
    stop: frozenset[int]
    longest: int
    steers: bool
    adapter: ServedAdapter | None = None
    vectors: Vectors | None = None
    digest: str = ""
    _here: threading.local = field(default_factory=threading.local)

    def generate(
        self, requests: Sequence[Request], *, advance: Callable[[int, int], None] | None = None
    ) -> list[Completion]:
        """The replies to `requests`, in their order; those that came before a server died are not asked again."""
        for request in requests:
            if not request.tokens or request.max_tokens < 1:
                raise HarnessError("a request needs at least one prompt token and room for one reply token")
            self._check(request.tokens)

        def read(at: int, choice: Any) -> Completion:
            return completion_of(choice, requests[at], self.tokenizer, self.stop)

        def tell(reply: Completion | None) -> None:
            if advance is not None:
                advance(*((0, 0) if reply is None else (1, reply.tokens)))

        replies = self._asked([self._body(request) for request in requests], read, tell)
        self._note(len(replies), sum(reply.tokens for reply in replies))
        return replies

    def likelihoods(
        self, asked: Sequence[Continuation], *, advance: Callable[[int], None] | None = None
    ) -> list[Likelihood]:
        """The likelihood of each continuation, in their order."""
        rows = [self._fitted(one) for one in asked]
        for row in rows:
            self._check((*row.before, *row.tokens))
        # A token at a time, as what alone may follow: vLLM 0.32 with adapters dies of a prompt's own likelihoods.
        steps = [(at, place) for at, row in enumerate(rows) for place in range(len(row.tokens))]
        bodies = [
            {
                **self._scored((*rows[at].before, *rows[at].tokens[:place])),
                "allowed_token_ids": [rows[at].tokens[place]],
                "logprobs": 1,
            }
            for at, place in steps
        ]
        open_ = Counter(at for at, _ in steps)

        def read(step: int, choice: Any) -> tuple[int, Likelihood]:
            return steps[step][0], next_token(choice)

        def tell(one: tuple[int, Likelihood] | None) -> None:
            if one is not None:
                open_[one[0]] -= 1
            if advance is not None:
                advance(1 if one is not None and not open_[one[0]] else 0)

        found: list[list[Likelihood]] = [[] for _ in rows]
        for at, one in self._asked(bodies, read, tell):
            found[at].append(one)
        self._note(len(bodies), len(bodies))
        return [Likelihood(math.fsum(one.logprob for one in own), all(one.greedy for one in own)) for own in found]

    def probabilities(self, tokens: Sequence[int], answers: Sequence[str]) -> dict[str, float]:
        """The probability that the model answers the prompt `tokens` with each of `answers`."""
        self._check(tokens)
        paths = candidates.cut(self.tokenizer, answers)
        digits = set(candidates.digits(self.tokenizer, self.vocabulary))
        likely = self.likelihoods([Continuation(tuple(tokens), path) for path in paths])
        numbers = [at for at, answer in enumerate(answers) if answer.isdigit()]
        behind = [{**self._scored((*tokens, *paths[at])), "logprobs": -1} for at in numbers]
        following = self._asked(behind, lambda at, choice: whole_distribution(choice), lambda one: None)
        goes_on = {
            at: math.fsum(chance for token, chance in spread.items() if token in digits)
            for at, spread in zip(numbers, following, strict=True)
        }
        return {
            answer: math.exp(likely[at].logprob) * max(0.0, 1 - goes_on.get(at, 0.0))
            for at, answer in enumerate(answers)
        }

    @contextmanager
    def steered(self, wanted: Steering) -> Iterator[None]:
        """Inside, what this thread asks is answered under `wanted`; the server counts, and none steered is an error."""
        if not self.steers:
            raise HarnessError(
                "the model server has no steering plugin, so it cannot put a vector back; "
                "let the harness start one (--engine vllm), or install the plugin there"
            )
        key, content = steering_file(additions(self, wanted))
        before = self._counted(key), self.server.life
        outer, self._here.under = self._under, _Under(key, content)
        try:
            yield
            under = self._here.under
        finally:
            self._here.under = outer
        counted = self._counted(key) - (before[0] if self.server.life == before[1] else 0)
        if not under.requests or counted < (under.written if self.server.life == before[1] else 1):
            raise HarnessError(
                f"the server steered {max(counted, 0)} tokens with {wanted.vector!r}, and wrote {under.written} under "
                "it: what it answered is not what was asked for"
            )

    @property
    def _under(self) -> _Under | None:
        return getattr(self._here, "under", None)

    def _counted(self, key: str) -> int:
        """The tokens that were steered under `key` since the server started."""
        for _ in range(2):
            wire = self.server.reach()
            try:
                return int(wire.get(STEERING)["tokens"].get(key, 0))
            except ServerGone as gone:
                self.server.lost(wire, gone)
        return 0

    def _note(self, requests: int, tokens: int) -> None:
        if (under := self._under) is not None:
            under.requests += requests
            under.written += tokens

    def _asked(
        self, bodies: Sequence[Any], read: Callable[[int, Any], Asked], tell: Callable[[Asked | None], None]
    ) -> list[Asked]:
        """What `read` makes of the answer to each body, in their order."""
        found: dict[int, Asked] = {}
        while len(found) < len(bodies):
            wire = self.server.reach()
            try:
                self._hand_over(wire)
                asyncio.run(asked_all(wire, bodies, found, read, tell))
            except ServerGone as gone:
                self.server.lost(wire, gone)
        return [found[at] for at in range(len(bodies))]

    def _hand_over(self, wire: Wire) -> None:
        """Has the server hold what the requests name: one that was started since knows nothing."""
        if self.adapter is not None:
            hold(self.server, wire, self.adapter)
        if self._under is not None:
            wire.put(f"{STEERING}/{self._under.key}", self._under.content)

    def _body(self, request: Request) -> dict[str, object]:
        return {
            **self._plain(request.tokens),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "stop_token_ids": sorted(self.stop),
            **({"stop": list(request.stops)} if request.stops else {}),
        }

    def _scored(self, tokens: Sequence[int]) -> dict[str, object]:
        return {**self._plain(tokens), "max_tokens": 1, "temperature": 0.0}

    def _plain(self, tokens: Sequence[int]) -> dict[str, object]:
        """What every request says; nothing is left to settings that a server may have of its own."""
        under = self._under
        named = {} if under is None else {"vllm_xargs": {"steer": under.key}, "cache_salt": under.key}
        return {
            "model": self.adapter.name if self.adapter else self.server.base,
            "prompt": list(tokens),
            "ignore_eos": True,
            "return_token_ids": True,
            "return_tokens_as_token_ids": True,
            "top_k": 0,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            **named,
        }

    def _fitted(self, one: Continuation) -> Continuation:
        if not one.before or not one.tokens:
            raise HarnessError("a likelihood needs at least one token to score and one before it")
        room = self.longest - len(one.tokens)  # the last token is written, not read
        if room < 1:
            raise HarnessError(f"a text of {len(one.tokens)} tokens is too long to score: this server reads less")
        return Continuation(one.before[-room:], one.tokens)

    def _check(self, tokens: Sequence[int]) -> None:
        if (largest := max(tokens)) >= self.vocabulary:
            raise HarnessError(
                f"the tokenizer gives token {largest}, and the model knows {self.vocabulary}: it belongs to another "
                "model; fetch the model again"
            )


def hold(server: ModelServer, wire: Wire, adapter: ServedAdapter) -> None:
    """Has `server` hold `adapter`, and forget the oldest of those that it was given where there is no room."""
    with server.lock:
        held = {one["id"] for one in wire.get("/v1/models")["data"]}
        server.adapters[:] = [name for name in server.adapters if name in held]
        if adapter.name in held:
            return
        while len(server.adapters) >= server.room:
            wire.post("/v1/unload_lora_adapter", {"lora_name": server.adapters.pop(0)})
        folder = adapter.folder.absolute()
        try:
            wire.post("/v1/load_lora_adapter", {"lora_name": adapter.name, "lora_path": str(folder)})
        except (HarnessError, ServerGone) as error:
            raise HarnessError(f"the model server cannot take the adapter in {folder}: {error}") from error
        server.adapters.append(adapter.name)
