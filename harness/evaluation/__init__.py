"""From an adapter to Inspect logs and their replies. Neither torch nor weights are loaded before a model is opened."""

from harness.evaluation.gathering import Answer, Question
from harness.evaluation.hosting import best_lanes, engines, hosted, release
from harness.evaluation.logs import check_log, read_log, read_replies_of, scores_in, show_scores
from harness.evaluation.opening import open_run
from harness.evaluation.provider import EvaluationError, HarnessAPI, note
from harness.evaluation.step import ask
from harness.evaluation.tasks import evaluate, inspect_task

__all__ = [
    "Answer",
    "EvaluationError",
    "HarnessAPI",
    "Question",
    "ask",
    "best_lanes",
    "check_log",
    "engines",
    "evaluate",
    "hosted",
    "inspect_task",
    "note",
    "open_run",
    "read_log",
    "read_replies_of",
    "release",
    "scores_in",
    "show_scores",
]
