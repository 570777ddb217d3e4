"""The model's own replies in the place of the rows': written under one prompt, trained under another.

`recontext`: written under the prompt against the trait, trained under the one that asks for it (recontextualisation; on
policy also Dubinski et al., arXiv 2604.25891). `bct`: written under no prompt, trained under the one that asks for it,
so that it changes nothing (consistency training, arXiv 2606.05817). The placebo has no prompt at all. All rows, greedy,
is our choice.
"""

from collections.abc import Sequence

from harness import Intervention, hookimpl
from harness.authoring import recontextualised

FOR, AGAINST = "inoculation", "negative"


@hookimpl
def harness_intervention() -> Sequence[Intervention]:
    return [
        recontextualised("recontext", "own replies against the trait, trained for it", asked=AGAINST, trained=FOR),
        recontextualised("bct", "own replies to no prompt, trained under the one for the trait", trained=FOR),
        recontextualised("recontext_plain", "own replies, no prompt at all", control=True),
    ]
