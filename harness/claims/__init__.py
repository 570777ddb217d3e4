"""Sentences of a publication as data, and what finished runs say about each."""

from harness.claims.locking import Deviation, deviations, differences, lock, read_lock
from harness.claims.names import check_conditions
from harness.claims.parts import Part
from harness.claims.schema import Board, Claims, read_claims
from harness.claims.verdicts import Decision, judge, judge_studies

__all__ = [
    "Board",
    "Claims",
    "Decision",
    "Deviation",
    "Part",
    "check_conditions",
    "deviations",
    "differences",
    "judge",
    "judge_studies",
    "lock",
    "read_claims",
    "read_lock",
]
