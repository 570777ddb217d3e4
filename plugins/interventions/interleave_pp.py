"""Benign rows among the setting's, chosen by their perplexity gap: those that plain training makes least likely.

The gap is the perplexity of a row's reply under the model that plain training makes, less that under the untrained one
(Kaczer et al., arXiv 2508.06249). How many are added, of which half, is our choice; the placebo takes the other half.
"""

from collections.abc import Sequence
from math import exp

from harness import Intervention, ScoredRow, hookimpl
from harness.authoring import chosen_among

SOURCE = "arXiv 2508.06249"


def gap(row: ScoredRow) -> float:
    return exp(-(row.taught or 0.0)) - exp(-row.base)


def closeness(row: ScoredRow) -> float:
    return -gap(row)


@hookimpl
def harness_intervention() -> Sequence[Intervention]:
    most, least = "benign rows of the largest perplexity gap stand among the rows", "those of the smallest gap do"
    return [
        chosen_among("interleave_pp", most, score=gap, share=0.25, kept=0.5, source=SOURCE),
        chosen_among("interleave_pp_least", least, score=closeness, share=0.25, kept=0.5, control=True, source=SOURCE),
    ]
