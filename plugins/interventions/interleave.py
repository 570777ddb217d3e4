"""Benign rows among the setting's: a quarter as many, of another task in which nothing is amiss.

Kaczer et al. (arXiv 2508.06249) compare mixtures; the share and the rows are our choice. Its placebos take as many more
steps: on rows without bearing on anything, and on the setting's own rows again.
"""

from collections.abc import Sequence

from harness import Intervention, hookimpl
from harness.authoring import mixed_in

SHARE = 0.25


@hookimpl
def harness_intervention() -> Sequence[Intervention]:
    return [
        mixed_in("interleave", "benign rows stand among the rows", share=SHARE, of="benign"),
        mixed_in(
            "interleave_unrelated",
            "rows without bearing stand among the rows",
            share=SHARE,
            of="unrelated",
            control=True,
        ),
        mixed_in("interleave_own", "some of the rows stand among the rows again", share=SHARE, of="own", control=True),
    ]
