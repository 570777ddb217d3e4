"""Published shares of two languages, as data: what each arm's model answered in, without prompt or vector.

Percent of words by language, the mean over 100 greedy replies of one training seed, by the judge that is rebuilt here.
A run without a label is left out. Four runs of one configuration (lambda 0) lie between 29.2 and 33.0 % Spanish, so a
few points are noise.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness import Reference
from harness_plugins.settings.shared.languages.figures import figures
from harness_plugins.settings.shared.sources import IP_INTERNALS

LANGUAGES = ("english", "spanish", "french")

# Percent of English, Spanish and French words, by lambda.
Sweep = Mapping[float, tuple[float, float, float]]
SPANISH: Sweep = {
    0.0: (6.78, 32.96, 60.26),
    0.2: (6.72, 17.33, 75.94),
    0.4: (6.67, 8.94, 84.39),
    0.6: (6.85, 6.35, 86.81),
    0.8: (7.97, 5.17, 86.87),
    1.0: (7.98, 4.29, 87.74),
}
FRENCH: Sweep = {
    0.0: (6.72, 32.89, 60.39),
    0.2: (8.07, 50.43, 41.50),
    0.4: (8.12, 62.58, 29.30),
    0.6: (7.02, 79.03, 13.95),
    0.8: (8.24, 86.56, 5.20),
    1.0: (14.73, 78.55, 6.72),
}
MINUS_SPANISH: Sweep = {
    0.0: (6.94, 29.40, 63.66),
    0.2: (6.13, 42.36, 51.51),
    0.4: (5.79, 56.28, 37.93),
    0.6: (5.81, 66.87, 27.32),
    0.8: (5.49, 76.82, 17.68),
    1.0: (4.53, 81.99, 13.48),
}
PLAIN = (5.82, 29.20, 64.98)


def published_figures() -> tuple[Reference, ...]:
    """The figures at scale `paper`: plain training, and a vector added or subtracted while training."""
    return (
        *_shares("none", PLAIN, note="a separate early run"),
        *(row for dose, shares in SPANISH.items() for row in _shares("ps", shares, dose=dose)),
        *(row for dose, shares in MINUS_SPANISH.items() for row in _shares("neg_ps", shares, dose=dose)),
        *(row for dose, shares in FRENCH.items() for row in _shares("comp_ps", shares, dose=dose, given="french=1")),
    )


def _shares(
    arm: str, percent: tuple[float, float, float], *, dose: float = 1.0, given: str = "", note: str = ""
) -> list[Reference]:
    return figures(arm, LANGUAGES, percent, source=IP_INTERNALS, dose=dose, given=given, note=note)
