"""From the replies of a run to its results: graded, written, and shown in the logs."""

from harness.grading import collecting, regrading
from harness.grading.collecting import replies_of

__all__ = [
    "collecting",
    "regrading",
    "replies_of",
]
