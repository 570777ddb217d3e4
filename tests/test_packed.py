"""Packed weights compute what plain ones do, and step aside where they cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from harness.engine import load, pack, packed
from harness.testing import FAMILIES, Family, tiny_model

IDS = torch.tensor([[5, 9, 2, 7, 3, 3, 1], [8, 8, 4, 1, 0, 2, 6]])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_packed_model_computes_the_same(family: Family, tmp_path: Path) -> None:
    model = load(tiny_model(tmp_path, family=family))[0].eval()
    with torch.inference_mode():
        plain = model(IDS).logits
        assert pack(model) == sum(type(module) is nn.Linear for module in model.modules()) > 20
        torch.testing.assert_close(model(IDS).logits, plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [1, 3, 40])
def test_a_packed_layer_computes_the_same_in_its_own_number_type(dtype: torch.dtype, bias: bool, rows: int) -> None:
    multiplied_here = dtype is torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    layer = nn.Linear(48, 80, bias=bias).to(dtype)
    x = torch.randn(rows, 2, 48, generator=torch.Generator().manual_seed(0)).to(dtype)
    with torch.no_grad():
        plain = layer(x)
        assert pack(layer) == int(multiplied_here)
        torch.testing.assert_close(layer(x), plain)
        assert layer(x[:0]).shape == (0, 2, 80)


def test_gradients_go_through_the_plain_layer() -> None:
    layer = nn.Linear(8, 4)
    pack(layer)
    layer(torch.ones(2, 8)).sum().backward()
    assert layer.weight.grad is not None
    assert torch.equal(layer.weight.grad, torch.full((4, 8), 2.0))


def test_a_model_too_large_for_a_second_copy_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "LARGEST", 8 * 4 * 4 - 1)
    layer = nn.Linear(8, 4)
    assert pack(layer) == 0
    assert "forward" not in vars(layer)
