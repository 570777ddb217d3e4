"""A leash of features: the residual stream of the trained model is held to that of the base model.

The mean over the positions that are learned from of |h - h0|^2, divided by the mean of |h0|^2, at the setting's own
block, h0 without adapter. Kaczer et al. (arXiv 2508.06249) compare a feature distance; block, scale and weight are our
choice.
"""

from collections.abc import Sequence
from typing import Any

from harness import Intervention, hookimpl
from harness.authoring import leashes

SOURCE = "Kaczer et al., arXiv 2508.06249; block, scale and weight are our choice"


def distance(seen: Any) -> Any:
    pairs = [(seen.hidden[block], base) for block, base in seen.base_hidden.items()]
    return sum((now - base).square().sum(-1).mean() / base.square().sum(-1).mean() for now, base in pairs) / len(pairs)


@hookimpl
def harness_intervention() -> Sequence[Intervention]:
    how = {"term": distance, "needs": ("hidden", "base_hidden"), "weight": 1.0, "source": SOURCE}
    return leashes("l2", "the residual stream is held to the base model's", **how)
