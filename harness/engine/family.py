"""Right or refused: a model is computed here as by its own code, or one line says that it is not, before any work.

Hidden states, logits, the cache and the order of padding are handled in parts here, for speed. Families differ in all
of these, and a difference shows in no error: so each model that is loaded is asked a few tokens both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from harness.engine.decoding import Batch, Writer
from harness.engine.head import logits
from harness.engine.interface import Request
from harness.engine.steering import decoder_blocks
from harness.errors import HarnessError, gist

PROMPTS, REPLY = (5, 9), 4
"""The lengths of the prompts that are tried, and how many tokens are written to each."""

APART = 0.05
"""How far logits may be from the model's own, as a share of these: in bf16 rounding makes some thousandths."""

WAY_OUT = "choose a model of another family"


@torch.no_grad()
def check_family(model: Any) -> None:
    """HarnessError where what is computed here of `model` is not what its own forward pass gives."""
    blocks = decoder_blocks(model)
    name = type(model).__name__
    was_training = model.training
    model.eval()
    try:
        prompts = _prompts(model)
        with _told(f"{name} cannot be computed in parts"):
            wrong = _apart(model, prompts)
        if wrong:
            raise HarnessError(f"logits of {name} are {wrong:.0%} off its own where it is computed in parts; {WAY_OUT}")
        with _told(f"{name} does not write by keys and values that it keeps, as hybrid and state-space models do not"):
            written = _written(model, prompts, len(blocks))
        if off := _off(model, prompts, written):
            raise HarnessError(f"replies of {name} are not its own where a batch is written ({off}); {WAY_OUT}")
    finally:
        model.train(was_training)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Whatever a family's code makes of the block, as one line."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(f"{what} ({gist(error)[:120]}); {WAY_OUT}") from error


def _prompts(model: Any) -> list[list[int]]:
    known = int(model.get_input_embeddings().weight.shape[0])
    draw = torch.Generator().manual_seed(0)
    return [torch.randint(known, (length,), generator=draw).tolist() for length in PROMPTS]


def _apart(model: Any, prompts: Sequence[Sequence[int]]) -> float:
    """How far logits are from the model's own, read in one batch that is padded to the right; 0 for near enough."""
    device = next(iter(model.parameters())).device
    ids = torch.zeros(len(prompts), max(map(len, prompts)), dtype=torch.long, device=device)
    for row, tokens in zip(ids, prompts, strict=True):
        row[: len(tokens)] = torch.tensor(tokens)
    hidden = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
    found = [
        _distance(logits(model, states[: len(tokens)]), _own(model, tokens))
        for states, tokens in zip(hidden, prompts, strict=True)
    ]
    return max(found) if max(found) > APART else 0.0


def _written(model: Any, prompts: Sequence[Sequence[int]], blocks: int) -> list[list[int]]:
    """What is written to each of `prompts`, in one batch, with a cache."""
    writer = Writer(
        model=model,
        tokenizer=None,
        stop=frozenset(),
        blocks=blocks,
        slots=len(prompts),
        device=next(iter(model.parameters())).device,
    )
    requests = [Request(tokens=tuple(one), max_tokens=REPLY) for one in prompts]
    batch = Batch(writer, requests, lambda replies, tokens: None)
    batch.write()
    return batch.written


def _off(model: Any, prompts: Sequence[Sequence[int]], written: Sequence[Sequence[int]]) -> str:
    """The first token that the model itself finds clearly less likely than another; empty where there is none."""
    for tokens, reply in zip(prompts, written, strict=True):
        scores = _own(model, [*tokens, *reply])[len(tokens) - 1 : -1].float()
        for at, (row, token) in enumerate(zip(scores, reply, strict=True)):
            if float(row.max() - row[token]) > APART * float(row.norm()):
                return f"token {at + 1} of a reply"
    return ""


def _own(model: Any, tokens: Sequence[int]) -> Tensor:
    ids = torch.tensor([list(tokens)], device=next(iter(model.parameters())).device)
    found: Tensor = model(input_ids=ids, use_cache=False).logits[0]
    return found


def _distance(ours: Tensor, own: Tensor) -> float:
    if ours.shape != own.shape:
        return 1.0
    return float((ours.float() - own.float()).norm() / own.float().norm().clamp_min(1e-9))
