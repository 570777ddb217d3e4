"""The one place that holds a model: weights, adapter, steering, and batched generation that refills as rows finish."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from harness import algebra, chat, steering
from harness.contracts import Steering
from harness.errors import HarnessError
from harness.models import ModelRef, materialise, quiet

Dtype = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One prompt, as token ids, and how to draw its reply. Temperature 0 is greedy; `seed` belongs to this row alone."""

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
class Vector:
    """A trait vector, (blocks, hidden) fp32 on the CPU, and each block's residual RMS, (blocks,).

    RMS is the root mean square over reply tokens of the residual's Euclidean norm, so that
    coefficient x norm / RMS is the share of the residual's length that an addition has.
    """

    value: Tensor
    rms: Tensor


@dataclass(slots=True)
class Engine:
    """A model ready to read and write: tokenizer, decoder blocks, device, and the vectors that may be added."""

    model: Any
    tokenizer: Any
    blocks: Sequence[nn.Module]
    dtype: Dtype
    slots: int = 64
    vectors: Callable[[str], Vector] | None = None
    _stop: frozenset[int] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        self._stop = chat.stop_ids(self.tokenizer, getattr(self.model, "generation_config", None))

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(iter(self.model.parameters())).device

    def generate(
        self, requests: Sequence[Request], *, advance: Callable[[int, int], None] | None = None
    ) -> list[Reply]:
        """The replies to `requests`, in their order; the same list always gives the same replies.

        `advance(replies, tokens)` is told of each step's finished replies and new tokens.
        """
        for request in requests:
            if not request.tokens or request.max_tokens < 1:
                raise HarnessError("a request needs at least one prompt token and room for one reply token")
        return _Batch(self, requests, advance or (lambda replies, tokens: None)).run()

    @contextmanager
    def steered(self, wanted: Steering) -> Iterator[steering.Calls]:
        """Inside the block every forward pass is steered as `wanted` says; no call at all is an error."""
        with steering.adding(self.blocks, self.additions(wanted)) as calls:
            yield calls
        if calls.count == 0:
            raise HarnessError(f"the model never ran through the blocks that {wanted.vector!r} was added to")

    def additions(self, wanted: Steering) -> dict[int, Tensor]:
        """What `wanted` adds to the output of each block it names, (hidden,) fp32."""
        if self.vectors is None:
            raise HarnessError("this engine was opened without vectors")
        lookup = self.vectors
        value = algebra.evaluate(wanted.vector, lambda name: lookup(name).value)
        if value.shape[0] != len(self.blocks):
            raise HarnessError(
                f"vector {wanted.vector!r} has {value.shape[0]} blocks, the model {len(self.blocks)}; "
                "it was made for another model"
            )
        rms = lookup(algebra.names(wanted.vector)[0]).rms
        return {
            block: value[block] * wanted.coef * (rms[block] / value[block].norm() if wanted.unit == "rms" else 1.0)
            for block in chosen_blocks(wanted, len(self.blocks))
        }


def open_model(ref: ModelRef, *, dtype: Dtype, adapter: Path | None = None) -> Engine:
    """The model of `ref` on the best device here, `adapter` merged into its weights, in `dtype`, for evaluation."""
    model, tokenizer = load(materialise(ref), adapter=adapter)
    model = model.to(torch.bfloat16 if dtype == "bf16" else torch.float32).eval().requires_grad_(False)
    return Engine(model, tokenizer, steering.decoder_blocks(model), dtype)


