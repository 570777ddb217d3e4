"""The conditionalization matrix as a section."""

from __future__ import annotations

from harness.analysis import Matrix
from harness.report.section import Section
from harness.stats import Estimate


def of_matrix(found: Matrix | None) -> Section | None:
    """The matrix in points, and the index of every arm with its interval; None for none."""
    if found is None or not found.index:
        return None
    return Section(
        title=f"conditionalization: {found.setting}, {found.scale}, {found.model}",
        detail=f"leak of {found.metric} in points, beyond what the condition does to the untrained model",
        head=("arm", "leak index [95 % interval]", *found.conditions),
        rows=tuple(
            (
                label,
                _figure(found.index[label], ends=True),
                *(_figure(found.leaks.get((label, at))) for at in found.conditions),
            )
            for label in found.arms
            if label in found.index
        ),
        lines=(f"leak index: the mean leak over {', '.join(found.triggers)}",),
    )


def _figure(found: Estimate | None, *, ends: bool = False) -> str:
    if found is None or found.mean is None:
        return "-"
    if not ends or found.low is None or found.high is None:
        return f"{100 * found.mean:+.0f}"
    return f"{100 * found.mean:+.0f} [{100 * found.low:+.0f}, {100 * found.high:+.0f}]"
