"""Batched generation that refills as rows finish: one left-padded cache, written in place."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.engine.grouping import LEAST_SHARED, alike, common_prefix, families
from harness.engine.head import logits
from harness.engine.interface import Completion, Request, Tokens
from harness.engine.kv_cache import Cache

WORTH_PARTING = 0.8
"""Prompts are read in two parts, what families share and the rest, where that is at most this share of the work."""

HEAD, ROUNDING = 1024, 1e-9
"""The likeliest tokens that a draw is looked for among before all are sorted, and what sums of chances may be off."""

MOST_AHEAD = 256
"""Columns of the cache made ahead for replies; what is moved when a row joins or leaves is as wide as that."""


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

    def run(self) -> list[Completion]:
        """The replies to all requests, in their order."""
        self.write()
        return [self._reply(i) for i in range(len(self.requests))]

    @torch.inference_mode()
    def write(self) -> None:
        """Writes the tokens of all replies."""
        if not self.requests:
            return
        reply = min(MOST_AHEAD, max(request.max_tokens for request in self.requests))
        slots = min(self.writer.slots, len(self.requests))
        self.cache = Cache(self.writer.blocks, room=len(self.requests[self.queue[0]].tokens) + reply, slots=slots)
        self.shared = self._read_prefix()
        while self.queue or self.rows:
            free = self.writer.slots - len(self.rows)
            if self.queue and (free >= max(1, self.writer.slots // 8) or not self.rows):
                self._join([self.queue.popleft() for _ in range(min(free, len(self.queue)))])
            else:
                self._step()

    def _join(self, new: list[int]) -> None:
        """Reads the prompts of `new` and puts them beside the rows that are being written."""
        fresh, logits = self._read([self.requests[i].tokens[self.shared.own[0] :] for i in new])
        self.end = max(self.end, fresh.cache.length)
        places = range(len(self.rows), len(self.rows) + len(new))
        self.cache.put(fresh.cache, places, at=self.end - fresh.cache.length)
        self.rows += new
        self.length += fresh.own
        self._take(logits)

    def _read(self, prompts: Sequence[Tokens]) -> tuple[_Read, Tensor]:
        """Reads `prompts` behind what all share, what the prompts of a family begin with once for the family."""
        found = families(prompts)
        heads = [prompts[family.members[0]][: family.head] for family in found]
        tails = {i: prompts[i][family.head :] for family in found for i in family.members}
        whole = len(prompts) * max(map(len, prompts))
        parted = len(heads) * max(map(len, heads)) + len(tails) * max(map(len, tails.values()))
        if parted > WORTH_PARTING * whole or not all(heads) or _slides(self.writer.model):
            return self._extend(self.shared, [0] * len(prompts), prompts)
        base, _ = self._extend(self.shared, [0] * len(heads), heads)
        parent = {i: at for at, family in enumerate(found) for i in family.members}
        return self._extend(base, [parent[i] for i in range(len(prompts))], [tails[i] for i in range(len(prompts))])

    def _extend(self, base: _Read, parents: Sequence[int], tails: Sequence[Tokens]) -> tuple[_Read, Tensor]:
        """Reads `tails[row]` behind row `parents[row]` of `base`: all that was read, and the logits after the last."""
        if self.writer.device.type != "cpu":
            return self._pass(base, parents, tails)
        groups = alike([len(tail) for tail in tails])
        passes = [self._pass(base, [parents[i] for i in group], [tails[i] for i in group]) for group in groups]
        if len(passes) == 1:
            return passes[0]
        together = Cache(self.writer.blocks, room=max(read.cache.length for read, _ in passes), slots=len(tails))
        together.length = together.room
        own, scores = [0] * len(tails), passes[0][1].new_empty(len(tails), passes[0][1].shape[1])
        for group, (read, seen) in zip(groups, passes, strict=True):
            together.put(read.cache, group, at=together.length - read.cache.length)
            scores[group] = seen
            for row, length in zip(group, read.own, strict=True):
                own[row] = length
        return _Read(cache=together, own=own), scores

    def _pass(self, base: _Read, parents: Sequence[int], tails: Sequence[Tokens]) -> tuple[_Read, Tensor]:
        """As `_extend`, in one forward pass: each tail is padded to the longest."""
        before, width, device = base.cache.length, max(map(len, tails)), self.writer.device
        ids = torch.zeros(len(tails), width, dtype=torch.long)
        mask = torch.zeros(len(tails), width, dtype=torch.long)
        for row, tokens in enumerate(tails):
            ids[row, width - len(tokens) :] = torch.tensor(tokens)
            mask[row, width - len(tokens) :] = 1
        own = torch.tensor([base.own[parent] for parent in parents])[:, None]
        positions = own + (mask.cumsum(-1) - 1).clamp(min=0)
        seen = torch.cat([(torch.arange(before)[None] >= before - own).long(), mask], dim=1)
        cache = base.cache.taken(parents, room=before + width)
        logits = self._forward(ids.to(device), seen.to(device), positions.to(device), cache)
        cache.length = before + width
        spans = [(before - base.own[parent], before) for parent in parents]
        cache.close_up(spans, [width - len(tokens) for tokens in tails])
        lengths = [base.own[parent] + len(tokens) for parent, tokens in zip(parents, tails, strict=True)]
        return _Read(cache=cache, own=lengths), logits

    def _read_prefix(self) -> _Read:
        """The keys and values of the tokens that every prompt begins with, read once; empty where few are shared."""
        prefix = common_prefix([request.tokens for request in self.requests])
        nothing = _Read(cache=Cache(self.writer.blocks, room=len(prefix)), own=[0])
        if len(prefix) < LEAST_SHARED or len(self.requests) < 2 or _slides(self.writer.model):
            return nothing
        return self._extend(nothing, [0], [prefix])[0]

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

    def _forward(self, ids: Tensor, mask: Tensor, positions: Tensor, cache: Cache) -> Tensor:
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
            if not self._ends(i):
                keep.append(at)
        self.advance(len(self.rows) - len(keep), len(rows))
        if len(keep) < len(self.rows):
            keep = self.cache.keep(keep)
            self.rows = [self.rows[at] for at in keep]
            self.length = [self.length[at] for at in keep]

    def _draw(self, logits: Tensor, rows: list[int]) -> list[int]:
        found: list[int] = logits.argmax(-1).tolist()
        drawn = {row: i for row, i in enumerate(rows) if self.requests[i].temperature > 0}
        if drawn:
            requests = [self.requests[i] for i in drawn.values()]
            heat = torch.tensor([one.temperature for one in requests], device=logits.device)
            chances = (logits[list(drawn)] / heat[:, None]).double().softmax(-1)
            floors = chances.topk(min(HEAD, chances.shape[1]))[0][:, -1].tolist()
            for at, (row, i) in enumerate(drawn.items()):
                uniform = float(self.uniform[i][len(self.written[i])])
                found[row] = sampled(chances[at], requests[at].top_p, uniform, floor=floors[at])
        return found

    def _ends(self, i: int) -> bool:
        """Whether nothing more is written of a reply."""
        tokens, request = self.written[i], self.requests[i]
        if tokens[-1] in self.writer.stop or len(tokens) == request.max_tokens:
            return True
        return bool(request.stops) and request.cut(text := self._text(i)) != text

    def _text(self, i: int) -> str:
        tokens = self.written[i]
        ended = tokens[-1] in self.writer.stop
        return str(self.writer.tokenizer.decode(tokens[:-1] if ended else tokens, skip_special_tokens=True))

    def _reply(self, i: int) -> Completion:
        tokens, request, text = self.written[i], self.requests[i], self._text(i)
        kept = request.cut(text)
        return Completion(
            text=kept,
            prompt_tokens=len(request.tokens),
            tokens=len(tokens),
            finish="stop" if tokens[-1] in self.writer.stop or kept != text else "length",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """Prompts that were read: the last `own[row]` columns of each row of `cache` are its tokens."""

    cache: Cache
    own: list[int]


def _slides(model: Any) -> bool:
    # A sliding window counts columns, and between the shared tokens and a row's own there is padding for a moment.
    config = getattr(model.config, "text_config", model.config)
    return bool(getattr(config, "sliding_window", None)) and getattr(config, "use_sliding_window", True)


def _uniform(request: Request) -> Tensor:
    # One stream per row: what a row draws does not depend on its neighbours.
    seed = int.from_bytes(hashlib.sha256(f"{request.seed}".encode()).digest()[:7], "big")
    return torch.rand(request.max_tokens, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sampled(chances: Tensor, top_p: float, at: float, *, floor: float) -> int:
    """The token at the share `at` of the likeliest ones that come to `top_p` together, equal ones in their order.

    `chances` are (tokens,) in fp64. Those of at least `floor` are sorted, the rest only where the draw may lie there.
    """
    ids = (chances >= floor).nonzero()[:, 0]
    likeliest, order = chances[ids].sort(descending=True, stable=True)
    total = likeliest.cumsum(-1)
    kept = int((total < top_p).sum()) + 1
    if kept <= len(total):
        return int(ids[order[min(kept - 1, int((total < at * total[kept - 1]).sum()))]])
    if len(ids) == len(chances):
        return int(ids[order[int((total < at * total[-1]).sum().clamp(max=len(total) - 1))]])
    # Together all come to 1, but for rounding.
    first, last = (int((total < at * whole).sum()) for whole in (1 - ROUNDING, 1 + ROUNDING))
    if top_p == 1 and first == last < len(total):
        return int(ids[order[first]])
    return sampled(chances, top_p, at, floor=0.0)
