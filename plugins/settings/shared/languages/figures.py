"""Published shares of languages as the records that a report shows beside ours."""

from __future__ import annotations

from collections.abc import Sequence

from harness import Reference

REPLIES = 100


def figures(
    arm: str,
    languages: Sequence[str],
    percent: Sequence[float],
    *,
    source: str,
    scale: str = "paper",
    dose: float = 1.0,
    given: str = "",
    note: str = "",
) -> list[Reference]:
    """One record for each of `languages`, from its `percent` of 0 to 100; `given` are the weights of the arm."""
    return [
        Reference(
            scale=scale,
            intervention=arm,
            weights=given,
            dose=dose,
            metric=language,
            value=round(value / 100, 4),
            n=REPLIES,
            source=source,
            note=note,
        )
        for language, value in zip(languages, percent, strict=True)
    ]
