"""The one place that holds a model: weights, adapter, steering, and the vectors that may be added."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from harness import algebra, chat, steering
from harness.contracts import Steering
from harness.decoding import Batch, Reply, Request, Writer
from harness.errors import HarnessError
from harness.models import ModelRef, file_sha256, materialise, quiet, resolve

Dtype = Literal["fp32", "bf16"]


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

    @classmethod
    def around(cls, model: Any, tokenizer: Any, dtype: str, vectors: Callable[[str], Vector] | None = None) -> Engine:
        """An engine for a model that is loaded already."""
        return cls(model, tokenizer, list(steering.decoder_blocks(model)), as_dtype(dtype), vectors=vectors)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return torch.device(next(iter(self.model.parameters())).device)

    def generate(
        self, requests: Sequence[Request], *, advance: Callable[[int, int], None] | None = None
    ) -> list[Reply]:
        """The replies to `requests`, in their order; the same list always gives the same replies.

        `advance(replies, tokens)` is told of each step's finished replies and new tokens.
        """
        for request in requests:
            if not request.tokens or request.max_tokens < 1:
                raise HarnessError("a request needs at least one prompt token and room for one reply token")
        writer = Writer(
            model=self.model,
            tokenizer=self.tokenizer,
            stop=chat.stop_ids(self.tokenizer, getattr(self.model, "generation_config", None)),
            blocks=len(self.blocks),
            slots=self.slots,
            device=self.device,
        )
        return Batch(writer, requests, advance or (lambda replies, tokens: None)).run()

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
    return Engine.around(model, tokenizer, dtype)


def open_run(run: Path) -> Engine:
    """The model that the run in folder `run` ended with, ready for evaluation under its own vectors."""
    record = json.loads((run / "run.json").read_text())
    made = record["made"]
    adapter = run / "adapter" if made["trains"] else None
    if adapter is not None and not (adapter / "adapter_config.json").is_file():
        raise HarnessError(f"{run} holds no adapter; its training has not ended")
    engine = open_model(resolve(made["reference"]), dtype=made["dtype"], adapter=adapter)
    files = {name: run.parents[2] / file for name, file in made["vectors"].items()}
    engine.vectors = vector_lookup(files)
    return engine


def vector_lookup(files: Mapping[str, Path]) -> Callable[[str], Vector]:
    """A function from a vector's name to the vector in its file, each read once."""

    @cache
    def lookup(name: str) -> Vector:
        if name not in files:
            raise HarnessError(f"vector {name!r} was not extracted for this run; it has: {', '.join(files) or 'none'}")
        return load_vector(files[name])

    return lookup


def load_vector(file: Path) -> Vector:
    """The vector in `file`; HarnessError when it is cut, changed since its card was written, or not finite."""
    card = file.with_suffix(".json")
    if not file.is_file() or not card.is_file():
        raise HarnessError(f"no vector at {file}; extract it with: harness vectors SETTING")
    try:
        with safe_open(file, framework="pt") as stored:
            value, rms = stored.get_tensor("vector"), stored.get_tensor("rms")
    except (SafetensorError, OSError):
        raise HarnessError(f"{file} is cut or no safetensors file; delete it and run again") from None
    if not bool(value.isfinite().all()):
        raise HarnessError(f"{file} has values that are not finite; delete it and run again")
    if json.loads(card.read_text())["sha256"] != file_sha256(file):
        raise HarnessError(f"{file} has changed since its card was written; delete both and run again")
    return Vector(value=value.float(), rms=rms.float())


def load(folder: Path, *, adapter: Path | None = None) -> tuple[Any, Any]:
    """Model and tokenizer from a folder of safetensors, `adapter` merged in; fp32 on the CPU, bf16 on a GPU."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    weights = torch.float32 if device.type == "cpu" else torch.bfloat16
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=weights, trust_remote_code=False, use_safetensors=True
            )
            model = model.to(device)
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


def as_dtype(name: str) -> Dtype:
    """The number type called `name` in a record."""
    if name == "bf16":
        return "bf16"
    if name == "fp32":
        return "fp32"
    raise HarnessError(f"no number type {name!r}; there are: bf16, fp32")


def chosen_blocks(wanted: Steering, blocks: int) -> tuple[int, ...]:
    """The 0-based blocks that `wanted` means in a model of so many blocks."""
    if wanted.blocks:
        outside = [block for block in wanted.blocks if not 0 <= block < blocks]
        if outside:
            raise HarnessError(
                f"steering with {wanted.vector!r} names block {outside[0]}, and this model has blocks 0 to {blocks - 1}"
            )
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
