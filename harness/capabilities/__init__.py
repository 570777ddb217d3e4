"""What a trained model still can do: lm-eval tasks on our own engine."""

from harness.capabilities import capabilities

__all__ = [
    "capabilities",
]
