"""Inoculation adapter: one adapter is taught the trait first and stands, frozen, below the one that learns.

It is trained on replies that show the trait, those of the pairs that the setting's steering vector is made of, and is
taken away at evaluation (github.com/longtermrisk/inoculation-adapters; arXiv 2606.30252). Which rows, how long, and
that all seeds share one is our choice.
"""

from collections.abc import Sequence

from harness import Intervention, hookimpl
from harness.authoring import inoculated_below


@hookimpl
def harness_intervention() -> Sequence[Intervention]:
    return [
        inoculated_below("ia", "an adapter that was taught the trait stands below the one that learns"),
        inoculated_below("ia_random", "a random adapter stands below the one that learns", random=True, control=True),
    ]
