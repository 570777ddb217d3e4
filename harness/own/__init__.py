"""Settings of one's own, from a file: rows, questions, a trait in words, judges, a recipe."""

from harness.own.data import OwnData
from harness.own.rows import CHAT, chats_of, read_table
from harness.own.settings import Own, load
from harness.own.written import WrittenRecipe, WrittenSetting, WrittenSteering

__all__ = [
    "CHAT",
    "Own",
    "OwnData",
    "WrittenRecipe",
    "WrittenSetting",
    "WrittenSteering",
    "chats_of",
    "load",
    "read_table",
]
