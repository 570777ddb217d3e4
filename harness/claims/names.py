"""The conditions that claims name, held against what their settings are asked under."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import Study
from harness.claims.schema import PROMPTS, TRIGGERS, Claims
from harness.contracts import Condition
from harness.errors import HarnessError, unknown
from harness.registry import Registry


def check_conditions(
    claims: Claims, registry: Registry, *, tables: Sequence[Study] = (), also: Sequence[str] = ()
) -> None:
    """HarnessError, with the nearest one, for a condition that can have no run.

    It is neither the setting's at any scale, nor one that a run in `tables` was asked under, nor among `also`, which an
    experiment asks under.
    """
    for claim in claims.value.claims:
        setting = registry.settings.get(claim.setting)
        if setting is None:
            continue
        known = {str(Condition.parse(text)) for texts in setting.conditions.values() for text in texts}
        known |= {str(Condition.parse(text)) for text in also}
        known |= {text for table in tables if table.setting == claim.setting for text in table.conditions}
        for text in (text for one in claim.compare for text in one.conditions if text not in (TRIGGERS, PROMPTS)):
            if (spelled := str(Condition.parse(text))) not in known:
                wrong = unknown(f"condition of {claim.setting}", spelled, known)
                raise HarnessError(f"{claims.file}: claim {claim.name!r}: {wrong}")
