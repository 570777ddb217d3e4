"""Judgements that were paid for, kept: one file per grader, safe for several processes at once."""

from __future__ import annotations

import re
from types import NoneType
from typing import Any

from harness.files import Journal, cache_folder, digest_of

Judgement = dict[str, Any]

FORMAT = "2"
"""Raise when the same answer of a grader would make another judgement, or is written otherwise."""


def judgements(grader: str, address: str | None) -> Journal:
    """What one grader said, by `key_of` each question.

    The key covers the whole prompt, which holds the reply, and the file is the grader's own: its name says which
    model, and a digest of its name, its address and how it is asked tells graders apart.
    """
    readable = re.sub(r"[^\w.-]+", "_", grader)[-60:]
    own = digest_of([FORMAT, grader, address])
    file = cache_folder() / "judgements" / f"{readable}-{own[:12]}.jsonl"
    return Journal(file, fits=_is_judgement, elsewhere="name another folder by HARNESS_CACHE")


def _is_judgement(value: object) -> bool:
    """An answer has a text; a rating has an outcome, numbers and how they were had besides."""
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        return False
    rated = {"outcome", "score", "mass", "how"}
    numbers = (value.get("score"), value.get("mass"))
    return (not rated & set(value) or rated <= set(value)) and all(
        type(number) in (int, float, NoneType) for number in numbers
    )


def key_of(kind: str, prompt: str) -> str:
    """The key of one question to a grader."""
    return digest_of([kind, prompt])
