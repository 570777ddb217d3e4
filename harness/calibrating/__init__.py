"""Training and doses of a setting chosen for a model, by trials on cases that no result uses."""

from harness.calibrating.arms import ArmDose, dose_of
from harness.calibrating.balances import Weighed, designs, weigh
from harness.calibrating.blocks import ranked
from harness.calibrating.rule import Seen, Trial, Wanted
from harness.calibrating.search import Found, Start, search
from harness.calibrating.step import BUDGET, SEEDS, Calibrated, as_fitted, calibrate, file_of, outlined, subject_of
from harness.calibrating.trials import Subject

__all__ = [
    "BUDGET",
    "SEEDS",
    "ArmDose",
    "Calibrated",
    "Found",
    "Seen",
    "Start",
    "Subject",
    "Trial",
    "Wanted",
    "Weighed",
    "as_fitted",
    "calibrate",
    "designs",
    "dose_of",
    "file_of",
    "outlined",
    "ranked",
    "search",
    "subject_of",
    "weigh",
]
