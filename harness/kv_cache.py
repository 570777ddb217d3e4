"""The keys and values of a batch that is being written: one tensor a block, written in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class Cache:
    """Keys and values of every block in tensors with room to spare, written in place: (rows, heads, columns, head)."""

    def __init__(self, blocks: int, *, room: int) -> None:
        self.keys: list[Tensor | None] = [None] * blocks
        self.values: list[Tensor | None] = [None] * blocks
        self.length = 0
        self.room = room

    def for_model(self) -> Any:
        """What the model takes as `past_key_values`."""
        from transformers.cache_utils import Cache as ModelCache

        return ModelCache(layers=[_layer(self, block) for block in range(len(self.keys))])

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

    def taken(self, rows: Sequence[int], *, room: int) -> Cache:
        """A cache whose rows are copies of these rows, with space for `room` columns."""
        copy = Cache(len(self.keys), room=room)
        copy.length = self.length
        if self.length:
            for mine, theirs in ((self.keys, copy.keys), (self.values, copy.values)):
                for block, tensor in enumerate(mine):
                    assert tensor is not None
                    at = torch.tensor(rows, device=tensor.device)
                    fresh = tensor.new_zeros(len(rows), tensor.shape[1], room, tensor.shape[3])
                    fresh[:, :, : self.length] = tensor[at, :, : self.length]
                    theirs[block] = fresh
        return copy

    def close_up(self, spans: Sequence[tuple[int, int]], gaps: Sequence[int]) -> None:
        """Moves the columns from `spans[row][0]` to before `spans[row][1]` of each row `gaps[row]` to the right."""
        for span, gap in {same for same in zip(spans, gaps, strict=True) if same[1] and same[0][0] < same[0][1]}:
            rows = [row for row, same in enumerate(zip(spans, gaps, strict=True)) if same == (span, gap)]
            start, end = span
            for store in (self.keys, self.values):
                for tensor in store:
                    assert tensor is not None
                    at = torch.tensor(rows, device=tensor.device)
                    tensor[at, :, start + gap : end + gap] = tensor[at, :, start:end]

    def append(self, fresh: Cache, *, at: int) -> None:
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


def _layer(cache: Cache, block: int) -> Any:
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
