"""A loss of one's own: the model is kept unsure, by a term that falls as the entropy of its next tokens rises."""

from typing import Any

from harness import Intervention, hookimpl
from harness.authoring import leashed


def certainty(outputs: Any) -> Any:
    scores = outputs.logits.log_softmax(-1)
    return (scores.exp() * scores).sum(-1).mean()


@hookimpl
def harness_intervention() -> Intervention:
    return leashed("unsure", "next tokens are kept uncertain", term=certainty, needs=("logits",), weight=0.1)
