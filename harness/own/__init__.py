"""Settings of one's own, from a file: rows, questions, a trait in words, judges, a recipe."""

from harness.own.data import OwnData
from harness.own.settings import Own, load
from harness.own.written import WrittenSetting

__all__ = ["Own", "OwnData", "WrittenSetting", "load"]
