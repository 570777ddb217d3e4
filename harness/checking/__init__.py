"""What a setting would come to with a model, before anything is trained: one finding after the other."""

from harness.checking.findings import CheckedSetting, Level, Remark, worst
from harness.checking.steps import check

__all__ = ["CheckedSetting", "Level", "Remark", "check", "worst"]
