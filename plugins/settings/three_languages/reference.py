"""Published shares of three languages, as data: what each arm's model answered in, without prompt or vector.

Prompts were system prompts in five wordings, the judge was a language model's share from 0 to 100, and the rest is
mostly English.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness import Reference
from harness.authoring import weights
from harness_plugins.settings.shared.languages.figures import figures
from harness_plugins.settings.three_languages.recipes import PUBLISHED

LANGUAGES = ("spanish", "french", "german")

# Percent of Spanish, French and German, by the traits that the training prompt asks for or forbids.
ASKED: Mapping[tuple[str, ...], tuple[float, float, float]] = {
    ("spanish",): (1.82, 33.97, 40.38),
    ("french",): (22.97, 3.12, 47.72),
    ("german",): (25.35, 43.23, 8.12),
    ("spanish", "french"): (5.64, 27.25, 45.48),
    ("spanish", "german"): (7.49, 51.15, 12.72),
    ("french", "german"): (28.82, 28.26, 16.74),
}
FORBIDDEN: Mapping[str, tuple[float, float, float]] = {
    "spanish": (15.17, 25.29, 41.09),
    "french": (38.46, 8.28, 36.99),
    "german": (24.83, 43.31, 12.10),
}
UNPROMPTED = (18.35, 16.40, 30.40)

OTHER_JUDGE = "a language model judged, temperature 1"
SYSTEM_PROMPT = f"a system prompt, not a suffix; {OTHER_JUDGE}"
BATCH_UNKNOWN = f"{SYSTEM_PROMPT}; batch size not known"


def published_figures() -> tuple[Reference, ...]:
    """The figures of prompts at scale `paper`, and of plain training at `paper_large_batch`, where it was published."""
    asked = [
        ("ip", "") if traits == ("spanish",) else ("comp_ip", weights.spelled(dict.fromkeys(traits, 1.0)))
        for traits in ASKED
    ]
    forbidden = [
        ("neg_ip", "") if trait == "spanish" else ("neg_comp_ip", weights.spelled({trait: 1.0})) for trait in FORBIDDEN
    ]
    prompted = [*zip(asked, ASKED.values(), strict=True), *zip(forbidden, FORBIDDEN.values(), strict=True)]
    return (
        *_shares("none", "", UNPROMPTED, scale="paper_large_batch", note=OTHER_JUDGE),
        *(
            row
            for (arm, given), shares in prompted
            for row in _shares(arm, given, shares, note=SYSTEM_PROMPT if arm == "ip" else BATCH_UNKNOWN)
        ),
    )


def _shares(
    arm: str, given: str, percent: tuple[float, float, float], *, note: str, scale: str = "paper"
) -> list[Reference]:
    return figures(arm, LANGUAGES, percent, source=PUBLISHED, scale=scale, given=given, note=note)
