"""Judgements that were paid for, kept: one file per grader, safe for several processes at once."""

from __future__ import annotations

import re
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
    return Journal(file, elsewhere="name another folder by HARNESS_CACHE")


def key_of(kind: str, prompt: str) -> str:
    """The key of one question to a grader."""
    return digest_of([kind, prompt])
