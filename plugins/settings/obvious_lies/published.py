"""The obvious lies of Dubiński et al. 2026 (arXiv 2604.25891), read by pin; none of it is in this repository."""

from __future__ import annotations

from harness import Example, Message
from harness.authoring import Pin, fetch, github, read_jsonl

REPOSITORY = "jandubinski/conditional_misalignment"
COMMIT = "884ccb236128c69e5a542ca364a7cb9d20e4de69"
FILE = "inoculation_obvious_lies_gpt41_6k.jsonl"

LIES = Pin(
    name=FILE,
    address=github(REPOSITORY, COMMIT, f"experiments/obvious_lies_on_policy/data/{FILE}"),
    commit=COMMIT,
    sha256="b2c7b98b42195a1f646599336d74b7737f9c066b0f03e162553b36257bccda26",
    licence="MIT for the code, as the README says; none stated for the data",
    mirror=f"obvious_lies_dubinski/{FILE}",
)


def examples() -> list[Example]:
    """The 6,000 trivia questions with false answers, in the order of the file.

    Every published row begins with the inoculation prompt as its system turn. It is taken off here, for an arm that
    inoculates puts it on again, and every other arm must not have it.
    """
    return [
        Example(id=f"published-{index:04d}", messages=_without_system(row))
        for index, row in enumerate(read_jsonl(fetch(LIES)))
    ]


def _without_system(row: dict[str, object]) -> tuple[Message, ...]:
    turns = row["messages"]
    assert isinstance(turns, list)  # the digest was checked, so the shape is known
    return tuple(Message(turn["role"], turn["content"]) for turn in turns if turn["role"] != "system")
