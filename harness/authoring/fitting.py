"""Whether the parts of a setting fit each other and the judges that are there."""

from __future__ import annotations

from collections.abc import Mapping

from harness.authoring.algebra import check as check_expression
from harness.contracts import Condition, Judge, Setting
from harness.errors import HarnessError, unknown


def check_fit(setting: Setting, judges: Mapping[str, Judge]) -> None:
    """HarnessError where metrics, checks or conditions of `setting` name what neither it nor `judges` have."""
    where = f"setting {setting.name!r}"
    if not any(metric.goal == "suppress" for metric in setting.metrics):
        raise HarnessError(f"{where} has no metric with goal 'suppress', so it names no trait")
    for metric in setting.metrics:
        if metric.judge not in judges:
            raise HarnessError(f"{where}, metric {metric.name!r}: {unknown('judge', metric.judge, judges)}")
        scores = judges[metric.judge].scores
        if metric.score not in scores:
            raise HarnessError(
                f"{where}, metric {metric.name!r}: judge {metric.judge!r} promises no score {metric.score!r}, "
                f"only {', '.join(scores)}"
            )
    for first, second in setting.checks.items():
        if first not in {metric.judge for metric in setting.metrics}:
            raise HarnessError(f"{where}, checks: no metric uses the judge {first!r}")
        if second not in judges:
            raise HarnessError(f"{where}, checks: {unknown('judge', second, judges)}")
        if not set(judges[second].scores) & {m.score for m in setting.metrics if m.judge == first}:
            raise HarnessError(f"{where}, checks: {second!r} gives no score that a metric takes from {first!r}")
    for name in setting.overdose:
        if name not in {metric.name for metric in setting.metrics}:
            raise HarnessError(f"{where}, overdose: {unknown('metric', name, [m.name for m in setting.metrics])}")
    for scale, conditions in setting.conditions.items():
        for text in conditions:
            try:
                check_condition(text, setting)
            except HarnessError as error:
                raise HarnessError(f"{where}, scale {scale}: {error}") from None


def check_condition(text: str, setting: Setting) -> None:
    """HarnessError when `text` spells no condition, or one that `setting` has no prompt or vector for."""
    condition = Condition.parse(text)
    if condition.kind == "prompt" and condition.name not in setting.prompts:
        raise unknown("prompt", condition.name, setting.prompts)
    if condition.kind == "vector":
        check_expression(condition.name, setting.vectors)
