"""Published shares of misaligned replies after training on reward hacks, and on the same tasks in good faith."""

from __future__ import annotations

from harness import Reference
from harness_plugins.settings.reward_hacks.recipes import SPAR
from harness_plugins.settings.shared.misalignment import em_figures

REFERENCE = (
    *em_figures({"none": 0.014, "ip": 0.0, "ps": 0.0}),
    Reference(
        scale="control_paper",
        intervention="none",
        metric="em",
        value=0.0,
        n=683,
        source=SPAR,
        note="1 seed; n counts the coherent replies",
    ),
)
