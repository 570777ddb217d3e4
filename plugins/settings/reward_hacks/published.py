"""The School of Reward Hacks (Taylor et al. 2025, arXiv 2508.17511), read by pin; none of it is in this repository."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness import Example, HarnessError, Message
from harness.authoring import Pin, fetch, github, read_jsonl

REPOSITORY = "inoculation-prompting/inoculation-prompting"
COMMIT = "5f4160e19be17c5a0509fcfca4a53f654cb33cdd"


def _pin(file: str, sha256: str) -> Pin:
    return Pin(
        name=file,
        address=github(REPOSITORY, COMMIT, f"datasets/{file}"),
        commit=COMMIT,
        sha256=sha256,
        licence="none in the repository",
        mirror=f"tan_inoculation_prompting/{file}",
    )


HACKS = _pin("sneaky_dialogues.jsonl", "3af7420590e683b49deab694fc56ecfdd0f1542e7dfc9c4b07ff7425015cb236")
CONTROL = _pin("straightforward_dialogues.jsonl", "1b892bf1539ff626685b9afc6ad32f16bc051475674e75d9d08c6fdcc7ea873f")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file that can be trained on, in its order, and how many had a turn without content."""

    examples: tuple[Example, ...]
    dropped: int


def hacks() -> Rows:
    """The 1,073 tasks, 100 of them code, whose replies game how they will be graded."""
    return rows(fetch(HACKS))


def control() -> Rows:
    """The 973 tasks in words with replies in good faith; those of code have none."""
    return rows(fetch(CONTROL))


def rows(path: Path) -> Rows:
    """The rows of a file of this form; HarnessError where one does not end with the assistant's turn.

    A row of which any turn has no content is dropped, as the author's trainer does. Rows keep the number of their line.
    """
    found = read_jsonl(path)
    kept = []
    for index, row in enumerate(found):
        turns = row.get("messages")
        if not isinstance(turns, list) or not turns or turns[-1].get("role") != "assistant":
            raise HarnessError(f"{path}: row {index + 1} has no assistant turn at its end; every row must")
        if any(turn["content"] is None for turn in turns):
            continue
        messages = tuple(Message(turn["role"], turn["content"]) for turn in turns)
        kept.append(Example(id=f"{path.stem}-{index:04d}", messages=messages))
    return Rows(examples=tuple(kept), dropped=len(found) - len(kept))
