"""The loss of rows: cross-entropy over the positions that are learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from harness.engine import Row, logits
from harness.models import Dtype

HEAD_ROWS = 512
"""Positions whose logits are made at once: so many rows of the vocabulary's width are held."""


def loss_of(model: Any, rows: Sequence[Row], dtype: Dtype) -> tuple[Tensor, int]:
    """Summed cross-entropy in nats over the positions that have loss, and how many there are.

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
    autocast = torch.autocast(device.type, dtype=torch.bfloat16) if dtype == "bf16" else nullcontext()
    with autocast:
        hidden = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        chosen = hidden[:, :-1][wanted[:, 1:]]
        targets = ids[:, 1:][wanted[:, 1:]]
        total = hidden.new_zeros((), dtype=torch.float32)
        for part, target in zip(torch.split(chosen, HEAD_ROWS), torch.split(targets, HEAD_ROWS), strict=True):
            total = total + nn.functional.cross_entropy(logits(model, part).float(), target, reduction="sum")
    return total, len(targets)
