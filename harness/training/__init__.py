"""From rows to an adapter."""

from harness.training.loop import batches, loss_of, train, with_adapter
from harness.training.step import train_cell

__all__ = [
    "batches",
    "loss_of",
    "train",
    "train_cell",
    "with_adapter",
]
