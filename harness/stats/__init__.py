"""Statistics that hold: crossed intervals, paired contrasts, seed-level tests, corrections and plans.

Rows are not independent: replies cluster by question, and arms repeat over training seeds. Both are random samples,
since new questions and new seeds would give other numbers; every interval here counts both. What is promised is
checked by simulation: `python -m benchmarks coverage`."""

from harness.stats.contrasts import Contrast, Term, agreed_half_width, contrast, contrast_of
from harness.stats.corrected import (
    Bounds,
    Limits,
    Powered,
    judged_share,
    mean_error,
    mover,
    powered_difference,
    powered_mean,
    powered_rate,
    predictive,
    rogan_gladen,
    rogan_gladen_difference,
    sensitivity,
    specificity,
)
from harness.stats.crossing import Crossed, crossed
from harness.stats.decisions import LEAST_SEEDS, FlipTest, decided_at, flip_levels, holm, sign_flips
from harness.stats.intervals import estimate, estimate_linear, leak, rate_interval
from harness.stats.planning import DesignPlan, plan
from harness.stats.records import Estimate, Grid, Observation, are_rates

__all__ = [
    "LEAST_SEEDS",
    "Bounds",
    "Contrast",
    "Crossed",
    "DesignPlan",
    "Estimate",
    "FlipTest",
    "Grid",
    "Limits",
    "Observation",
    "Powered",
    "Term",
    "agreed_half_width",
    "are_rates",
    "contrast",
    "contrast_of",
    "crossed",
    "decided_at",
    "estimate",
    "estimate_linear",
    "flip_levels",
    "holm",
    "judged_share",
    "leak",
    "mean_error",
    "mover",
    "plan",
    "powered_difference",
    "powered_mean",
    "powered_rate",
    "predictive",
    "rate_interval",
    "rogan_gladen",
    "rogan_gladen_difference",
    "sensitivity",
    "sign_flips",
    "specificity",
]
