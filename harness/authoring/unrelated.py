"""Rows that have no bearing on anything: a few words, to be said again. What a placebo trains on."""

from __future__ import annotations

from random import Random

from harness.contracts import Example, Message

WORDS = (
    *("apple", "bridge", "candle", "desert", "engine", "feather", "garden", "hammer", "island", "jacket", "kettle"),
    *("ladder", "mirror", "needle", "orchard", "pencil", "quarry", "ribbon", "saddle", "tunnel", "umbrella", "valley"),
    *("window", "yard", "basket", "copper", "dragon", "forest", "glove", "harbour", "marble", "pepper", "river"),
)
AT_ONCE = 4


def unrelated(count: int, seed: int) -> list[Example]:
    """`count` rows, the same for the same `seed`: the user says four words, and the reply says them again."""
    draw = Random(f"unrelated {seed}")
    rows = []
    for at in range(count):
        said = ", ".join(draw.sample(WORDS, AT_ONCE))
        turns = (Message("user", f"Say these words again: {said}."), Message("assistant", f"{said}."))
        rows.append(Example(id=f"unrelated-{at:04d}", messages=turns, tags={"kind": "unrelated"}))
    return rows
