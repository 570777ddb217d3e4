"""Names of a command, looked up before anything slow is imported: a typing error is answered at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from harness.cells.preparing import weighted
from harness.contracts import Setting
from harness.errors import unknown
from harness.models import resolve
from harness.registry import installed


def check_scale(setting: Setting, scale: str) -> None:
    """HarnessError when `setting` has no such scale, with the nearest that it has."""
    if scale not in setting.recipes:
        raise unknown(f"scale of {setting.name}", scale, setting.recipes)


def check_names(
    settings: Sequence[str], interventions: Sequence[str], *, scale: str, model: str, weights: Sequence[str]
) -> None:
    """HarnessError for the first of these that is not there, or for weights that an arm or a setting has no use for."""
    registry = installed()
    if model:
        resolve(model)
    takes = any(registry.intervention(name).given is not None for name in interventions)
    for setting in settings:
        check_scale(registry.setting(setting), scale)
        for intervention, balance in product(interventions, weights):
            arm = registry.intervention(intervention)
            weighted(arm, registry.setting(setting), balance if arm.given is not None or not takes else "")
