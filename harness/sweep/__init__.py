"""An experiment file to finished cells, on worker processes of this machine or of a cluster."""

from harness.sweep.costs import SweepPlan, expected, plan
from harness.sweep.deciding import Decided, at_most, first_look, planned_by_looks, until_decided
from harness.sweep.experiment import Experiment, load
from harness.sweep.experiment_file import ExperimentFile
from harness.sweep.locking import lock_claims, locked_arms
from harness.sweep.planned import Planned, key_of, planned
from harness.sweep.published import post, post_claims
from harness.sweep.schedule import Finished
from harness.sweep.sweeping import Swept, Where, sweep

__all__ = [
    "Decided",
    "Experiment",
    "ExperimentFile",
    "Finished",
    "Planned",
    "SweepPlan",
    "Swept",
    "Where",
    "at_most",
    "expected",
    "first_look",
    "key_of",
    "load",
    "lock_claims",
    "locked_arms",
    "plan",
    "planned",
    "planned_by_looks",
    "post",
    "post_claims",
    "sweep",
    "until_decided",
]
