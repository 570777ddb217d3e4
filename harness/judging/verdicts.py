"""Which judges a setting asks, and one reply, one judge, one verdict that holds what the judge promised."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.contracts import Case, Grader, Judge, Setting, Verdict
from harness.errors import HarnessError
from harness.registry import Registry


def judge_versions(setting: Setting, registry: Registry) -> dict[str, str]:
    """The version of every judge that `setting` asks, second judges with them, by name."""
    names = {metric.judge for metric in setting.metrics} | set(setting.checks.values())
    return {name: registry.judge(name).version for name in sorted(names)}


def asking(setting: Setting, registry: Registry) -> tuple[str, ...]:
    """The judges of `setting` that ask a grader, second judges with them."""
    return tuple(name for name in judge_versions(setting, registry) if registry.judge(name).grader)


def rule_judges(setting: Setting, registry: Registry) -> dict[str, str]:
    """The version of every judge of `setting` that asks nobody, by name."""
    return {name: v for name, v in judge_versions(setting, registry).items() if not registry.judge(name).grader}


def up_to_date(setting: Setting, registry: Registry, graded: Mapping[str, str], *, asked: bool) -> bool:
    """Whether the judges in `graded` are all that `setting` has now, those that ask only if there or `asked`."""
    ask = asking(setting, registry)
    wanted = judge_versions(setting, registry)
    return dict(graded) == {name: v for name, v in wanted.items() if asked or name not in ask or name in graded}


def compared(setting: Setting, judge: str, registry: Registry) -> tuple[str, ...]:
    """The scores of metrics that `judge` and its second judge both give, in the order of the metrics; empty without."""
    if judge not in setting.checks:
        return ()
    both = registry.judge(setting.checks[judge]).scores
    wanted = dict.fromkeys(metric.score for metric in setting.metrics if metric.judge == judge)
    return tuple(score for score in wanted if score in both)


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
