"""Linear layers with their weights laid out once as the CPU multiplies them, instead of at every call.

With few rows, as in writing replies, a matrix product spends most of its time on bringing the weights into the
order in which they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

LARGEST = 4 * 2**30
"""Bytes of weights up to which a model is packed: its size alone decides, so that it always computes the same."""


def pack(model: nn.Module) -> int:
    """Gives each linear layer of `model` that is on the CPU a packed copy of its weights; says how many got one.

    Results are equal to rounding. For a model that is only read: weights that change later are not seen. Layers stay
    as they are where torch has no oneDNN, and the packed copy is left aside while gradients are recorded.
    """
    operations: Any = torch.ops.mkldnn
    here: Any = torch.backends.mkldnn
    layers = [module for module in model.modules() if type(module) is nn.Linear and module.weight.device.type == "cpu"]
    size = sum(layer.weight.numel() * layer.weight.element_size() for layer in layers)
    if not here.is_available() or size > LARGEST:
        return 0
    kinds = (torch.float32, torch.bfloat16) if operations._is_mkldnn_bf16_supported() else (torch.float32,)
    wanted = [layer for layer in layers if layer.weight.dtype in kinds]
    for layer in wanted:
        layer.forward = _packed(layer)  # type: ignore[method-assign, assignment]
    return len(wanted)


def _packed(layer: nn.Linear) -> Callable[[Tensor], Tensor]:
    operations: Any = torch.ops.mkldnn
    weight = operations._reorder_linear_weight(layer.weight.detach(), None)
    as_before: Callable[[Tensor], Tensor] = layer.forward

    def forward(x: Tensor) -> Tensor:
        if torch.is_grad_enabled() or x.dtype != layer.weight.dtype or not x.numel():
            return as_before(x)
        product: Tensor = operations._linear_pointwise(x, weight, layer.bias, "none", [], "")
        return product

    return forward
