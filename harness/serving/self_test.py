"""Whether a server steers what it is asked to and nothing else: tried before it is believed.

A plugin that does not load is only logged by vLLM, and one that never fires says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts import Steering
from harness.engine import Request, Vector
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.serving.server_engine import ServerEngine

PROMPT_TOKENS = 200
"""More than a block of vLLM's cache of prefixes on any machine, so that the cache is tried too."""

REPLY_TOKENS = 8
PROBE = 100.0
"""Times a random vector of the residual stream's width, at every block: no reply stays as it was."""


def check_steering(engine: ServerEngine) -> None:
    """HarnessError unless a zero vector changes nothing, a large one does, and plain replies stay as they were."""
    import torch

    blocks, width = engine.block_count, engine.width
    value = torch.randn(blocks, width, generator=torch.Generator().manual_seed(0))
    length = min(PROMPT_TOKENS, engine.longest - REPLY_TOKENS - 1)
    tokens = tuple(3 + at % (min(engine.vocabulary, 200) - 3) for at in range(length))
    asked = [Request(tokens=tokens, max_tokens=REPLY_TOKENS)]
    before = engine.vectors
    engine.vectors = lambda name: Vector(value=value, rms=torch.ones(blocks))

    def under(coef: float) -> str:
        with engine.steered(Steering(vector="probe", coef=coef, blocks=tuple(range(blocks)))):
            return engine.generate(asked)[0].text

    try:
        plain = engine.generate(asked)[0].text
        replies = {"with a zero vector": under(0.0), "plain, after that": engine.generate(asked)[0].text}
        probed = under(PROBE)
        replies["plain, after steering"] = engine.generate(asked)[0].text
    finally:
        engine.vectors = before
    for when, reply in replies.items():
        if reply != plain:
            raise HarnessError(
                f"the model server replied {reply!r} {when}, and {plain!r} before: it is not to be trusted"
            )
    if probed == plain:
        raise HarnessError(
            "the model server counts steered tokens, and its replies stay as they were: it steers nothing"
        )
