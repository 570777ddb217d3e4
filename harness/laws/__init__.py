"""What a plugin's functions must hold to: one text for the cell that is prepared and for the plugin's own tests."""

from harness.laws.interventions import edited, reason_against, steering_of, unchanged
from harness.laws.judges import AWKWARD_REPLIES, tried, wrong_verdict

__all__ = [
    "AWKWARD_REPLIES",
    "edited",
    "reason_against",
    "steering_of",
    "tried",
    "unchanged",
    "wrong_verdict",
]
