"""The engine that holds a model in this process: weights, adapter, steering, and the vectors that may be added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.contracts import Steering
from harness.engine.candidates import probabilities
from harness.engine.chat import stop_ids
from harness.engine.decoding import Batch, Writer
from harness.engine.doses import additions
from harness.engine.interface import Completion, Continuation, Likelihood, Request, Vectors
from harness.engine.likelihood import likelihoods
from harness.engine.loading import load
from harness.engine.packed import pack
from harness.engine.steering import Calls, adding, decoder_blocks
from harness.errors import HarnessError
from harness.models import Dtype, ModelRef, as_dtype, materialise


@dataclass(slots=True)
class TorchEngine:
    """A model of transformers in this process, as an `Engine`; besides, its modules, for hooks and for training.

    `blocks` are the decoder blocks, in order; `slots` says how many replies are written at once.
    """

    model: Any
    tokenizer: Any
    blocks: Sequence[nn.Module]
    dtype: Dtype
    slots: int = 64
    vectors: Vectors | None = None
    digest: str = ""

    @classmethod
    def around(cls, model: Any, tokenizer: Any, dtype: str, vectors: Vectors | None = None) -> TorchEngine:
        """An engine for a model that is loaded already."""
        return cls(model, tokenizer, list(decoder_blocks(model)), as_dtype(dtype), vectors=vectors)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return torch.device(next(iter(self.model.parameters())).device)

    @property
    def block_count(self) -> int:
        """How many decoder blocks the model has."""
        return len(self.blocks)

    @property
    def width(self) -> int:
        """The length of one position of the residual stream."""
        return int(self.model.get_input_embeddings().weight.shape[1])

    @property
    def longest(self) -> int:
        """How many tokens the model can read."""
        config = getattr(self.model.config, "text_config", self.model.config)
        return int(getattr(config, "max_position_embeddings", 2048))

    def generate(
        self, requests: Sequence[Request], *, advance: Callable[[int, int], None] | None = None
    ) -> list[Completion]:
        """The replies to `requests`, in their order; the same list always gives the same replies.

        `advance(replies, tokens)` is told of each step's finished replies and new tokens.
        """
        for request in requests:
            if not request.tokens or request.max_tokens < 1:
                raise HarnessError("a request needs at least one prompt token and room for one reply token")
        check_tokens(self.model, [request.tokens for request in requests])
        writer = Writer(
            model=self.model,
            tokenizer=self.tokenizer,
            stop=stop_ids(self.tokenizer, getattr(self.model, "generation_config", None)),
            blocks=len(self.blocks),
            slots=self.slots,
            device=self.device,
        )
        return Batch(writer, requests, advance or (lambda replies, tokens: None)).run()

    def likelihoods(
        self, asked: Sequence[Continuation], *, advance: Callable[[int], None] | None = None
    ) -> list[Likelihood]:
        """The likelihood of each continuation, in their order, through whatever hooks are on the model."""
        check_tokens(self.model, [one.before + one.tokens for one in asked])
        return likelihoods(self.model, asked, longest=self.longest, advance=advance)

    def probabilities(self, tokens: Sequence[int], answers: Sequence[str]) -> dict[str, float]:
        """The probability that the model answers the prompt `tokens` with each of `answers`."""
        return probabilities(self.model, self.tokenizer, tokens, answers)

    @contextmanager
    def steered(self, wanted: Steering) -> Iterator[Calls]:
        """Inside the block this thread's forward passes are steered as `wanted` says; no pass at all is an error."""
        with adding(self.blocks, self.additions(wanted), this_thread=True) as calls:
            yield calls
        if calls.count == 0:
            raise HarnessError(f"the model never ran through the blocks that {wanted.vector!r} was added to")

    def additions(self, wanted: Steering) -> dict[int, Tensor]:
        """What `wanted` adds to the output of each block it names, (hidden,) fp32."""
        return additions(self, wanted)


def check_tokens(model: Any, texts: Iterable[Sequence[int]]) -> None:
    """HarnessError where a token of `texts` is none of the model's."""
    known = int(model.get_input_embeddings().weight.shape[0])
    largest = max((max(tokens) for tokens in texts if tokens), default=0)
    if largest >= known:
        raise HarnessError(
            f"the tokenizer gives token {largest}, and the model knows {known}: it belongs to another model; "
            "fetch the model again"
        )


def open_model(
    ref: ModelRef, *, dtype: Dtype, adapter: Path | None = None, weight: float = 1.0, random: bool = False
) -> TorchEngine:
    """The model of `ref` on the best device here, in `dtype`, for evaluation.

    `weight` times `adapter` is merged into its weights; where `random`, numbers that change each matrix by as much are.
    """
    model, tokenizer = load(materialise(ref), adapter=adapter, weight=weight, random=random)
    model = model.to(torch.bfloat16 if dtype == "bf16" else torch.float32).eval().requires_grad_(False)
    pack(model)
    engine = TorchEngine.around(model, tokenizer, dtype)
    engine.digest = ref.digest if adapter is None else ""
    return engine
