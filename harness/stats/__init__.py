"""Statistics that hold: crossed intervals, paired contrasts, seed-level tests, corrections and plans.

Rows are not independent: replies cluster by question, and arms repeat over training seeds. Both are random samples,
since new questions and new seeds would give other numbers; every interval here counts both. What is promised is
checked by simulation: `python -m benchmarks coverage`."""

from harness.stats.contrasts import Contrast, Term, agreed_half_width, bounded_half_width, contrast, contrast_of
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
from harness.stats.forms import Summand, crossed_form
from harness.stats.intervals import estimate, estimate_linear, leak, rate_interval
from harness.stats.looks import FIRST, FUTILE, MOST, Looks, Spending, chances, every_seed, least
from harness.stats.planning import DesignPlan, Needed, plan
from harness.stats.records import Estimate, Grid, Observation, Observations, are_rates, tabulate
from harness.stats.verdicts import Direction, Outcome, OutcomeLevels, effect_of, outcome_levels

__all__ = [
    "FIRST",
    "FUTILE",
    "LEAST_SEEDS",
    "MOST",
    "Bounds",
    "Contrast",
    "Crossed",
    "DesignPlan",
    "Direction",
    "Estimate",
    "FlipTest",
    "Grid",
    "Limits",
    "Looks",
    "Needed",
    "Observation",
    "Observations",
    "Outcome",
    "OutcomeLevels",
    "Powered",
    "Spending",
    "Summand",
    "Term",
    "agreed_half_width",
    "are_rates",
    "bounded_half_width",
    "chances",
    "contrast",
    "contrast_of",
    "crossed",
    "crossed_form",
    "decided_at",
    "effect_of",
    "estimate",
    "estimate_linear",
    "every_seed",
    "flip_levels",
    "holm",
    "judged_share",
    "leak",
    "least",
    "mean_error",
    "mover",
    "outcome_levels",
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
    "tabulate",
]
