"""What a trained model still can do: lm-eval tasks on our own engine."""

from harness.capabilities import capabilities
from harness.capabilities.capabilities import check, measure

__all__ = [
    "capabilities",
    "check",
    "measure",
]
