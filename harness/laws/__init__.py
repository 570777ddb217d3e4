"""What a plugin's functions must hold to: one text for the cell that is prepared and for the plugin's own tests."""

from harness.laws.interventions import (
    concept_of,
    edited,
    edits,
    mixed,
    part_of,
    prompt_of,
    reason_against,
    reworded,
    steering_of,
    weighted,
)
from harness.laws.judges import AWKWARD_REPLIES, tried, try_once, wrong_verdict

__all__ = [
    "AWKWARD_REPLIES",
    "concept_of",
    "edited",
    "edits",
    "mixed",
    "part_of",
    "prompt_of",
    "reason_against",
    "reworded",
    "steering_of",
    "tried",
    "try_once",
    "weighted",
    "wrong_verdict",
]
