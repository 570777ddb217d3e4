"""Weights in memory: loading, steering, decoding, likelihood. It knows tokens, and no run folder."""

from harness.engine import chat, engine, kernels, packed, steering
from harness.engine.chat import Row, System
from harness.engine.decoding import Batch, Reply, Request, logits
from harness.engine.engine import Engine, Vector, chosen_blocks, load, load_tokenizer, open_model
from harness.engine.likelihood import Continuation, likelihoods, longest
from harness.engine.packed import pack
from harness.engine.sharing import keeping

__all__ = [
    "Batch",
    "Continuation",
    "Engine",
    "Reply",
    "Request",
    "Row",
    "System",
    "Vector",
    "chat",
    "chosen_blocks",
    "engine",
    "keeping",
    "kernels",
    "likelihoods",
    "load",
    "load_tokenizer",
    "logits",
    "longest",
    "open_model",
    "pack",
    "packed",
    "steering",
]
