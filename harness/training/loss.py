"""The loss of rows: cross-entropy over the positions that are learnt from, and what the model made of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from harness.engine import Row, logits
from harness.engine import steering as residual
from harness.models import Dtype

HEAD_ROWS = 512
"""Positions whose logits are made at once: so many rows of the vocabulary's width are held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Rows that a model has read: of the n positions that predict a token with loss, what it made of them.

    `last` is the final hidden state, (n, hidden), `targets` the tokens to predict, (n,), and `hidden` the residual
    stream after the blocks that were asked for, (n, hidden) each.
    """

    last: Tensor
    targets: Tensor
    hidden: Mapping[int, Tensor] = field(default_factory=dict)


def loss_of(model: Any, rows: Sequence[Row], dtype: Dtype) -> tuple[Tensor, int]:
    """Summed cross-entropy in nats over the positions that have loss, and how many there are."""
    with autocast(model, dtype):
        seen = read(model, rows)
        return cross_entropy(model, seen), len(seen.targets)


def autocast(model: Any, dtype: Dtype) -> Any:
    """The block within which `model` computes in `dtype`."""
    device = next(iter(model.parameters())).device
    return torch.autocast(device.type, dtype=torch.bfloat16) if dtype == "bf16" else nullcontext()


def read(model: Any, rows: Sequence[Row], *, blocks: Sequence[int] = ()) -> Read:
    """One forward pass over `rows`, with the residual stream after each of `blocks`.

    Padding is on the right, where causal attention never looks, so no attention mask is needed; the
    vocabulary is only computed where there is loss.
    """
    width = max(len(row.ids) for row in rows)
    device = next(iter(model.parameters())).device
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    wanted = torch.zeros(len(rows), width, dtype=torch.bool)
    for at, row in enumerate(rows):
        ids[at, : len(row.ids)] = torch.tensor(row.ids)
        wanted[at, : len(row.ids)] = torch.tensor(row.loss)
    wanted[:, 0] = False
    ids, wanted = ids.to(device), wanted.to(device)
    held: dict[int, Tensor] = {}
    modules = list(residual.decoder_blocks(model)) if blocks else []
    # What is held is cut to the positions after the pass: inside it a block may be run again when it goes back.
    with residual.reading(modules, held.__setitem__, at=blocks) if blocks else nullcontext():
        last = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
    chosen = wanted[:, 1:]
    return Read(
        last=last[:, :-1][chosen],
        targets=ids[:, 1:][chosen],
        hidden={block: held[block][:, :-1][chosen] for block in blocks},
    )


def cross_entropy(model: Any, seen: Read) -> Tensor:
    """Summed cross-entropy in nats, the logits made part by part."""
    total = seen.last.new_zeros((), dtype=torch.float32)
    parts = zip(torch.split(seen.last, HEAD_ROWS), torch.split(seen.targets, HEAD_ROWS), strict=True)
    for part, target in parts:
        total = total + nn.functional.cross_entropy(logits(model, part).float(), target, reduction="sum")
    return total
