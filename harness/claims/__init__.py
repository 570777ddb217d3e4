"""Sentences of a publication as data, and what finished runs say about each."""

from harness.claims.answers import Answered, ArmAnswers, answers
from harness.claims.locking import Deviation, as_locked, deviations, differences, lock, planned_looks, read_lock
from harness.claims.names import check_conditions
from harness.claims.parts import ComparedPart
from harness.claims.planned import MOST_LOOKS, LockedArm, LockedLooks, needs
from harness.claims.reasons import takes
from harness.claims.schema import Board, ClaimFile, Claims, read_claims
from harness.claims.standing import Standing, standings
from harness.claims.verdicts import ALPHA, Decision, judge, judge_studies

__all__ = [
    "ALPHA",
    "MOST_LOOKS",
    "Answered",
    "ArmAnswers",
    "Board",
    "ClaimFile",
    "Claims",
    "ComparedPart",
    "Decision",
    "Deviation",
    "LockedArm",
    "LockedLooks",
    "Standing",
    "answers",
    "as_locked",
    "check_conditions",
    "deviations",
    "differences",
    "judge",
    "judge_studies",
    "lock",
    "needs",
    "planned_looks",
    "read_claims",
    "read_lock",
    "standings",
    "takes",
]
