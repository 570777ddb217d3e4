"""Curves and results where people keep them: what a run's files say, told to an experiment tracker as it comes."""

from harness.tracking.clients import TRACKERS, About, Tracker
from harness.tracking.following import check, followed, named, to

__all__ = [
    "TRACKERS",
    "About",
    "Tracker",
    "check",
    "followed",
    "named",
    "to",
]
