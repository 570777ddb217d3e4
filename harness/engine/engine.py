"""The one place that holds a model: weights, adapter, steering, and the vectors that may be added."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from harness.authoring import algebra
from harness.contracts import Steering
from harness.engine import candidates, chat, sharing, steering
from harness.engine.decoding import Batch, Reply, Request, Writer
from harness.engine.packed import pack
from harness.errors import HarnessError, gist
from harness.models import Dtype, ModelRef, as_dtype, materialise, quiet


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
    """A model ready to read and write: tokenizer, decoder blocks, device, and the vectors that may be added.

    `digest` tells which untouched model it is, and is empty for any other.
    """

    model: Any
    tokenizer: Any
    blocks: Sequence[nn.Module]
    dtype: Dtype
    slots: int = 64
    vectors: Callable[[str], Vector] | None = None
    digest: str = ""

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

    def probabilities(self, tokens: Sequence[int], answers: Sequence[str]) -> dict[str, float]:
        """The probability that the model answers the prompt `tokens` with each of `answers`."""
        return candidates.probabilities(self.model, self.tokenizer, tokens, answers)

    @contextmanager
    def steered(self, wanted: Steering) -> Iterator[steering.Calls]:
        """Inside the block this thread's forward passes are steered as `wanted` says; no pass at all is an error."""
        with steering.adding(self.blocks, self.additions(wanted), this_thread=True) as calls:
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
                "it was made for another model: delete it from the vectors of these runs and run again"
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
    pack(model)
    engine = Engine.around(model, tokenizer, dtype)
    engine.digest = ref.digest if adapter is None else ""
    return engine


def load(folder: Path, *, adapter: Path | None = None) -> tuple[Any, Any]:
    """Model and tokenizer from a folder of safetensors, `adapter` merged in; fp32 on the CPU, bf16 on a GPU."""
    tokenizer = load_tokenizer(folder)
    model = sharing.model_of(folder, lambda: _read(folder))
    return (model if adapter is None else _merged(model, adapter)), tokenizer


def _read(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    weights = torch.float32 if device.type == "cpu" else torch.bfloat16
    try:
        with quiet():
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=weights, trust_remote_code=False, use_safetensors=True, output_loading_info=True
            )
            model, about = loaded[0].to(device), loaded[1]
    except Exception as error:
        raise _unloadable("model", folder, error) from error
    absent = sorted(about["missing_keys"])
    if absent:  # transformers would draw them at random and go on
        raise HarnessError(
            f"the model in {folder} lacks {len(absent)} of its weights, {absent[0]!r} among them; fetch it again"
        )
    return model


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in a model folder, with a padding token; read once, so it is not to be changed."""
    return _tokenizer(folder, sharing.signature_of(folder))


@lru_cache(maxsize=4)
def _tokenizer(folder: Path, signature: sharing.Signature) -> Any:
    from transformers import AutoTokenizer

    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:
        raise _unloadable("tokenizer", folder, error) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


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
    from peft import PeftModel, get_peft_model_state_dict

    try:
        weights = adapter / "adapter_model.safetensors"
        with warnings.catch_warnings(), quiet(), safe_open(weights, framework="pt") as stored:
            # peft leaves out what does not fit, and lets what is lacking stay at 0.
            warnings.filterwarnings("ignore", "Found missing adapter keys", UserWarning)
            adapted = PeftModel.from_pretrained(model, str(adapter))
            if set(stored.keys()) != set(get_peft_model_state_dict(adapted)):
                raise HarnessError(f"the adapter in {adapter} was made for another model; run the cell with --force")
            return adapted.merge_and_unload(safe_merge=True)
    except HarnessError:
        raise
    except Exception as error:
        raise _unloadable("adapter", adapter, error) from error


def _unloadable(what: str, folder: Path, error: Exception) -> HarnessError:
    if "trust_remote_code" in str(error):
        return HarnessError(
            f"the {what} in {folder} needs code of its own, which is never run; name a model that transformers knows"
        )
    way_out = "run the cell again with --force" if what == "adapter" else "repair the folder, or name another model"
    return HarnessError(f"cannot load the {what} in {folder}: {gist(error)}; {way_out}")
