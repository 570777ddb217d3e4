"""Conditionalization as an object: what every condition wakes in every arm, and one leak index per arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from harness.analysis.arms import Arm, untrained_of
from harness.analysis.result_tables import Table, leaks_of
from harness.analysis.studies import Study
from harness.contracts import CLEAN, Category, Condition
from harness.stats import Contrast, Estimate, Term, contrast

KINDS = (*get_args(Category), "vector", "random vector")
"""The categories of conditions, as columns of the leak map."""

# The roles that prompts of a setting play: these do not ask for the trait.
NOT_ASKING = ("negative", "negated", "irrelevant", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Training arms by eval conditions for the trait of one table.

    `leaks` holds what a condition wakes in an arm beyond what it does to the untrained model, by (arm, condition);
    `index` the mean leak of an arm over `triggers`, the conditions that ask for the trait or add its vector: prompts
    that forbid it or have no bearing, subtracted vectors and random ones are placebos, and in no index. `by_category`
    holds the mean leak of an arm over the conditions of each of `categories`, by (arm, category).
    """

    setting: str
    scale: str
    model: str
    metric: str
    arms: tuple[str, ...]
    conditions: tuple[str, ...]
    triggers: tuple[str, ...]
    leaks: Mapping[tuple[str, str], Estimate]
    index: Mapping[str, Estimate]
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_category: Mapping[tuple[str, str], Estimate] = field(default_factory=dict)


def matrix(table: Study) -> Matrix | None:
    """The matrix of `table`; None without the untrained model, or where nothing was put back."""
    leaks = (
        next((one for one in table.blocks if one.kind == "leak"), None) if isinstance(table, Table) else leaks_of(table)
    )
    base = untrained_of(table.arms)
    if leaks is None or base is None:
        return None
    arms = tuple(arm for arm in table.arms if any(label == arm.label for label, _ in leaks.cells))
    asking = triggers(table.conditions)
    found = {arm.label: leak_index(arm, base, leaks.metric, asking) for arm in arms}
    kinds = {kind: at for kind in KINDS if (at := tuple(text for text, own in table.categories.items() if own == kind))}
    means = {(arm.label, kind): leak_index(arm, base, leaks.metric, at) for arm in arms for kind, at in kinds.items()}
    return Matrix(
        setting=table.setting,
        scale=table.scale,
        model=table.model,
        metric=leaks.metric,
        arms=tuple(arm.label for arm in arms),
        conditions=tuple(condition for condition in table.conditions if condition != CLEAN),
        triggers=asking,
        leaks=leaks.cells,
        index={label: one.estimate() for label, one in found.items() if one is not None},
        categories=kinds,
        by_category={key: one.estimate() for key, one in means.items() if one is not None},
    )


def triggers(conditions: Sequence[str]) -> tuple[str, ...]:
    """Those of `conditions` that ask for the trait or add its vector."""
    return tuple(text for text in conditions if _asks(Condition.parse(text)))


def leak_index(arm: Arm, base: Arm, metric: str, asking: Sequence[str]) -> Contrast | None:
    """The mean leak of `arm` over the conditions `asking` that it and the base model have; None without any."""
    shared = [text for text in asking if all(one.replies(text, metric) for one in (arm, base))]
    clean = [one.replies(CLEAN, metric) for one in (arm, base)]
    if not shared or not all(clean):
        return None
    own, untrained = ([one.replies(text, metric) for text in shared] for one in (arm, base))
    share = 1 / len(shared)
    return contrast(
        [
            *(Term(share, rows) for rows in own),
            Term(-1.0, clean[0]),
            *(Term(-share, rows, trained=False) for rows in untrained),
            Term(1.0, clean[1], trained=False),
        ]
    )


def _asks(condition: Condition) -> bool:
    if condition.kind == "vector":
        return condition.coef > 0 and "random(" not in condition.name
    return condition.kind == "prompt" and condition.name.partition("_")[0] not in NOT_ASKING
