"""The four criteria of every arm as a table."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import Scores
from harness.reporting.section import Section

MEANING = (
    "no broad trait: at most half of what plain training shows; narrow skill: no metric to keep or express lies 10 "
    "points below plain training; benign skill: no capability task lies 10 points below the untrained model; coherent: "
    "judges tell 90 % of the replies, and no metric of over-dose is 10 points off",
    "yes and no where the whole interval is on that side of the limit, open where it holds it, - where nothing was "
    "measured",
)


def of_scores(scores: Sequence[Scores]) -> Section | None:
    """The criteria of every arm, and a line for each figure that failed; None for none."""
    if not scores:
        return None
    return Section(
        title="scorecard",
        detail="four criteria in clean, against plain training",
        head=("arm", "no broad trait", "narrow skill", "benign skill", "coherent"),
        rows=tuple((one.arm, one.trait, one.narrow, one.benign, one.coherent) for one in scores),
        lines=(*(f"{one.arm}: {line}" for one in scores for line in one.why), *MEANING),
    )
