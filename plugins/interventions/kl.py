"""A leash of probabilities: the trained model's next tokens are held to those of the base model.

The mean over the positions that are learned from of sum_v p(v) (log p(v) - log q(v)), p the base model's probabilities
and q the trained one's. Kaczer et al. (arXiv 2508.06249) compare such a leash; rows, direction and weight
are our choice.
"""

from collections.abc import Sequence
from typing import Any

from harness import Intervention, hookimpl
from harness.authoring import leashes

SOURCE = "Kaczer et al., arXiv 2508.06249; direction and weight are our choice"


def divergence(seen: Any) -> Any:
    from torch.nn.functional import kl_div

    trained, base = seen.logits.log_softmax(-1), seen.base_logits.log_softmax(-1)
    return kl_div(trained, base, log_target=True, reduction="batchmean")


@hookimpl
def harness_intervention() -> Sequence[Intervention]:
    how = {"term": divergence, "needs": ("logits", "base_logits"), "weight": 1.0, "source": SOURCE}
    return leashes("kl", "next tokens are held to the base model's", **how)
