"""From rows to an adapter."""

from harness.training.loop import batches, loss_of, train, with_adapter

__all__ = [
    "batches",
    "loss_of",
    "train",
    "with_adapter",
]
