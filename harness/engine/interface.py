"""What an engine is to whoever asks it, and what must hold of a backend that is put in its place.

An engine knows tokens: it opens no run folder and no vector file, and reads no chat. Another backend is two things: a
class that has what `Engine` names, and a function that opens a model as `Loader` says. `hosted(opener=...)` of
`harness.evaluation` then asks it for every reply. For trust, add the backend to the list in
tests/test_engine_laws.py. `harness.serving` has the second one, a server. These laws must hold:

- The same list of requests always gives the same replies, in its order.
- A sampled reply depends on its prompt and its seed alone, never on what else is asked at the same time.
- A coefficient of 0 changes nothing: the replies are those without steering.
- Steering that is never applied is an error and not a plain reply: count how often it was applied, and refuse 0.
- Steering ends with its `with` block. A cache of prefixes must not serve a prefix that was read without steering to a
  steered request, nor the other way round, nor one adapter's prefix to another: what steers belongs to its key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from harness.contracts import Steering
from harness.models import Dtype, ModelRef

if TYPE_CHECKING:
    from torch import Tensor

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One prompt, as token ids, and how to draw its reply. Temperature 0 is greedy; `seed` is this row's alone.

    A reply ends before the first of the texts `stops` that comes up in it, none of which is empty.
    """

    tokens: Tokens
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stops: tuple[str, ...] = ()

    def cut(self, text: str) -> str:
        """What of `text` stands before the first of `stops`, all of it where none is there."""
        return text[: min((at for stop in self.stops if (at := text.find(stop)) >= 0), default=len(text))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A reply's text without special tokens, its length in tokens as written, and why it ended.

    A character that was cut in the middle is U+FFFD.
    """

    text: str
    prompt_tokens: int
    tokens: int
    finish: Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Continuation:
    """Tokens to be scored, and those that they follow, at least one."""

    before: Tokens
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The natural log-probability of a continuation, and whether greedy decoding would have written it."""

    logprob: float
    greedy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """A trait vector, (blocks, hidden) fp32 on the CPU, and each block's residual RMS, (blocks,).

    RMS is the root mean square over reply tokens of the residual's Euclidean norm, so that
    coefficient x norm / RMS is the share of the residual's length that an addition has.
    """

    value: Tensor
    rms: Tensor


Vectors = Callable[[str], Vector]
"""The vector of each name."""


@runtime_checkable
class Engine(Protocol):
    """A model that reads and writes tokens, plain or steered.

    `tokenizer` is a tokenizer of transformers. `dtype` is the number type of the weights. `vectors` are those that
    steering may name; whoever opens the model sets them. `digest` tells which untouched model it is, "" for any other.
    """

    tokenizer: Any
    dtype: Dtype
    vectors: Vectors | None
    digest: str

    @property
    def block_count(self) -> int:
        """How many decoder blocks the model has."""
        ...

    @property
    def width(self) -> int:
        """The length of one position of the residual stream."""
        ...

    @property
    def longest(self) -> int:
        """How many tokens the model can read."""
        ...

    def generate(
        self, requests: Sequence[Request], *, advance: Callable[[int, int], None] | None = None
    ) -> list[Completion]:
        """The replies to `requests`, in their order.

        `advance(replies, tokens)` is told of finished replies and new tokens as they come. What it raises ends the
        batch and comes out here: so a batch that nobody waits for is given up.
        """
        ...

    def likelihoods(
        self, asked: Sequence[Continuation], *, advance: Callable[[int], None] | None = None
    ) -> list[Likelihood]:
        """The likelihood of each continuation, in their order; `advance` hears how many are done.

        What comes before is cut at its beginning where the model cannot read it all. HarnessError when a continuation
        alone is too long.
        """
        ...

    def probabilities(self, tokens: Sequence[int], answers: Sequence[str]) -> dict[str, float]:
        """The probability that the model answers the prompt `tokens` with each of `answers`.

        An answer of digits must end there: that of "5" leaves out that another digit follows.
        """
        ...

    def steered(self, wanted: Steering) -> AbstractContextManager[object]:
        """Inside the block, what this thread asks is answered under `wanted`; other threads are not steered.

        HarnessError at the end of a block in which nothing was steered. `harness.engine.additions` says what is added
        to the output of each block, at every position.
        """
        ...


class Loader(Protocol):
    """A function that opens a model for evaluation."""

    def __call__(self, ref: ModelRef, *, dtype: Dtype, adapter: Path | None = None) -> Engine:
        """The model of `ref`, `adapter` (a folder in peft's format) applied to its weights, in `dtype`."""
        ...
