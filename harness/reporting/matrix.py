"""The conditionalization matrix as a section."""

from __future__ import annotations

from harness.analysis import Matrix
from harness.reporting.numbers import decimal, with_interval
from harness.reporting.section import Section
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
                with_interval(found.index[label], "+.0f", "+.0f"),
                *(_points(found.leaks.get((label, at))) for at in found.conditions),
            )
            for label in found.arms
            if label in found.index
        ),
        lines=(f"leak index: the mean leak over {', '.join(found.triggers)}",),
    )


def of_categories(found: Matrix | None) -> Section | None:
    """What wakes by kind of condition, arm by arm, with intervals; None where nothing has a kind."""
    if found is None or not found.by_category:
        return None
    arms = [label for label in found.arms if any(arm == label for arm, _ in found.by_category)]
    return Section(
        title=f"leaks by kind: {found.setting}, {found.scale}, {found.model}",
        detail=f"mean leak of {found.metric} in points [95 % interval], beyond what the untrained model does",
        head=("arm", *found.categories),
        rows=tuple(
            (
                label,
                *(with_interval(found.by_category.get((label, kind)), "+.0f", "+.0f") for kind in found.categories),
            )
            for label in arms
        ),
        lines=tuple(f"{kind}: {', '.join(at)}" for kind, at in found.categories.items()),
    )


def _points(found: Estimate | None) -> str:
    return decimal(None if found is None or found.mean is None else 100 * found.mean, "+.0f")
