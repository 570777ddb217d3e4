"""Many requests to a server at once, and what its answers say."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from harness.engine import Completion, Likelihood, Request
from harness.errors import HarnessError
from harness.serving.wire import IN_FLIGHT, ServerGone, Wire, posted

if TYPE_CHECKING:
    import httpx

Asked = TypeVar("Asked")

COMPLETIONS = "/v1/completions"
CLOSING_TURNS = 100
"""A loop closes what it was told to close in its next turns; one that ends before leaves sockets to the collector.

Three were too few on a busy machine; a hundred take about a millisecond."""

LOOKS_SECONDS = 0.5
"""How often whoever waits is asked whether anybody still does, while no answer comes."""


async def asked_all(
    wire: Wire,
    bodies: Sequence[Mapping[str, object]],
    found: dict[int, Asked],
    read: Callable[[int, Any], Asked],
    tell: Callable[[Asked | None], None],
) -> None:
    """Puts what `read` makes of each answer into `found`, those that are there already left out.

    `tell` hears of each as it comes, and of None now and then; what it raises ends all requests and comes out, as does
    the first ServerGone or HarnessError.
    """
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one(client: httpx.AsyncClient, at: int, scope: anyio.CancelScope) -> int:
        with scope:
            async with gate:
                answer = await posted(client, COMPLETIONS, bodies[at])
            found[at] = read(at, _choice(answer))
        return at

    async with settled(wire.client()) as client:
        missing = [at for at in range(len(bodies)) if at not in found]
        # Scopes, not Task.cancel: the client shields the closing of connections from nothing but scopes.
        scopes = [anyio.CancelScope() for _ in missing]
        tasks = {asyncio.ensure_future(one(client, at, scope)) for at, scope in zip(missing, scopes, strict=True)}
        waiting = tasks
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, timeout=LOOKS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    tell(found[task.result()])
                if not done:
                    tell(None)
        finally:
            for scope in scopes:
                scope.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def settled(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """`client`, with every connection of it closed when the block has ended, also those that were given up."""
    try:
        async with client:
            yield client
    finally:
        for _ in range(CLOSING_TURNS):
            await asyncio.sleep(0)


def completion_of(choice: Any, request: Request, tokenizer: Any, stop: frozenset[int]) -> Completion:
    """The reply in an answer, from its token ids: the server's own text drops a character that was cut."""
    tokens = choice.get("token_ids")
    if not isinstance(tokens, list) or not all(type(token) is int for token in tokens) or not tokens:
        raise HarnessError("the server gives no token ids; it takes vLLM 0.32 or newer")
    ended = tokens[-1] in stop
    text = tokenizer.decode(tokens[:-1] if ended else tokens, skip_special_tokens=True)
    kept = request.cut(text)
    stopped = ended or kept != text or choice.get("stop_reason") in request.stops
    if not stopped and len(tokens) != request.max_tokens:
        raise ServerGone(f"a reply ended after {len(tokens)} tokens: {choice.get('finish_reason')}")
    return Completion(
        text=kept,
        prompt_tokens=len(request.tokens),
        tokens=len(tokens),
        finish="stop" if stopped else "length",
    )


def next_token(choice: Any) -> Likelihood:
    """How likely the one token was that was let follow, among all."""
    try:
        [mine], [best] = choice["logprobs"]["token_logprobs"], choice["logprobs"]["top_logprobs"]
        return Likelihood(float(mine), float(mine) >= max(best.values()))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise HarnessError("the server does not say how likely a token is; it takes one of vLLM's") from None


def whole_distribution(choice: Any) -> dict[int, float]:
    """The probability of every token behind a prompt."""
    try:
        [told] = choice["logprobs"]["top_logprobs"]
        return {int(name.removeprefix("token_id:")): math.exp(logprob) for name, logprob in told.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise HarnessError(
            "the server does not say how likely every token is; start it with --max-logprobs -1"
        ) from None


def _choice(answer: Any) -> Any:
    try:
        [choice] = answer["choices"]
    except (KeyError, TypeError, ValueError):
        raise HarnessError(f"the server's answer holds no single choice: {answer!r:.200}") from None
    return choice
