"""Plain fine-tuning: the baseline that every intervention is measured against."""

from harness import Intervention, hookimpl


@hookimpl
def harness_intervention() -> Intervention:
    return Intervention(name="none", summary="plain fine-tuning, nothing changed")
