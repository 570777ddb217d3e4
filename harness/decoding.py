"""Batched generation that refills as rows finish: one left-padded cache, written in place."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

LEAST_SHARED = 4
"""Tokens that prompts must share before these are read once for all."""

MOST_AHEAD = 256
"""Columns of the cache made ahead for replies; what is moved when a row joins or leaves is as wide as that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One prompt, as token ids, and how to draw its reply. Temperature 0 is greedy; `seed` is this row's alone."""

    tokens: tuple[int, ...]
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply's text without special tokens, its length in tokens, and why it ended."""

    text: str
    prompt_tokens: int
    tokens: int
    finish: Literal["stop", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """What a batch writes with: the model, its tokenizer, the ids that end a reply, and how many rows fit."""

    model: Any
    tokenizer: Any
    stop: frozenset[int]
    blocks: int
    slots: int
    device: torch.device


class Batch:
    """Continuous batching: rows of one left-padded cache, refilled from the queue as replies end.

    All rows write their next key and value at one common column, `end`; a row's own tokens are the last
    `length` columns before it. Prompts join longest first, so a later one always fits behind `end`.
    """

    def __init__(self, writer: Writer, requests: Sequence[Request], advance: Callable[[int, int], None]) -> None:
        self.writer, self.requests, self.advance = writer, requests, advance
        order = sorted(range(len(requests)), key=lambda i: (-len(requests[i].tokens), requests[i].tokens, i))
        self.queue = deque(order)
        self.written: list[list[int]] = [[] for _ in requests]
        self.uniform = [_uniform(request) for request in requests]
        self.rows: list[int] = []
        self.length: list[int] = []
        self.end = 0

    @torch.inference_mode()
    def run(self) -> list[Reply]:
        if not self.requests:
            return []
        reply = min(MOST_AHEAD, max(request.max_tokens for request in self.requests))
        self.cache = _Cache(self.writer.blocks, room=len(self.requests[self.queue[0]].tokens) + reply)
        self.shared = self._read_prefix()
        while self.queue or self.rows:
            free = self.writer.slots - len(self.rows)
            if self.queue and (free >= max(1, self.writer.slots // 8) or not self.rows):
                self._join([self.queue.popleft() for _ in range(min(free, len(self.queue)))])
            else:
                self._step()
        return [self._reply(i) for i in range(len(self.requests))]

    def _join(self, new: list[int]) -> None:
        """Reads the prompts of `new`, but for what all share, and puts them beside the rows that are being written."""
        shared = self.shared.length
        width = max(len(self.requests[i].tokens) for i in new) - shared
        device = self.writer.device
        ids = torch.zeros(len(new), width, dtype=torch.long)
        mask = torch.zeros(len(new), width, dtype=torch.long)
        for row, i in enumerate(new):
            tokens = self.requests[i].tokens[shared:]
            ids[row, width - len(tokens) :] = torch.tensor(tokens)
            mask[row, width - len(tokens) :] = 1
        positions = shared + (mask.cumsum(-1) - 1).clamp(min=0)
        fresh = self.shared.repeated(len(new), room=shared + width)
        seen = torch.cat([mask.new_ones(len(new), shared), mask], dim=1)
        logits = self._forward(ids.to(device), seen.to(device), positions.to(device), fresh)
        width += shared
        if shared:
            fresh.close_up(self.shared, [width - len(self.requests[i].tokens) for i in new])
        self.end = max(self.end, width)
        self.cache.append(fresh, at=self.end - width)
        self.rows += new
        self.length += [len(self.requests[i].tokens) for i in new]
        self._take(logits)

    def _read_prefix(self) -> _Cache:
        """The keys and values of the tokens that every prompt begins with, read once; empty where few are shared."""
        prefix = _common_prefix([request.tokens for request in self.requests])
        cache = _Cache(self.writer.blocks, room=len(prefix))
        if len(prefix) < LEAST_SHARED or len(self.requests) < 2 or _slides(self.writer.model):
            return cache
        device = self.writer.device
        ids = torch.tensor([prefix], device=device)
        self._forward(ids, torch.ones_like(ids), torch.arange(len(prefix), device=device)[None], cache)
        cache.length = len(prefix)
        return cache

    def _step(self) -> None:
        """Reads each row's newest token and writes the next one."""
        device = self.writer.device
        ids = torch.tensor([[self.written[i][-1]] for i in self.rows], device=device)
        self.length = [length + 1 for length in self.length]
        self.end += 1
        start = self.cache.trim(self.end, max(self.length))
        self.end -= start
        columns = torch.arange(self.end, device=device)
        lengths = torch.tensor(self.length, device=device)
        mask = (columns[None, :] >= self.end - lengths[:, None]).long()
        self.cache.length = self.end - 1
        self._take(self._forward(ids, mask, (lengths - 1)[:, None], self.cache))

    def _forward(self, ids: Tensor, mask: Tensor, positions: Tensor, cache: _Cache) -> Tensor:
        hidden = self.writer.model.get_decoder()(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache.for_model(),
            use_cache=True,
        ).last_hidden_state
        # Contiguous, or the head's matrix is copied once per row.
        return logits(self.writer.model, hidden[:, -1].contiguous()).float()

    def _take(self, logits: Tensor) -> None:
        """Draws the next token of the rows that `logits` is for (the last ones), and lets finished rows go."""
        rows = self.rows[-logits.shape[0] :]
        drawn = self._draw(logits, rows)
        keep = list(range(len(self.rows) - len(rows)))
        for at, (i, token) in enumerate(zip(rows, drawn, strict=True), start=len(keep)):
            self.written[i].append(token)
            if token not in self.writer.stop and len(self.written[i]) < self.requests[i].max_tokens:
                keep.append(at)
        self.advance(len(self.rows) - len(keep), len(rows))
        if len(keep) < len(self.rows):
            self.rows = [self.rows[at] for at in keep]
            self.length = [self.length[at] for at in keep]
            self.cache.select(keep)

    def _draw(self, logits: Tensor, rows: list[int]) -> list[int]:
        greedy: list[int] = logits.argmax(-1).tolist()
        for row, i in enumerate(rows):
            request = self.requests[i]
            if request.temperature > 0:
                at = float(self.uniform[i][len(self.written[i])])
                greedy[row] = _sampled(logits[row] / request.temperature, request.top_p, at)
        return greedy

    def _reply(self, i: int) -> Reply:
        tokens = self.written[i]
        stopped = tokens[-1] in self.writer.stop
        text = self.writer.tokenizer.decode(tokens[:-1] if stopped else tokens, skip_special_tokens=True)
        return Reply(
            text=text,
            prompt_tokens=len(self.requests[i].tokens),
            tokens=len(tokens),
            finish="stop" if stopped else "length",
        )


def logits(model: Any, hidden: Tensor) -> Tensor:
    """Next-token logits, (n, vocabulary), of final hidden states, (n, hidden), soft-capped where the model does so."""
    scores: Tensor = model.get_output_embeddings()(hidden)
    cap = getattr(model.config, "final_logit_softcapping", None)
    return scores if cap is None else torch.tanh(scores / cap) * cap


def _common_prefix(prompts: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """What all `prompts` begin with, short of the last token of any: the next token is told by what is read last."""
    first, last = min(prompts), max(prompts)
    most = min(len(prompt) for prompt in prompts) - 1
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), most)
    return first[: min(same, most)]


def _slides(model: Any) -> bool:
    # A sliding window counts columns, and between the shared tokens and a row's own there is padding for a moment.
    config = getattr(model.config, "text_config", model.config)
    return bool(getattr(config, "sliding_window", None)) and getattr(config, "use_sliding_window", True)


def _uniform(request: Request) -> Tensor:
    # One stream per row: what a row draws does not depend on its neighbours.
    seed = int.from_bytes(hashlib.sha256(f"{request.seed}".encode()).digest()[:7], "big")
    return torch.rand(request.max_tokens, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _sampled(logits: Tensor, top_p: float, at: float) -> int:
    chances, order = logits.double().softmax(-1).sort(descending=True)
    total = chances.cumsum(-1)
    kept = int((total < top_p).sum()) + 1
    total = total[:kept]
    return int(order[min(kept - 1, int((total < at * total[-1]).sum()))])


class _Cache:
    """Keys and values of every block in tensors with room to spare, written in place: (rows, heads, columns, head)."""

    def __init__(self, blocks: int, *, room: int) -> None:
        self.keys: list[Tensor | None] = [None] * blocks
        self.values: list[Tensor | None] = [None] * blocks
        self.length = 0
        self.room = room

    def for_model(self) -> Any:
        """What the model takes as `past_key_values`."""
        from transformers.cache_utils import Cache

        return Cache(layers=[_layer(self, block) for block in range(len(self.keys))])

    def write(self, block: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Puts `key` and `value` at column `length` and gives all columns up to theirs."""
        end = self.length + key.shape[2]
        keys, values = self.keys[block], self.values[block]
        if keys is None or values is None or end > keys.shape[2]:
            keys, values = self._grown(keys, key, end), self._grown(values, value, end)
            self.keys[block], self.values[block] = keys, values
        keys[:, :, self.length : end] = key
        values[:, :, self.length : end] = value
        return keys[:, :, :end], values[:, :, :end]

    def repeated(self, rows: int, *, room: int) -> _Cache:
        """A cache of `rows` rows that each begin with this one's only row."""
        copy = _Cache(len(self.keys), room=room)
        copy.length = self.length
        if self.length:
            for mine, theirs in ((self.keys, copy.keys), (self.values, copy.values)):
                for block, tensor in enumerate(mine):
                    assert tensor is not None
                    theirs[block] = tensor.new_zeros(rows, tensor.shape[1], room, tensor.shape[3])
                    theirs[block][:, :, : self.length] = tensor[:, :, : self.length]  # type: ignore[index]
        return copy

    def close_up(self, prefix: _Cache, gaps: Sequence[int]) -> None:
        """Moves the prefix that each row begins with over the padding behind it, `gaps[row]` columns."""
        for gap in set(gaps) - {0}:
            rows = torch.tensor([row for row, other in enumerate(gaps) if other == gap])
            for mine, theirs in ((self.keys, prefix.keys), (self.values, prefix.values)):
                for tensor, start in zip(mine, theirs, strict=True):
                    assert tensor is not None
                    assert start is not None
                    tensor[rows.to(tensor.device), :, gap : gap + prefix.length] = start[:, :, : prefix.length]

    def append(self, fresh: _Cache, *, at: int) -> None:
        """Adds the rows of `fresh`, whose columns begin at column `at` here."""
        for block, (key, value) in enumerate(zip(fresh.keys, fresh.values, strict=True)):
            assert key is not None
            assert value is not None
            self.keys[block] = self._joined(self.keys[block], key, at)
            self.values[block] = self._joined(self.values[block], value, at)

    def select(self, rows: list[int]) -> None:
        """Keeps only `rows`."""
        for store in (self.keys, self.values):
            for block, tensor in enumerate(store):
                if tensor is not None:
                    store[block] = tensor[torch.tensor(rows, device=tensor.device, dtype=torch.long)] if rows else None

    def trim(self, end: int, used: int) -> int:
        """Drops the columns that no row uses once they are a quarter of the room; says how many went."""
        start = end - used
        if start < self.room // 4:
            return 0
        for store in (self.keys, self.values):
            for block, tensor in enumerate(store):
                if tensor is not None:
                    store[block] = torch.cat([tensor[:, :, start:], torch.zeros_like(tensor[:, :, :start])], dim=2)
        return start

    def _grown(self, tensor: Tensor | None, like: Tensor, end: int) -> Tensor:
        self.room = max(self.room, end)
        grown = like.new_zeros(
            like.shape[0], like.shape[1], self.room + (64 if tensor is not None else 0), like.shape[3]
        )
        if tensor is not None:
            grown[:, :, : tensor.shape[2]] = tensor
        return grown

    def _joined(self, tensor: Tensor | None, new: Tensor, at: int) -> Tensor:
        width = max(self.room, at + new.shape[2], 0 if tensor is None else tensor.shape[2])
        rows = 0 if tensor is None else tensor.shape[0]
        joined = new.new_zeros(rows + new.shape[0], new.shape[1], width, new.shape[3])
        if tensor is not None:
            joined[:rows, :, : tensor.shape[2]] = tensor
        joined[rows:, :, at : at + new.shape[2]] = new
        return joined


def _layer(cache: _Cache, block: int) -> Any:
    from transformers.cache_utils import CacheLayerMixin

    mixin: Any = CacheLayerMixin

    class Layer(mixin):  # type: ignore[misc]
        is_sliding = False

        def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
            self.is_initialized = True

        def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
            return cache.write(block, key_states, value_states)

        def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
            return cache.length + query_length, 0

        def get_seq_length(self) -> int:
            return cache.length

        def get_max_length(self) -> int:
            return -1

    return Layer()
