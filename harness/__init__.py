"""A benchmark harness for training-time interventions against unwanted traits."""

from harness.contracts import (
    Case,
    Condition,
    Example,
    Generation,
    InstructionPair,
    Intervention,
    Judge,
    Lora,
    Message,
    Metric,
    Persona,
    Prompt,
    Rating,
    Recipe,
    Reference,
    ReplyPair,
    RolloutFilter,
    Setting,
    Steering,
    SteeringDefault,
    VectorSpec,
    Verdict,
)
from harness.errors import HarnessError
from harness.hookspecs import hookimpl
from harness.moved import DISTRIBUTION, forward

__version__ = "0.1.0"

__all__ = [
    "DISTRIBUTION",
    "Case",
    "Condition",
    "Example",
    "Generation",
    "HarnessError",
    "InstructionPair",
    "Intervention",
    "Judge",
    "Lora",
    "Message",
    "Metric",
    "Persona",
    "Prompt",
    "Rating",
    "Recipe",
    "Reference",
    "ReplyPair",
    "RolloutFilter",
    "Setting",
    "Steering",
    "SteeringDefault",
    "VectorSpec",
    "Verdict",
    "hookimpl",
]

forward()
