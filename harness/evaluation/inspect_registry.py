"""What Inspect finds of this package: the provider `harness/RUN`, and one task per installed setting."""

from __future__ import annotations

from inspect_ai.model import ModelAPI, modelapi

from harness.evaluation.provider import HarnessAPI
from harness.evaluation.tasks import inspect_task
from harness.registry import installed


@modelapi(name="harness")
def harness() -> type[ModelAPI]:
    """The model of a run folder."""
    return HarnessAPI


TASKS = {setting.name: inspect_task(setting) for setting in installed().settings.values()}
