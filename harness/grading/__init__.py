"""From the replies of a run to its results: graded, written, and shown in the logs."""

from harness.grading.given import GivenReply, read_given
from harness.grading.rejudging import Regraded, rejudge
from harness.grading.step import grade, grader_of_before, is_graded, replies_of
from harness.grading.verdicts import spelled, untaken, verdicts_of

__all__ = [
    "GivenReply",
    "Regraded",
    "grade",
    "grader_of_before",
    "is_graded",
    "read_given",
    "rejudge",
    "replies_of",
    "spelled",
    "untaken",
    "verdicts_of",
]
