"""A benchmark harness for training-time interventions against unwanted traits.

For plugins: the records of `harness.contracts`. For notebooks: `run`, `results`, `compare` and `report`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from harness.contracts import (
    AdapterChange,
    Case,
    Condition,
    Draw,
    Example,
    FrozenAdapter,
    Generation,
    GradientChange,
    InstructionPair,
    Intervention,
    Judge,
    Lora,
    LossTerm,
    Message,
    Metric,
    Persona,
    Prompt,
    Rating,
    Recipe,
    RecipeChange,
    Reference,
    ReplyPair,
    Rewriting,
    RolloutFilter,
    RowChoice,
    ScoredRow,
    Setting,
    Steering,
    SteeringDefault,
    StopRule,
    VectorSpec,
    Verdict,
)
from harness.errors import HarnessError
from harness.hookspecs import hookimpl
from harness.moved import DISTRIBUTION, forward

if TYPE_CHECKING:
    from harness.notebooks import compare, report, results, run

__version__ = "0.1.0"

__all__ = [
    "DISTRIBUTION",
    "AdapterChange",
    "Case",
    "Condition",
    "Draw",
    "Example",
    "FrozenAdapter",
    "Generation",
    "GradientChange",
    "HarnessError",
    "InstructionPair",
    "Intervention",
    "Judge",
    "Lora",
    "LossTerm",
    "Message",
    "Metric",
    "Persona",
    "Prompt",
    "Rating",
    "Recipe",
    "RecipeChange",
    "Reference",
    "ReplyPair",
    "Rewriting",
    "RolloutFilter",
    "RowChoice",
    "ScoredRow",
    "Setting",
    "Steering",
    "SteeringDefault",
    "StopRule",
    "VectorSpec",
    "Verdict",
    "compare",
    "hookimpl",
    "report",
    "results",
    "run",
]

FACE = ("compare", "report", "results", "run")
"""What stands in `harness.notebooks`, and is imported when it is first asked for: it brings pandas and torch."""


def __getattr__(name: str) -> object:
    if name in FACE:
        return getattr(import_module("harness.notebooks"), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")


forward()
