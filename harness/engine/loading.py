"""Models and tokenizers from their folders, an adapter merged in; nothing of them is an engine yet."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from harness.engine import sharing
from harness.engine.family import check_family
from harness.errors import HarnessError, gist
from harness.files import check_regular
from harness.models import numbers_in, quiet, shapes_in

ROOM = 1.25
"""A stored model may lack so much of what its config asks for before it is refused unread."""

RUN_AGAIN = "move its run away and run the cell again"


def load(folder: Path, *, adapter: Path | None = None, weight: float = 1.0, random: bool = False) -> tuple[Any, Any]:
    """Model and tokenizer from a folder of safetensors; fp32 on the CPU, bf16 on a GPU.

    `weight` times `adapter` is merged in; where `random`, numbers that change each matrix by as much are.
    """
    tokenizer = load_tokenizer(folder)
    model = sharing.model_of(folder, lambda: _read(folder))
    return (model if adapter is None else _merged(model, adapter, weight, random=random)), tokenizer


@torch.no_grad()
def _weigh(adapted: Any, weight: float, *, random: bool) -> None:
    if weight == 1 and not random:
        return
    from peft.tuners.lora import LoraLayer

    draw = torch.Generator().manual_seed(0)
    for module in adapted.modules():
        if not isinstance(module, LoraLayer):
            continue
        (name,) = module.active_adapters
        down, up = module.lora_A[name].weight, module.lora_B[name].weight
        module.scaling[name] *= weight
        if random:
            before = float((up @ down).norm())
            for matrix in (down, up):
                matrix.data = torch.randn(matrix.shape, generator=draw).to(matrix)
            up.data *= before / float((up @ down).norm())


def _read(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    weights = torch.float32 if device.type == "cpu" else torch.bfloat16
    try:
        with quiet():
            _refuse_larger_than_stored(folder)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=weights, trust_remote_code=False, use_safetensors=True, output_loading_info=True
            )
            model, about = loaded[0].to(device), loaded[1]
    except HarnessError:
        raise
    except Exception as error:
        raise _unloadable("model", folder, error) from error
    absent, unused = sorted(about["missing_keys"]), sorted(about["unexpected_keys"])
    if absent:  # transformers would draw them at random and go on
        raise HarnessError(
            f"the model in {folder} lacks {len(absent)} of its weights, {absent[0]!r} among them; fetch it again"
        )
    if unused:  # transformers would leave them out and go on
        raise HarnessError(
            f"the model in {folder} has {len(unused)} weights that its config.json has no place for, {unused[0]!r} "
            "among them; fetch it again"
        )
    check_family(model)
    return model


def _refuse_larger_than_stored(folder: Path) -> None:
    """HarnessError where config.json asks for more numbers than are stored: transformers would make room for them."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    build: Callable[..., Any] = AutoModelForCausalLM.from_config
    with torch.device("meta"):
        asked = sharing.weight_count(build(config, trust_remote_code=False))
    there = numbers_in(shapes_in(folder))
    if there and asked > there * ROOM:
        raise HarnessError(
            f"config.json of {folder} does not fit its weights: it asks for {asked:,} numbers, and {there:,} are "
            "stored; fetch the model again"
        )


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


def _merged(model: Any, adapter: Path, weight: float, *, random: bool) -> Any:
    from peft import PeftModel, get_peft_model_state_dict

    try:
        weights = adapter / "adapter_model.safetensors"
        check_regular(weights, advice=RUN_AGAIN)
        with quiet(), warnings.catch_warnings(), safe_open(weights, framework="pt") as stored:
            # peft leaves out what does not fit, and lets what is lacking stay at 0.
            warnings.filterwarnings("ignore", "Found missing adapter keys", UserWarning)
            adapted = PeftModel.from_pretrained(model, str(adapter))
            if set(stored.keys()) != set(get_peft_model_state_dict(adapted, save_embedding_layers=False)):
                raise HarnessError(
                    f"the adapter in {adapter} was made for another model; move its run away and run the cell again"
                )
            _weigh(adapted, weight, random=random)
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
    way_out = RUN_AGAIN if what == "adapter" else "repair the folder, or name another model"
    return HarnessError(f"cannot load the {what} in {folder}: {gist(error)}; {way_out}")
