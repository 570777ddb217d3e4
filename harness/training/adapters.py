"""LoRA weights around a model's own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from harness.contracts import AdapterChange, Lora, Recipe
from harness.engine import steering as residual
from harness.errors import HarnessError
from harness.files import file_sha256, read_text
from harness.models import Dtype, check_named, lora_targets, means, quiet
from harness.screen import say


def with_adapter(
    model: Any, recipe: Recipe, *, dtype: Dtype, change: AdapterChange | None = None, base: str = ""
) -> Any:
    """`model` with fresh LoRA weights (fp32) around its frozen ones, ready to train in `dtype`.

    `change` says which blocks get none, `base` what the adapter is to call its model: without it the folder that it was
    loaded from, which is no name elsewhere. In bf16 the frozen matrices are rounded once here; autocast would round
    them again at every step.
    """
    adapted = _adapted(model, recipe.lora, _learning(model, change) if change and change.frozen else None)
    if base:
        for told in adapted.peft_config.values():
            told.base_model_name_or_path = base
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if dtype == "bf16":
        for module in model.modules():
            if isinstance(module, nn.Linear) and not module.weight.requires_grad:
                module.weight.data = module.weight.data.to(torch.bfloat16)
    if recipe.checkpointing:
        with quiet():
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return adapted


def _adapted(model: Any, lora: Lora, blocks: list[int] | None) -> Any:
    """`model` with an adapter on its layers in `blocks`, in all where None; its `lora_targets` are their names."""
    from peft import LoraConfig, get_peft_model

    targets, names = _targets(model, lora)
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        use_rslora=lora.rslora,
        target_modules=names,
        layers_to_transform=blocks,
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a matrix that lies the other way round, and of experts
            adapted = get_peft_model(model, config)
    except ValueError as error:
        raise HarnessError(f"cannot put the adapter on {type(model).__name__}: {str(error).splitlines()[0]}") from error
    adapted.lora_targets = targets
    return adapted


def check_layers(folder: Path, lora: Lora) -> None:
    """HarnessError where the model in `folder` has no layer in its decoder's blocks that a target of `lora` names.

    Read off a model without weights, so that a name which is none is told of before any work.
    """
    layers = _layers_in(folder, file_sha256(folder / "config.json"))
    with _told(layers):
        check_named(lora.targets, layers.there, experts=layers.experts)


@lru_cache(maxsize=8)
def _layers_in(folder: Path, config: str) -> _Layers:
    """Those of the model in `folder`; `config` is the digest of what it is built by, so that it is built once."""
    from transformers import AutoConfig, AutoModelForCausalLM

    build: Callable[..., Any] = AutoModelForCausalLM.from_config
    with torch.device("meta"), quiet():
        return _layers(build(AutoConfig.from_pretrained(folder, trust_remote_code=False), trust_remote_code=False))


def _targets(model: Any, lora: Lora) -> tuple[tuple[str, ...], list[str]]:
    """The layers of the decoder that get an adapter, by the last part of their names, and as peft is told of them.

    Layers of that name elsewhere, in a vision tower say, get none. HarnessError where the model has none of a name.
    """
    layers = _layers(model)
    with _told(layers):
        targets = lora_targets(lora.targets, layers.there, experts=layers.experts)
    if layers.experts:
        left = f"the experts of {layers.of}, and what is called as they are, get no adapter"
        say(f"note: {left}; of each block {', '.join(targets)} learn")
    if any(means(name, path) for name in targets for path in layers.elsewhere):
        return targets, [path for path in layers.there if any(means(name, path) for name in targets)]
    return targets, list(targets)


@dataclass(frozen=True, slots=True)
class _Layers:
    """Paths to the linear layers of the decoder's blocks, and to those elsewhere; whether experts are one matrix.

    `of` is what kind of model they are of.
    """

    of: str
    there: tuple[str, ...]
    elsewhere: tuple[str, ...]
    experts: bool


def _layers(model: Any) -> _Layers:
    blocks, kinds = residual.decoder_blocks(model), nn.Linear | _conv1d()
    inside = {id(module) for module in blocks.modules() if isinstance(module, kinds)}
    paths = {path: id(module) in inside for path, module in model.named_modules() if isinstance(module, kinds)}
    return _Layers(
        of=type(model).__name__,
        there=tuple(path for path, own in paths.items() if own),
        elsewhere=tuple(path for path, own in paths.items() if not own),
        experts=any("experts" in name and weight.ndim == 3 for name, weight in blocks.named_parameters()),
    )


@contextmanager
def _told(layers: _Layers) -> Iterator[None]:
    """What is wrong with the targets, of the model that it is wrong with."""
    try:
        yield
    except HarnessError as error:
        raise HarnessError(f"cannot put the adapter on {layers.of}: {error}") from None


def _conv1d() -> type[nn.Module]:
    """GPT-2's linear layer, whose matrix lies the other way round."""
    from transformers.pytorch_utils import Conv1D

    return Conv1D


def rename_base(adapted: Any, folder: Path) -> None:
    """Has the model card that peft wrote into `folder` call the model as the adapter's configuration does."""
    card, before = folder / "README.md", str(adapted.get_base_model().name_or_path)
    after = str(adapted.peft_config[adapted.active_adapter].base_model_name_or_path)
    if card.is_file() and before and before != after:
        card.write_text(read_text(card, advice="train the cell again").replace(before, after))


@contextmanager
def adapters_off(adapted: Any) -> Iterator[None]:
    """Inside the block `adapted` computes what its base model does; which weights learn stays as it is."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [module for module in adapted.modules() if isinstance(module, BaseTunerLayer)]
    before = [layer._disable_adapters for layer in layers]
    for layer in layers:
        layer._disable_adapters = True  # enable_adapters() would also set which weights take a gradient
    try:
        yield
    finally:
        for layer, off in zip(layers, before, strict=True):
            layer._disable_adapters = off


def _learning(model: Any, change: AdapterChange) -> list[int]:
    """The blocks that get an adapter."""
    count = len(residual.decoder_blocks(model))
    frozen = round(change.frozen * count)
    if frozen in (0, count):
        raise HarnessError(
            f"to freeze the {change.place} {change.frozen:.2g} of {count} blocks freezes {frozen or 'none'} of them; "
            "give another share"
        )
    return list(range(frozen, count) if change.place == "first" else range(count - frozen))
