"""Settings of one's own, from a file: rows, questions, a trait in words, judges, a recipe."""

from harness.own.offered import FILES, KEPT, check_kept, keep_used, kept_digest, name_of, offer, offer_kept, offered
from harness.own.settings import Own, load

__all__ = [
    "FILES",
    "KEPT",
    "Own",
    "check_kept",
    "keep_used",
    "kept_digest",
    "load",
    "name_of",
    "offer",
    "offer_kept",
    "offered",
]
