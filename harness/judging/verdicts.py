"""One reply, one judge, one verdict that holds what the judge promised."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.contracts import Case, Grader, Judge, Verdict
from harness.errors import HarnessError

Place = tuple[str, str, str, int]
"""Which reply of a run: its condition, split, case and sample."""

Verdicts = Mapping[str, Mapping[Place, Verdict]]
"""What each judge, by name, said of each reply that it was asked about."""


async def judged(judge: Judge, case: Case, reply: str, grader: Grader | None = None) -> Verdict:
    """What `judge` says of `reply`; HarnessError when it stops, or gives other scores than it promises."""
    where = f"judge {judge.name!r}"
    try:
        verdict = await judge.grade(case, reply, grader)
    except HarnessError:
        raise
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise HarnessError(f"{where} failed on case {case.id!r}: {said}; it needs {judge.needs}") from error
    if not isinstance(verdict, Verdict):
        raise HarnessError(
            f"{where} gave {verdict!r:.80} for case {case.id!r}, not a Verdict; the fault is the judge's"
        )
    if set(verdict.scores) != set(judge.scores) or not all(map(_is_score, verdict.scores.values())):
        raise HarnessError(
            f"{where} gave {dict(verdict.scores)} for case {case.id!r}, not a number or None for each of "
            f"{', '.join(judge.scores)}; the fault is the judge's"
        )
    return verdict


def _is_score(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and math.isfinite(value))
