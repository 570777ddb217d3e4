"""The keys and values of a batch that is being written: one tensor a block, written in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor


class Cache:
    """Keys and values of every block in tensors with room to spare, written in place: (slots, heads, columns, head).

    The first `rows` rows count; what lies behind them, and in columns that a row does not use, is never looked at.
    """

    def __init__(self, blocks: int, *, room: int, slots: int = 0) -> None:
        self.keys: list[Tensor | None] = [None] * blocks
        self.values: list[Tensor | None] = [None] * blocks
        self.rows = 0
        self.length = 0
        self.room = room
        self.slots = slots

    def for_model(self) -> Any:
        """What the model takes as `past_key_values`."""
        from transformers.cache_utils import Cache as ModelCache

        return ModelCache(layers=[_layer(self, block) for block in range(len(self.keys))])

    def write(self, block: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Puts `key` and `value` at column `length` and gives all columns up to theirs."""
        self.rows = key.shape[0]
        start, end = self.length, self.length + key.shape[2]
        keys = self._roomy(self.keys, block, key, end)
        values = self._roomy(self.values, block, value, end)
        keys[: self.rows, :, start:end] = key
        values[: self.rows, :, start:end] = value
        return keys[: self.rows, :, :end], values[: self.rows, :, :end]

    def taken(self, rows: Sequence[int], *, room: int) -> Cache:
        """A cache whose rows are copies of these rows, with space for `room` columns."""
        copy = Cache(len(self.keys), room=room, slots=len(rows))
        if self.length:
            copy.rows, copy.length = len(rows), self.length
            at = self._index(rows)
            for block, mine, theirs in self._pairs(copy):
                fresh = copy._roomy(theirs, block, mine, room)
                fresh[:, :, : self.length] = mine[at, :, : self.length]
        return copy

    def close_up(self, spans: Sequence[tuple[int, int]], gaps: Sequence[int]) -> None:
        """Moves the columns from `spans[row][0]` to before `spans[row][1]` of each row `gaps[row]` to the right."""
        for span, gap in {same for same in zip(spans, gaps, strict=True) if same[1] and same[0][0] < same[0][1]}:
            rows = [row for row, same in enumerate(zip(spans, gaps, strict=True)) if same == (span, gap)]
            start, end = span
            at = self._index(rows)
            for tensor in self._tensors():
                tensor[at, :, start + gap : end + gap] = tensor[at, :, start:end]

    def put(self, fresh: Cache, rows: Sequence[int], *, at: int) -> None:
        """Makes the rows of `fresh` the rows `rows` here, their columns beginning at column `at`."""
        self.rows = max(self.rows, *(row + 1 for row in rows))
        to = fresh._index(rows)
        for block, new, mine in fresh._pairs(self):
            tensor = self._roomy(mine, block, new, at + fresh.length)
            tensor[to, :, at : at + fresh.length] = new[: fresh.rows, :, : fresh.length]

    def keep(self, rows: Sequence[int]) -> list[int]:
        """Lets all rows but `rows` go, and moves the last of these into the gaps; the row that now stands at each."""
        kept, order = set(rows), list(range(len(rows)))
        gaps, last = [at for at in order if at not in kept], [row for row in rows if row >= len(rows)]
        self.rows = len(rows)
        for gap, row in zip(gaps, last, strict=True):
            order[gap] = row
        if gaps:
            to, of = self._index(gaps), self._index(last)
            for tensor in self._tensors():
                tensor[to] = tensor[of]
        return order

    def trim(self, end: int, used: int) -> int:
        """Drops the columns before the last `used` of `end` once they are a quarter of the room; says how many went."""
        start = end - used
        if start < self.room // 4:
            return 0
        for tensor in self._tensors():
            left = tensor[: self.rows, :, start:end].clone()  # without the columns that are yet to be made
            tensor[: self.rows, :, : left.shape[2]] = left
        return start

    def _index(self, rows: Sequence[int]) -> Tensor:
        """`rows` where the tensors are: made once for all blocks, for on a GPU it has to be sent there."""
        return torch.tensor(rows, device=next(self._tensors()).device)

    def _tensors(self) -> Iterator[Tensor]:
        return (tensor for store in (self.keys, self.values) for tensor in store if tensor is not None)

    def _pairs(self, other: Cache) -> Iterator[tuple[int, Tensor, list[Tensor | None]]]:
        """Each block with what it holds here, and the place that keeps the same in `other`."""
        for mine, theirs in ((self.keys, other.keys), (self.values, other.values)):
            for block, tensor in enumerate(mine):
                assert tensor is not None
                yield block, tensor, theirs

    def _roomy(self, store: list[Tensor | None], block: int, like: Tensor, columns: int) -> Tensor:
        """The tensor of `block` in `store`, made or made larger where it lacks rows or columns."""
        held = store[block]
        if held is not None and held.shape[0] >= self.rows and held.shape[2] >= columns:
            return held
        self.room = max(self.room, columns)
        spare = 64 if held is not None and held.shape[2] < columns else 0
        rows = max(self.rows, self.slots, 0 if held is None else held.shape[0])
        made = like.new_zeros(rows, like.shape[1], self.room + spare, like.shape[3])
        if held is not None:
            made[: held.shape[0], :, : held.shape[2]] = held
        store[block] = made
        return made


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
