"""The lean training step computes what the plain one does, and leaves nothing behind."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from harness import Lora, Recipe
from harness.engine import Row, load, steering
from harness.engine.kernels import lean
from harness.models import Dtype
from harness.testing import tiny_model
from harness.training import loss_of, with_adapter

RECIPE = Recipe(model="tiny", lora=Lora(r=4, alpha=8))
ROWS = [Row(tuple((11 * i + 3 * j) % 300 for j in range(6 + i)), (False, *[True] * (5 + i))) for i in range(4)]
PUSH = {1: torch.linspace(-0.5, 0.5, 32)}
FAMILIES = ("llama", "qwen2", "qwen3", "gemma2", "mistral")


def adapted(folder: Path, recipe: Recipe = RECIPE, dtype: Dtype = "fp32") -> tuple[Any, Any]:
    """A model with an adapter and norms that are not at their neutral start, and the model inside it."""
    model = load(folder)[0]
    torch.manual_seed(0)
    outer = with_adapter(model, recipe, dtype=dtype)
    for name, parameter in outer.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.1)
        elif "norm" in name:
            nn.init.uniform_(parameter, 0.5, 1.5)
    return outer.train(), model


def step(outer: Any, model: Any, dtype: Dtype, *, leanly: bool) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and adapter gradients of one steered batch."""
    blocks = list(steering.decoder_blocks(model))
    with lean(outer) if leanly else nullcontext(), steering.adding(blocks, PUSH):
        loss, count = loss_of(model, ROWS, dtype)
        (loss / count).backward()
    gradients = {name: one.grad.clone() for name, one in outer.named_parameters() if one.grad is not None}
    outer.zero_grad(set_to_none=True)
    return float(loss.detach()), gradients


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Norm of the difference of all gradients, as a share of the norm of `other`."""
    assert one.keys() == other.keys()
    assert one
    apart = sum(float((one[name] - other[name]).square().sum()) for name in one)
    return float((apart / sum(float(value.square().sum()) for value in other.values())) ** 0.5)


@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_in_fp32_equal_those_of_the_plain_step(family: Any, tmp_path: Path) -> None:
    outer, model = adapted(tiny_model(tmp_path / family, family=family))
    loss, gradients = step(outer, model, "fp32", leanly=False)
    lean_loss, lean_gradients = step(outer, model, "fp32", leanly=True)
    assert lean_loss == pytest.approx(loss, rel=1e-6)
    assert distance(lean_gradients, gradients) < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_in_bf16_it_is_no_further_from_fp32_than_the_plain_step(family: Any, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / family, family=family)
    loss, exact = step(*adapted(folder), "fp32", leanly=False)
    outer, model = adapted(folder, dtype="bf16")
    plain_loss, plain = step(outer, model, "bf16", leanly=False)
    lean_loss, ours = step(outer, model, "bf16", leanly=True)
    assert abs(lean_loss - loss) <= max(2 * abs(plain_loss - loss), 2e-3 * loss)
    assert distance(ours, exact) <= 1.25 * distance(plain, exact) + 1e-3


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_gradients_are_the_same_with_and_without_checkpointing(dtype: Dtype, tiny_llama: Path) -> None:
    once = step(*adapted(tiny_llama, dtype=dtype), dtype, leanly=True)
    checkpointed = Recipe(model="tiny", lora=RECIPE.lora, checkpointing=True)
    again = step(*adapted(tiny_llama, checkpointed, dtype), dtype, leanly=True)
    assert again[0] == once[0]
    assert all(torch.equal(again[1][name], once[1][name]) for name in once[1])


def replaced(outer: Any) -> int:
    return sum("forward" in vars(module) for module in outer.modules())


def test_every_adapted_layer_and_norm_of_a_llama_is_replaced(tiny_llama: Path) -> None:
    outer, model = adapted(tiny_llama)
    with lean(outer):
        assert replaced(outer) == len(steering.decoder_blocks(model)) * (7 + 2) + 1


def test_it_leaves_nothing_behind_after_an_exception(tiny_llama: Path) -> None:
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    def stopped() -> None:
        with lean(outer):
            assert ALL_ATTENTION_FUNCTIONS["sdpa"] is not before
            raise RuntimeError("on purpose")

    outer, _ = adapted(tiny_llama)
    before = ALL_ATTENTION_FUNCTIONS["sdpa"]
    with pytest.raises(RuntimeError, match="on purpose"):
        stopped()
    assert replaced(outer) == 0
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is before


def test_an_adapter_with_dropout_is_left_to_its_library(tiny_llama: Path) -> None:
    outer, model = adapted(tiny_llama, Recipe(model="tiny", lora=Lora(r=4, alpha=8, dropout=0.5)))
    with lean(outer):
        assert replaced(outer) == 2 * len(steering.decoder_blocks(model)) + 1


def test_a_norm_with_another_formula_is_left_alone(tmp_path: Path) -> None:
    outer, model = adapted(tiny_model(tmp_path / "gemma2", family="gemma2"))
    with lean(outer):
        assert replaced(outer) == 7 * len(steering.decoder_blocks(model))
