"""What a setting would come to with a model, before anything is trained: one finding after the other."""

from harness.checking.findings import CheckedSetting, Finding, Level, worst
from harness.checking.steps import check

__all__ = ["CheckedSetting", "Finding", "Level", "check", "worst"]
