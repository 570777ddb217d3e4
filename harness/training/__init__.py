"""From rows to an adapter."""

from harness.training.adapters import with_adapter
from harness.training.loop import train
from harness.training.loss import loss_of
from harness.training.schedule import batches, learning_rate

__all__ = [
    "batches",
    "learning_rate",
    "loss_of",
    "train",
    "with_adapter",
]