def load(folder: Path, *, adapter: Path | None = None) -> tuple[Any, Any]:
    """Model and tokenizer from a folder of safetensors, `adapter` merged in; fp32 on the CPU, bf16 on a GPU."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    weights = torch.float32 if device.type == "cpu" else torch.bfloat16
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=weights, trust_remote_code=False, use_safetensors=True
            ).to(device)
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise HarnessError(f"cannot load the model in {folder}: {type(error).__name__}: {first:.200}") from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return (model if adapter is None else _merged(model, adapter)), tokenizer


def resolve_dtype(wanted: Literal["auto", "fp32", "bf16"]) -> Dtype:
    """`wanted`, where `auto` is bf16 on a GPU and on a CPU that multiplies bf16 in hardware, else fp32."""
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    capabilities = torch.cpu.get_capabilities()
    return "bf16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "fp32"


def chosen_blocks(wanted: Steering, blocks: int) -> tuple[int, ...]:
    """The 0-based blocks that `wanted` means in a model of so many blocks."""
    if wanted.blocks:
        return wanted.blocks
    if wanted.depth is None or not 0.0 <= wanted.depth <= 1.0:
        raise HarnessError(f"steering with {wanted.vector!r} names neither blocks nor a depth between 0 and 1")
    return (min(blocks - 1, round(wanted.depth * blocks)),)


def _merged(model: Any, adapter: Path) -> Any:
    from peft import PeftModel

    try:
        with quiet():
            return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise HarnessError(
            f"cannot load the adapter in {adapter}: {type(error).__name__}: {first:.160}; "
            "delete the run's folder, or run it again with --force"
        ) from error


class _Batch:
    """Continuous batching: rows of one left-padded cache, refilled from the queue as replies end.

    All rows write their next key and value at one common column, `end`; a row's own tokens are the last
    `length` columns before it. Prompts join longest first, so a later one always fits behind `end`.
    """

    def __init__(self, engine: Engine, requests: Sequence[Request], advance: Callable[[int, int], None]) -> None:
        self.engine, self.requests, self.advance = engine, requests, advance
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
        self.cache = _Cache(len(self.engine.blocks), room=len(self.requests[self.queue[0]].tokens) + 256)
        while self.queue or self.rows:
            free = self.engine.slots - len(self.rows)
            if self.queue and (free >= max(1, self.engine.slots // 8) or not self.rows):
                self._join([self.queue.popleft() for _ in range(min(free, len(self.queue)))])
            else:
                self._step()
        return [self._reply(i) for i in range(len(self.requests))]

    def _join(self, new: list[int]) -> None:
        """Reads the prompts of `new` and puts them beside the rows that are being written."""
        width = max(len(self.requests[i].tokens) for i in new)
        device = self.engine.device
        ids = torch.zeros(len(new), width, dtype=torch.long)
        mask = torch.zeros(len(new), width, dtype=torch.long)
        for row, i in enumerate(new):
            tokens = self.requests[i].tokens
            ids[row, width - len(tokens) :] = torch.tensor(tokens)
            mask[row, width - len(tokens) :] = 1
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        fresh = _Cache(len(self.engine.blocks), room=width)
        logits = self._forward(ids.to(device), mask.to(device), positions.to(device), fresh)
        self.end = max(self.end, width)
        self.cache.append(fresh, at=self.end - width)
        self.rows += new
        self.length += [len(self.requests[i].tokens) for i in new]
        self._take(logits)

    def _step(self) -> None:
        """Reads each row's newest token and writes the next one."""
        device = self.engine.device
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
        out = self.engine.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache.for_model(),
            use_cache=True,
            logits_to_keep=1,
        )
        return out.logits[:, -1].float()

    def _take(self, logits: Tensor) -> None:
        """Draws the next token of the rows that `logits` is for (the last ones), and lets finished rows go."""
        rows = self.rows[-logits.shape[0] :]
        drawn = self._draw(logits, rows)
        keep = list(range(len(self.rows) - len(rows)))
        for at, (i, token) in enumerate(zip(rows, drawn, strict=True), start=len(keep)):
            self.written[i].append(token)
            if token not in self.engine._stop and len(self.written[i]) < self.requests[i].max_tokens:
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
        stopped = tokens[-1] in self.engine._stop
        text = self.engine.tokenizer.decode(tokens[:-1] if stopped else tokens, skip_special_tokens=True)
        return Reply(
            text=text,
            prompt_tokens=len(self.requests[i].tokens),
            tokens=len(tokens),
            finish="stop" if stopped else "length",
        )


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
        grown = like.new_zeros(like.shape[0], like.shape[1], self.room + (64 if tensor is not None else 0), like.shape[3])
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

    class Layer(CacheLayerMixin):
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
