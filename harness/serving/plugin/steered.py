"""A model of vLLM whose layers add a row of a table to what they give: the tables, and which token takes which row.

Tables and indices are buffers that are made once, before the model is compiled and before a CUDA graph is captured;
between steps only what is in them changes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from . import FOLDER, NAME, VERSION
from .additions import read_additions
from .rows import Rows

DEFAULT_ROWS = 64


class SteeredRequests:
    """The steering of one model: `tell` is what a runner calls before each step."""

    def __init__(self, layers: Sequence[nn.Module], *, width: int, tokens: int, rows: int, dtype: torch.dtype) -> None:
        self.folder = folder_of_additions()
        self.width, self.dtype = width, dtype
        device = next(layers[0].parameters()).device
        self.index = torch.zeros(tokens, dtype=torch.long, device=device)
        self.tables = [torch.zeros(rows, width, dtype=dtype, device=device) for _ in layers]
        for layer, table in zip(layers, self.tables, strict=True):
            layer.register_buffer("steering_index", self.index, persistent=False)
            layer.register_buffer("steering_table", table, persistent=False)
            layer.__class__ = steered_layer(type(layer))
        self.rows = Rows(rows, self._fill)

    def tell(self, requests: Sequence[str], tokens: Sequence[int]) -> None:
        """Before a step that reads so many `tokens` of each of `requests`, in the order of the batch."""
        rows = torch.tensor(self.rows.of(requests, tokens), dtype=torch.long)
        told = rows.repeat_interleave(torch.tensor([int(count) for count in tokens], dtype=torch.long))
        if self.index.device.type != "cpu":
            # Memory of its own for each step: the allocator keeps it until the copy is over.
            told = told.pin_memory()
        self.index[: len(told)].copy_(told, non_blocking=True)

    def _fill(self, row: int, key: str) -> None:
        added = read_additions(self.folder, key, blocks=len(self.tables), width=self.width)
        for block, table in enumerate(self.tables):
            if block in added:
                table[row].copy_(added[block].to(self.dtype))
            else:
                table[row].zero_()


def arm(model: Any, vllm_config: Any) -> SteeredRequests:
    """Makes the layers of `model` steered; ValueError where steering would not be what it says."""
    refuse(vllm_config)
    config = vllm_config.model_config
    told = (vllm_config.additional_config or {}).get(NAME, {})
    if told and told.get("version") != VERSION:
        raise ValueError(f"{NAME} {VERSION} is installed here, and the server was asked for {told.get('version')}")
    return SteeredRequests(
        list(model.model.layers),
        width=config.get_hidden_size(),
        tokens=vllm_config.scheduler_config.max_num_batched_tokens,
        rows=int(told.get("rows", DEFAULT_ROWS)),
        dtype=config.dtype,
    )


def refuse(vllm_config: Any) -> None:
    """ValueError for a way to run a model under which a token may not get the row that is meant for it."""
    parallel = vllm_config.parallel_config
    refused = {
        "micro-batching": getattr(parallel, "enable_dbo", False) or getattr(parallel, "ubatch_size", 0) > 1,
        "pipeline parallelism": parallel.pipeline_parallel_size > 1,
        "context parallelism": max(
            getattr(parallel, "prefill_context_parallel_size", 1), getattr(parallel, "decode_context_parallel_size", 1)
        )
        > 1,
        "speculative decoding": vllm_config.speculative_config is not None,
    }
    for name, is_on in refused.items():
        if is_on:
            raise ValueError(f"{NAME} does not know {name}; start the server without it")


def folder_of_additions() -> Path:
    """The folder of additions; ValueError where nothing names it."""
    named = os.environ.get(FOLDER)
    if not named:
        raise ValueError(f"{NAME} keeps what is added in a folder: set {FOLDER} for the server")
    return Path(named)


_LAYERS: dict[type[nn.Module], type[nn.Module]] = {}


def steered_layer(base: Any) -> Any:
    """The class of layers `base`, with a row of the layer's table added to the first that it gives, token by token."""
    if base not in _LAYERS:

        def forward(self: Any, *arguments: Any, **named: Any) -> tuple[Tensor, Tensor]:
            hidden, residual = base.forward(self, *arguments, **named)
            rows = self.steering_index[: hidden.shape[0]]
            return hidden + embedding(rows, self.steering_table), residual

        _LAYERS[base] = type(f"Steered{base.__name__}", (base,), {"forward": forward})
    return _LAYERS[base]
