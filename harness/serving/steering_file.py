"""What is added under a steering as the bytes that a server is given, and the key that these bytes have."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def steering_file(additions: Mapping[int, Tensor]) -> tuple[str, bytes]:
    """The sha256 and the bytes of a safetensors file with the vector, (hidden,) fp32, of each block."""
    import torch
    from safetensors.torch import save

    content = save({str(block): additions[block].to(torch.float32).contiguous() for block in sorted(additions)})
    return hashlib.sha256(content).hexdigest(), content
