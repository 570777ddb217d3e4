"""Published shares of languages, as data: what each arm's model answered in, without prompt or vector.

Two languages: github.com/AanshSamyani/IP_Internals at commit 39f3faf, exp_1. Percent of words by language, the mean
over 100 greedy replies of one training seed, by the judge that is rebuilt here. A run without a label is left out. Four
runs of one configuration (lambda 0) lie between 29.2 and 33.0 % Spanish, so a few points are noise.

Three languages: github.com/AanshSamyani/SPAR-26-Recon-Stream at commit 781b2be, exp_10. Prompts were system prompts in
five wordings, the judge was a language model's share from 0 to 100, and the rest is mostly English.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness import Reference, weights

TWO = "github.com/AanshSamyani/IP_Internals at commit 39f3faf, exp_1"
THREE = "github.com/AanshSamyani/SPAR-26-Recon-Stream at commit 781b2be, exp_10"
REPLIES = 100

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


def two_languages() -> tuple[Reference, ...]:
    """The figures at scale `paper`: plain training, and a vector added or subtracted while training."""
    return (
        *_shares("none", PLAIN, note="a separate early run"),
        *(row for dose, shares in SPANISH.items() for row in _shares("ps", shares, dose=dose)),
        *(row for dose, shares in MINUS_SPANISH.items() for row in _shares("neg_ps", shares, dose=dose)),
        *(row for dose, shares in FRENCH.items() for row in _shares("comp_ps", shares, dose=dose, given="french=1")),
    )


def three_languages() -> tuple[Reference, ...]:
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
        *_languages("none", "", UNPROMPTED, scale="paper_large_batch", note=OTHER_JUDGE),
        *(
            row
            for (arm, given), shares in prompted
            for row in _languages(arm, given, shares, note=SYSTEM_PROMPT if arm == "ip" else BATCH_UNKNOWN)
        ),
    )


def _shares(
    arm: str, percent: Sequence[float], *, dose: float = 1.0, given: str = "", note: str = ""
) -> list[Reference]:
    return [
        Reference(
            scale="paper",
            intervention=arm,
            weights=given,
            dose=dose,
            metric=metric,
            value=round(value / 100, 4),
            n=REPLIES,
            source=TWO,
            note=note,
        )
        for metric, value in zip(("english", "spanish", "french"), percent, strict=True)
    ]


def _languages(arm: str, given: str, percent: Sequence[float], *, note: str, scale: str = "paper") -> list[Reference]:
    return [
        Reference(
            scale=scale,
            intervention=arm,
            weights=given,
            metric=metric,
            value=round(value / 100, 4),
            n=REPLIES,
            source=THREE,
            note=note,
        )
        for metric, value in zip(("spanish", "french", "german"), percent, strict=True)
    ]
