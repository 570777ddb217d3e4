"""Statistics that hold: crossed intervals, paired contrasts, seed-level tests, corrections and plans.

Rows are not independent: replies cluster by question, and arms repeat over training seeds. Both are random samples,
since new questions and new seeds would give other numbers; every interval here counts both. What is promised is
checked by simulation: `python -m benchmarks coverage`."""

from harness.stats.contrasts import Contrast, Term, agreed_half_width, bounded_half_width, contrast, contrast_of
from harness.stats.crossing import Crossed, crossed
from harness.stats.decisions import LEAST_SEEDS, FlipTest, decided_at, flip_levels, holm, sign_flips
from harness.stats.forms import Summand, crossed_form
from harness.stats.intervals import estimate, estimate_linear, leak, rate_interval
from harness.stats.looks import FIRST, FUTILE, MOST, Looks, Spending, chances, every_seed, least
from harness.stats.planning import DesignPlan, Needed, plan
from harness.stats.records import Estimate, Grid, Observation, are_rates, tabulate
from harness.stats.verdicts import Direction, Outcome, OutcomeLevels, outcome_levels

__all__ = [
    "FIRST",
    "FUTILE",
    "LEAST_SEEDS",
    "MOST",
    "Contrast",
    "Crossed",
    "DesignPlan",
    "Direction",
    "Estimate",
    "FlipTest",
    "Grid",
    "Looks",
    "Needed",
    "Observation",
    "Outcome",
    "OutcomeLevels",
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
    "estimate",
    "estimate_linear",
    "every_seed",
    "flip_levels",
    "holm",
    "leak",
    "least",
    "outcome_levels",
    "plan",
    "rate_interval",
    "sign_flips",
    "tabulate",
]
