"""Numbers as people type them."""

from __future__ import annotations

import math
import re

MOST = 1_000_000_000
MOST_EPOCHS = 10_000
"""No number that a person types is larger: a slip of the keyboard is."""

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def number(text: str) -> float:
    """The number that `text` spells, as `1`, `0.5` or `1e-3`; NaN for everything else that Python takes for one.

    That is what a reader would take for a slip: `1_0`, digits of other scripts, `inf`. Blanks around it are left out.
    """
    return float(text) if _PLAIN.fullmatch(text.strip()) else math.nan
