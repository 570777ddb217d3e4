"""What Inspect finds of this package: the provider `harness/RUN`, a task per setting, and a scorer per judge.

Settings and judges are all that are installed, of whatever package. A log names a scorer without its package, so the
scorers that logs name are there under their bare names too.
"""

from __future__ import annotations

from inspect_ai.model import ModelAPI, modelapi
from inspect_ai.scorer._scorer import scorer_register

from harness.evaluation.provider import HarnessAPI
from harness.evaluation.scorers import offered_scorer, shown_scorers
from harness.evaluation.tasks import inspect_task
from harness.judging import judges_of
from harness.registry import installed


@modelapi(name="harness")
def harness() -> type[ModelAPI]:
    """The model of a run folder."""
    return HarnessAPI


TASKS = {setting.name: inspect_task(setting) for setting in installed().settings.values()}
JUDGES = {judge.name: offered_scorer(judge) for judge in installed().judges.values()}
SHOWN = shown_scorers(one for setting in installed().settings.values() for one in judges_of(setting, installed()))
for _name, _scorer in SHOWN.items():
    scorer_register(_scorer, _name)
