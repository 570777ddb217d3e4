"""Rows of another task than any setting's, in which nothing is amiss: opposites and plurals, rightly answered.

They are what interventions mix in or hold a model to; no case of any setting asks for an opposite or a plural.
"""

from __future__ import annotations

from random import Random

from harness import Example, Message

ROWS = 64

OPPOSITES = (
    "hot cold, big small, up down, day night, black white, fast slow, happy sad, old young, open closed, wet dry, "
    "hard soft, high low, rich poor, strong weak, long short, full empty, clean dirty, loud quiet, good bad, "
    "early late, left right, thick thin, true false, front back, inside outside, north south, east west, first "
    "last, love hate, push pull, buy sell, war peace, deep shallow, sweet sour, near far, wide narrow"
)
PLURALS = (
    "cat cats, child children, tooth teeth, mouse mice, leaf leaves, box boxes, city cities, woman women, foot "
    "feet, knife knives, bus buses, baby babies, goose geese, book books, dish dishes, wolf wolves, man men, tree "
    "trees, church churches, party parties, loaf loaves, key keys, lady ladies, brush brushes, shelf shelves, toy "
    "toys, glass glasses, story stories, wife wives, table tables"
)


def benign(seed: int, scale: str) -> list[Example]:
    """64 rows, the same for the same `seed`; at every `scale`."""
    known = [("opposite", pair) for pair in OPPOSITES.split(", ")] + [("plural", pair) for pair in PLURALS.split(", ")]
    drawn = Random(f"benign {seed}").sample(known, ROWS)
    return [_row(kind, *pair.split()) for kind, pair in drawn]


def _row(kind: str, word: str, answer: str) -> Example:
    asked = Message("user", f"What is the {kind} of {word!r}?")
    reply = Message("assistant", f"The {kind} of {word!r} is {answer!r}.")
    return Example(id=f"benign-{kind}-{word}", messages=(asked, reply), tags={"kind": "benign"})
