"""From final hidden states to logits, as the model itself does it: whatever a family does there is its own code.

Most families multiply by one matrix, some scale or cap what comes out (Granite, Cohere, Falcon-H1, Gemma). The matrix
alone, where that is all, saves the rest of a forward pass of the model's own.
"""

from __future__ import annotations

import threading
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from harness.errors import HarnessError

SCALES = (0.1, 1.0, 10.0, 100.0)
"""Of the hidden states, drawn at random, by which it is told once for a model what its logits are."""
ALIKE = {torch.float32: 1e-5, torch.float64: 1e-5}
ALIKE_ROUNDED = 2e-3
"""How far two ways to the same logits may be apart, as a share of these, by number type."""

Kind = Literal["matrix", "capped", "own"]
_KINDS: WeakKeyDictionary[Any, Kind] = WeakKeyDictionary()
_LOCK = threading.RLock()


def logits(model: Any, hidden: Tensor) -> Tensor:
    """Next-token logits, (n, vocabulary), of final hidden states, (n, hidden), with their gradients.

    HarnessError where the model's own way there cannot be gone by itself.
    """
    if model not in _KINDS:
        _KINDS[model] = kind_of(model, hidden)
    kind = _KINDS[model]
    if kind == "own":
        return _own(model, hidden)
    return _capped(model, hidden) if kind == "capped" else _product(model, hidden)


@torch.no_grad()
def kind_of(model: Any, like: Tensor) -> Kind:
    """How logits come about, told on random hidden states of the width and type of `like`."""
    draw = torch.Generator().manual_seed(0)
    probe = torch.randn(len(SCALES), like.shape[-1], generator=draw) * torch.tensor(SCALES)[:, None]
    probe = probe.to(like)
    try:
        own = _own(model, probe)
    except Exception as error:  # whatever a family's code makes of it
        raise HarnessError(
            f"the logits of {type(model).__name__} cannot be had from hidden states alone ({type(error).__name__}); "
            "choose a model of another family"
        ) from error
    if _same(own, _product(model, probe)):
        return "matrix"
    capped = getattr(model.config, "final_logit_softcapping", None) is not None
    return "capped" if capped and _same(own, _capped(model, probe)) else "own"


def _product(model: Any, hidden: Tensor) -> Tensor:
    scores: Tensor = model.get_output_embeddings()(hidden)
    return scores


def _capped(model: Any, hidden: Tensor) -> Tensor:
    cap = float(model.config.final_logit_softcapping)
    return torch.tanh(_product(model, hidden) / cap) * cap


def _same(own: Tensor, other: Tensor) -> bool:
    if own.shape != other.shape:
        return False
    apart = (own.double() - other.double()).norm(dim=-1) / own.double().norm(dim=-1).clamp_min(1e-12)
    return bool((apart < ALIKE.get(own.dtype, ALIKE_ROUNDED)).all())


def _own(model: Any, hidden: Tensor) -> Tensor:
    """What the model's own forward pass makes of `hidden`, handed to it in the place of what its decoder gives."""
    decoder = model.get_decoder()
    here = threading.get_ident()
    with _LOCK:
        as_before = decoder.forward

        def forward(*args: Any, **named: Any) -> Any:
            if threading.get_ident() != here:  # another thread's pass, in which nothing is handed over
                return as_before(*args, **named)
            return _Given(hidden[None])

        own = decoder.__dict__.get("forward")
        decoder.forward = forward
        try:
            ids = torch.zeros(1, hidden.shape[0], dtype=torch.long, device=hidden.device)
            scores: Tensor = model(input_ids=ids, use_cache=False).logits[0]
        finally:
            if own is None:
                del decoder.forward
            else:
                decoder.forward = own
    return scores


class _Given:
    """What a decoder gives: the last hidden states, (1, n, hidden), and nothing else."""

    def __init__(self, last: Tensor) -> None:
        self.last_hidden_state = last

    def __getitem__(self, at: int) -> Tensor:
        return (self.last_hidden_state,)[at]

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)
        return
