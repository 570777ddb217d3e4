"""The training step's arithmetic in fewer passes over memory: a `with` block whose results are equal to rounding.

On a CPU a small model spends more time moving activations than multiplying them, and three parts of a step
move them needlessly: an adapted linear layer scales and adds its two results in passes of their own; the
RMS norm makes eight passes forward and twice that back; attention in bf16 has a backward kernel that takes
three times as long as the fp32 one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

Forward = Callable[[Tensor], Tensor]


@contextmanager
def lean(adapted: Any) -> Iterator[None]:
    """Inside the block, a model with a LoRA adapter trains with fewer passes over memory.

    Only what is known to compute the same is replaced: plain adapters on plain linear layers, frozen norms
    that agree with the formula on a probe, and attention that goes through torch's own. The rest stays.
    """
    with ExitStack() as stack:
        for module in adapted.modules():
            forward = _lora_forward(module) or _norm_forward(module)
            if forward is not None:
                module.forward = forward
                stack.callback(delattr, module, "forward")
        if next(adapted.parameters()).device.type == "cpu":
            stack.enter_context(_attention_in_fp32())
        yield


def _lora_forward(module: nn.Module) -> Forward | None:
    """A forward for `module` if it is a linear layer with one plain adapter on it, else None."""
    from peft.tuners.lora import Linear

    if not isinstance(module, Linear) or type(module.base_layer) is not nn.Linear or len(module.active_adapters) != 1:
        return None
    (name,) = module.active_adapters
    if module.merged or module.lora_variant or module.lora_bias[name]:
        return None
    if not isinstance(module.lora_dropout[name], nn.Identity):
        return None
    base, down, up = module.base_layer, module.lora_A[name].weight, module.lora_B[name].weight
    scaling = float(module.scaling[name])
    as_before: Forward = module.forward

    def forward(x: Tensor) -> Tensor:
        dtype = _autocast_dtype(x)
        if module.disable_adapters or (dtype is None and not x.dtype == base.weight.dtype == down.dtype):
            return as_before(x)
        return _applied(_AdaptedLinear, x, base.weight, base.bias, down, up, scaling, dtype or x.dtype)

    return forward


def _norm_forward(module: nn.Module) -> Forward | None:
    """A forward for `module` if it is a frozen norm that computes x / rms(x) * weight, else None.

    Under autocast its result has autocast's type, to which the matrix products that follow would round it.
    """
    weight, eps = getattr(module, "weight", None), getattr(module, "variance_epsilon", None)
    if not isinstance(weight, nn.Parameter) or weight.ndim != 1 or weight.requires_grad or eps is None:
        return None
    probe = torch.linspace(-2.0, 3.0, 2 * len(weight), device=weight.device).view(2, -1)
    with torch.no_grad():
        expected = module(probe)
        seen = _applied(_RmsNorm, probe, weight, eps, expected.dtype)
    if expected.shape != seen.shape or not torch.allclose(expected, seen, rtol=1e-5, atol=1e-6):
        return None

    def forward(x: Tensor) -> Tensor:
        return _applied(_RmsNorm, x, weight, eps, _autocast_dtype(x) or torch.promote_types(x.dtype, weight.dtype))

    return forward


@contextmanager
def _attention_in_fp32() -> Iterator[None]:
    """Inside the block, attention that autocast would do in bf16 is done in fp32."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    functions: Any = ALL_ATTENTION_FUNCTIONS
    as_before = functions["sdpa"]

    def attention(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Any, **options: Any) -> Any:
        if _autocast_dtype(query) is None:
            return as_before(module, query, key, value, mask, **options)
        with torch.autocast(query.device.type, enabled=False):
            return as_before(module, query.float(), key.float(), value.float(), mask, **options)

    functions["sdpa"] = attention
    try:
        yield
    finally:
        del functions["sdpa"]  # what is set here lies over the library's own, which shows again
        if functions["sdpa"] is not as_before:
            functions["sdpa"] = as_before


def _autocast_dtype(x: Tensor) -> torch.dtype | None:
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None


def _applied(function: type[torch.autograd.Function], *inputs: Any) -> Tensor:
    out: Tensor = function.apply(*inputs)  # type: ignore[no-untyped-call]
    return out


class _AdaptedLinear(torch.autograd.Function):
    """x W' + bias + scaling * (x down') up', each product added in place; W and bias take no gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        down: Tensor,
        up: Tensor,
        scaling: float,
        dtype: torch.dtype,
    ) -> Tensor:
        ctx.scaling, ctx.x_dtype, ctx.x_shape, ctx.adapter_dtype = scaling, x.dtype, x.shape, down.dtype
        rows = x.reshape(-1, x.shape[-1]).to(dtype)
        weight, down, up = weight.to(dtype), down.to(dtype), up.to(dtype)
        inner = rows @ down.T
        out = nn.functional.linear(rows, weight, None if bias is None else bias.to(dtype))
        out.addmm_(inner, up.T, alpha=scaling)
        ctx.save_for_backward(rows, weight, down, up, inner)
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        rows, weight, down, up, inner = ctx.saved_tensors
        out = gradients[0].reshape(-1, weight.shape[0]).to(rows.dtype)
        to_inner = (out @ up).mul_(ctx.scaling)
        to_down = (to_inner.T @ rows).to(ctx.adapter_dtype)
        to_up = (inner.T @ out).T.to(ctx.adapter_dtype).mul_(ctx.scaling)
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = (out @ weight).addmm_(to_inner, down).view(ctx.x_shape).to(ctx.x_dtype)
        return to_x, None, None, to_down, to_up, None, None


class _RmsNorm(torch.autograd.Function):
    """x / rms(x) * weight, computed in fp32; the weight takes no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
        wide = x.float()
        mean = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_().div_(x.shape[-1])
        scale = mean.add_(eps).rsqrt_()
        ctx.save_for_backward(x, scale, weight)
        return torch.mul(wide * scale, weight, out=torch.empty_like(x, dtype=dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        x, scale, weight = ctx.saved_tensors
        normal = x.float() * scale
        out = gradients[0].float() * weight
        along = torch.linalg.vecdot(out, normal).unsqueeze(-1).div_(-x.shape[-1])
        return out.addcmul_(normal, along).mul_(scale).to(x.dtype), None, None, None
