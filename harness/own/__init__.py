"""Settings of one's own, from a file: rows, questions, a trait in words, judges, a recipe."""

from harness.own.data import OwnData
from harness.own.rows import columns_in, read_chats
from harness.own.settings import Own, load
from harness.own.written import WrittenRecipe, WrittenSetting, WrittenSteering

__all__ = [
    "Own",
    "OwnData",
    "WrittenRecipe",
    "WrittenSetting",
    "WrittenSteering",
    "columns_in",
    "load",
    "read_chats",
]
