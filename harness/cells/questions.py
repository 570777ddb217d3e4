"""Which cases are asked under which condition: the one answer for keys, plans, evaluations and laws."""

from __future__ import annotations

from collections.abc import Sequence

from harness.contracts import Case, Condition, Setting
from harness.errors import OutOfReach

CASE_SEED = 0
"""Every cell of a setting answers the same cases, so that arms are compared case by case."""


def splits(setting: Setting) -> tuple[str, ...]:
    """The splits that the setting's metrics are measured on, each once, in their order."""
    return tuple(dict.fromkeys(metric.split for metric in setting.metrics))


def asked(setting: Setting, scale: str, condition: Condition) -> dict[str, Sequence[Case]]:
    """The cases that are asked under `condition`, by split in the order of `splits`.

    At `mini` the optional splits are asked in clean alone, and only where their cases can be had.
    """
    if scale != "mini" or not setting.optional_splits:
        return {split: setting.cases(split, CASE_SEED, scale) for split in splits(setting)}
    left = left_out(setting, scale) if condition.kind == "clean" else setting.optional_splits
    return {split: setting.cases(split, CASE_SEED, scale) for split in splits(setting) if split not in left}


def left_out(setting: Setting, scale: str) -> dict[str, str]:
    """The optional splits whose cases cannot be had here, each with the reason; none but at `mini`."""
    reasons = {}
    for split in setting.optional_splits if scale == "mini" else ():
        try:
            setting.cases(split, CASE_SEED, scale)
        except OutOfReach as error:
            reasons[split] = str(error)
    return reasons


def told_left_out(setting: Setting, scale: str) -> list[str]:
    """A note for each split that is left out, before it is."""
    missed = left_out(setting, scale).items()
    return [f"note: {setting.name} is run without its questions {split}: {reason}" for split, reason in missed]
