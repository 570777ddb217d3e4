"""From rows to an adapter."""

from harness.training.adapters import with_adapter
from harness.training.loop import train
from harness.training.loss import loss_of
from harness.training.schedule import batches, learning_rate
from harness.training.step import train_cell

__all__ = [
    "batches",
    "learning_rate",
    "loss_of",
    "train",
    "train_cell",
    "with_adapter",
]
