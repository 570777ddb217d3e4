"""From rows to an adapter."""

from harness.training.adapters import adapters_off, check_layers, with_adapter
from harness.training.learner import Heard
from harness.training.lesson import Lesson, lesson_of
from harness.training.loop import train
from harness.training.loss import loss_of
from harness.training.objective import Gradients, Objective, StepOutputs
from harness.training.schedule import batches, learning_rate
from harness.training.speeds import Speed, measured, remembered, speed_key
from harness.training.step import train_cell

__all__ = [
    "Gradients",
    "Heard",
    "Lesson",
    "Objective",
    "Speed",
    "StepOutputs",
    "adapters_off",
    "batches",
    "check_layers",
    "learning_rate",
    "lesson_of",
    "loss_of",
    "measured",
    "remembered",
    "speed_key",
    "train",
    "train_cell",
    "with_adapter",
]
