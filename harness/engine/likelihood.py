"""How likely a model finds given token sequences: batched, exact, and through whatever hooks are on the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from harness.engine.grouping import within
from harness.engine.head import logits
from harness.engine.interface import Continuation, Likelihood
from harness.errors import HarnessError

READ_TOKENS = 4096
"""Padded tokens that are read at once."""

SCORED_AT_ONCE = 256
"""Positions whose logits are made at once: so many rows of the vocabulary's width are held."""


@torch.inference_mode()
def likelihoods(
    model: Any, asked: Sequence[Continuation], *, longest: int, advance: Callable[[int], None] | None = None
) -> list[Likelihood]:
    """The likelihood of each continuation, in their order, by a model that reads `longest` tokens.

    `advance` hears how many are done. What comes before is cut at its beginning where the model cannot read it all.
    HarnessError when a continuation alone is too long.
    """
    rows = [_fitted(one, longest) for one in asked]
    found: dict[int, Likelihood] = {}
    for group in within([len(row.before) + len(row.tokens) for row in rows], READ_TOKENS):
        for i, likelihood in zip(group, _read(model, [rows[i] for i in group]), strict=True):
            found[i] = likelihood
        if advance is not None:
            advance(len(group))
    return [found[i] for i in range(len(rows))]


def _fitted(one: Continuation, most: int) -> Continuation:
    if not one.before or not one.tokens:
        raise HarnessError("a likelihood needs at least one token to score and one before it")
    room = most + 1 - len(one.tokens)  # the last token is scored, not read
    if room < 1:
        raise HarnessError(f"a text of {len(one.tokens)} tokens is too long to score: this model reads {most}")
    return Continuation(one.before[-room:], one.tokens)


def _read(model: Any, rows: Sequence[Continuation]) -> list[Likelihood]:
    # Padding stands to the right, where no token of a causal model sees it.
    device = next(iter(model.parameters())).device
    whole = [(*row.before, *row.tokens)[:-1] for row in rows]
    ids = torch.zeros(len(rows), max(map(len, whole)), dtype=torch.long)
    for at, tokens in enumerate(whole):
        ids[at, : len(tokens)] = torch.tensor(tokens)
    hidden = model.get_decoder()(input_ids=ids.to(device), use_cache=False).last_hidden_state
    ends = [len(row.before) - 1 for row in rows]
    told = torch.cat(
        [hidden[at, end : end + len(row.tokens)] for at, (row, end) in enumerate(zip(rows, ends, strict=True))]
    )
    wanted = torch.tensor([token for row in rows for token in row.tokens], device=device)
    logprobs, greedy = _scored(model, told, wanted)
    parts = [len(row.tokens) for row in rows]
    return [
        Likelihood(float(mine.sum()), bool(same.all()))
        for mine, same in zip(torch.split(logprobs, parts), torch.split(greedy, parts), strict=True)
    ]


def _scored(model: Any, hidden: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Per position the log-probability of the token that is `wanted`, in fp64, and whether it is the likeliest."""
    logprobs, greedy = [], []
    for part, tokens in zip(torch.split(hidden, SCORED_AT_ONCE), torch.split(wanted, SCORED_AT_ONCE), strict=True):
        scores = logits(model, part).float()
        mine = scores.gather(1, tokens[:, None])[:, 0]
        logprobs.append((mine - scores.logsumexp(-1)).double().cpu())
        greedy.append((scores.argmax(-1) == tokens).cpu())
    return torch.cat(logprobs), torch.cat(greedy)
