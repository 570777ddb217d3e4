"""The check that every setting makes of a scale before it gives anything for it."""

from __future__ import annotations

from collections.abc import Collection

from harness import HarnessError


def check_scale(setting: str, scales: Collection[str], scale: str) -> None:
    """HarnessError when `scale` is none of the `scales` of `setting`; it names them."""
    if scale not in scales:
        raise HarnessError(f"setting {setting!r} has no scale {scale!r}; it has: {', '.join(scales)}")
