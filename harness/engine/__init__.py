"""Weights in memory: loading, steering, decoding, likelihood. It knows tokens, and no run folder."""

from harness.engine import candidates, chat, kernels, packed, steering
from harness.engine.chat import Row, System
from harness.engine.decoding import Batch
from harness.engine.doses import additions, chosen_blocks, directions, relative, vectors_for
from harness.engine.family import check_family
from harness.engine.grouping import within
from harness.engine.head import logits
from harness.engine.interface import Completion, Continuation, Engine, Likelihood, Loader, Request, Vector, Vectors
from harness.engine.loading import load, load_tokenizer
from harness.engine.memory import give_back, trim
from harness.engine.packed import pack
from harness.engine.sharing import keeping
from harness.engine.torch_engine import TorchEngine, check_tokens, open_model

__all__ = [
    "Batch",
    "Completion",
    "Continuation",
    "Engine",
    "Likelihood",
    "Loader",
    "Request",
    "Row",
    "System",
    "TorchEngine",
    "Vector",
    "Vectors",
    "additions",
    "candidates",
    "chat",
    "check_family",
    "check_tokens",
    "chosen_blocks",
    "directions",
    "give_back",
    "keeping",
    "kernels",
    "load",
    "load_tokenizer",
    "logits",
    "open_model",
    "pack",
    "packed",
    "relative",
    "steering",
    "trim",
    "vectors_for",
    "within",
]
