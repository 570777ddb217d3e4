"""Whether an error is shown with where it was raised."""

from __future__ import annotations

import os

VARIABLE = "HARNESS_DEBUG"
HOW = "--debug shows where"
"""What an error says that a traceback would help with."""


def debugging() -> bool:
    """Whether `HARNESS_DEBUG` is set to anything but 0."""
    return os.environ.get(VARIABLE, "0") not in ("", "0")
