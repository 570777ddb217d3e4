"""Models that judges may ask: connections, numbers from 0 to 100, and what was said, kept."""

from harness.graders import asking
from harness.graders.asking import ModelGrader, around, opened

__all__ = [
    "ModelGrader",
    "around",
    "asking",
    "opened",
]
