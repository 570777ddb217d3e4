"""Early stopping by a rule: training ends once the loss on held-out rows of the setting no longer falls.

A check is made about twenty times along the steps; after three in a row without a new least loss, training ends. At
least a quarter of the steps is taken. Schreiber and Goldstein (arXiv 2605.12199) stop early; the rule is our choice.
"""

from collections.abc import Sequence

from harness import Intervention, hookimpl
from harness.authoring import ended_by

PATIENCE = 3


def no_longer_falls(losses: Sequence[float]) -> bool:
    return len(losses) > PATIENCE and min(losses[-PATIENCE:]) >= min(losses[:-PATIENCE])


@hookimpl
def harness_intervention() -> Intervention:
    summary = "training ends once the loss on held-out rows no longer falls"
    return ended_by(
        "early_stop_rule", summary, stops=no_longer_falls, share=0.75, source="our choice; arXiv 2605.12199"
    )
