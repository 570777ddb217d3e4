"""From an adapter to Inspect logs and their replies."""

from harness.evaluation import batching, scoring, tasks
from harness.evaluation.batching import best_lanes, hosted, release
from harness.evaluation.opening import open_run
from harness.evaluation.provider import HarnessAPI, note
from harness.evaluation.scoring import Place, Wanted, case_of, score_of, scorer_name, scorers, wanted
from harness.evaluation.tasks import beside, inspect_task

__all__ = [
    "HarnessAPI",
    "Place",
    "Wanted",
    "batching",
    "beside",
    "best_lanes",
    "case_of",
    "hosted",
    "inspect_task",
    "note",
    "open_run",
    "release",
    "score_of",
    "scorer_name",
    "scorers",
    "scoring",
    "tasks",
    "wanted",
]
