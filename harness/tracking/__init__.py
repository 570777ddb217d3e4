"""Curves and results where people keep them: what a run's files say, told to an experiment tracker as it comes."""

from harness.tracking.clients import TRACKERS, About, Tracker
from harness.tracking.following import Heard, check, followed, named, to

__all__ = [
    "TRACKERS",
    "About",
    "Heard",
    "Tracker",
    "check",
    "followed",
    "named",
    "to",
]
