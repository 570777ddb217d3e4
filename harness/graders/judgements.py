"""Judgements that were paid for, kept: one file per grader, safe for several processes at once."""

from __future__ import annotations

import math
import re
from typing import Any, get_args

from harness.contracts import Outcome
from harness.files import Journal, cache_folder, digest_of

Judgement = dict[str, Any]

FORMAT = "2"
"""Raise when the same answer of a grader would make another judgement, or is written otherwise."""

NO_ANSWER = "no answer"
"""What a harness of before kept in place of an empty answer."""


def judgements(grader: str, address: str | None) -> Journal:
    """What one grader said, by `key_of` each question.

    The key covers the whole prompt, which holds the reply, and the file is the grader's own: its name says which
    model, and a digest of its name, its address and how it is asked tells graders apart.
    """
    readable = re.sub(r"[^\w.-]+", "_", grader)[-60:]
    own = digest_of([FORMAT, grader, address])
    file = cache_folder() / "judgements" / f"{readable}-{own[:12]}.jsonl"
    return Journal(file, elsewhere="name another folder by HARNESS_CACHE")


def key_of(kind: str, prompt: str) -> str:
    """The key of one question to a grader."""
    return digest_of([kind, prompt])


def is_whole(kind: str, said: object) -> bool:
    """Whether `said` is a judgement to a question of that kind. An answer of nothing is none: it is asked for again."""
    if not isinstance(said, dict) or not isinstance(said.get("text"), str):
        return False
    if kind != "rate":
        return bool(said["text"].strip())
    outcome, score, mass = said.get("outcome"), said.get("score"), said.get("mass")
    if outcome not in get_args(Outcome) or "how" not in said or (outcome == "score") != _is_number(score, 100.0):
        return False
    return (mass is None or _is_number(mass, math.inf)) and not (
        outcome == "unclear" and said["text"].strip() in ("", NO_ANSWER, "| | | |")
    )


def _is_number(value: object, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most and value < math.inf
