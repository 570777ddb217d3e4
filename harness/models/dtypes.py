"""Number types: which one `auto` is on this machine."""

from __future__ import annotations

from typing import Literal

from harness.errors import HarnessError

Dtype = Literal["fp32", "bf16"]


def resolve_dtype(wanted: Literal["auto", "fp32", "bf16"]) -> Dtype:
    """`wanted`, where `auto` is bf16 on a GPU and on a CPU that multiplies bf16 in hardware, else fp32."""
    if wanted != "auto":
        return wanted
    import torch

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
