"""One reply, one judge, one verdict that holds what the judge promised."""

from __future__ import annotations

from collections.abc import Mapping

from harness.calls import told, whose
from harness.contracts import Case, Grader, Judge, Verdict
from harness.errors import HarnessError
from harness.laws import wrong_verdict

Place = tuple[str, str, str, int]
"""Which reply of a run: its condition, split, case and sample."""

Verdicts = Mapping[str, Mapping[Place, Verdict]]
"""What each judge, by name, said of each reply that it was asked about."""


async def judged(judge: Judge, case: Case, reply: str, grader: Grader | None = None) -> Verdict:
    """What `judge` says of `reply`; HarnessError when it stops, or gives other scores than it promises."""
    where = f"judge {judge.name!r}{whose(judge.grade)}"
    try:
        verdict = await judge.grade(case, reply, grader)
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(f"{where} failed on case {case.id!r}: {told(error)}; it needs {judge.needs}") from error
    if (said := wrong_verdict(judge, case, verdict)) is not None:
        raise HarnessError(f"{where} {said}")
    return verdict
