"""From rows to an adapter."""

from harness.training.adapters import with_adapter
from harness.training.loop import train
from harness.training.loss import loss_of
from harness.training.schedule import batches, learning_rate
from harness.training.speeds import Speed, measured, remembered, speed_key
from harness.training.step import train_cell

__all__ = [
    "Speed",
    "batches",
    "learning_rate",
    "loss_of",
    "measured",
    "remembered",
    "speed_key",
    "train",
    "train_cell",
    "with_adapter",
]
