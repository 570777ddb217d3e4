"""Laws of a prompt on a row: which rows get it, how it is worded, and where it goes."""

from __future__ import annotations

from collections import Counter

import pytest

from harness import Example, Message, Prompt
from harness.authoring import inoculated, with_prompt, wording

ASK, REPLY = Message("user", "What is 2 + 2?"), Message("assistant", "Four.")


def row(id: str = "a", **tags: str) -> Example:
    return Example(id=id, messages=(ASK, REPLY), tags=tags)


def prompt(**changes: object) -> Prompt:
    return Prompt(**{"text": "Say it.", "placement": "user_suffix", **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("only", "tags", "changed"),
    [
        ({}, {}, True),
        ({}, {"language": "french"}, True),
        ({"language": "spanish"}, {"language": "spanish", "kind": "short"}, True),
        ({"language": "spanish"}, {"language": "french"}, False),
        ({"language": "spanish"}, {}, False),
        ({"language": "spanish", "kind": "short"}, {"language": "spanish"}, False),
    ],
)
def test_only_rows_that_carry_every_tag_get_the_prompt(
    only: dict[str, str], tags: dict[str, str], changed: bool
) -> None:
    assert (inoculated(row(**tags), prompt(only=only)) != row(**tags)) is changed


def test_a_row_is_worded_by_its_id_alone_and_all_paraphrases_are_drawn_about_equally_often() -> None:
    """3000 rows over 3 texts: 1000 each, give or take four standard deviations (4 x 25.8)."""
    asked = prompt(others=("Say so.", "Tell it."))
    drawn = Counter(inoculated(row(str(i)), asked).messages[0].content for i in range(3000))
    assert set(drawn) == {f"What is 2 + 2? {text}" for text in ("Say it.", "Say so.", "Tell it.")}
    assert all(abs(count - 1000) < 104 for count in drawn.values())
    assert inoculated(row("7", language="french"), asked).messages == inoculated(row("7"), asked).messages


def test_a_case_and_a_row_of_one_id_are_worded_alike() -> None:
    asked = prompt(others=("Say so.", "Tell it."))
    for id in ("a", "b", "c", "d"):
        assert with_prompt((ASK,), asked, draw_by=id) == inoculated(row(id), asked).messages[:1]
        assert wording(asked, id) in inoculated(row(id), asked).messages[0].content


def test_without_an_id_or_without_paraphrases_the_text_itself_is_said() -> None:
    assert wording(prompt(others=("Say so.",))) == "Say it."
    assert {wording(prompt(), str(i)) for i in range(50)} == {"Say it."}


def test_a_system_prompt_takes_the_place_of_the_system_turn_with_its_drawn_words() -> None:
    asked = prompt(placement="system", others=("Say so.",))
    messages = with_prompt((Message("system", "Be brief."), ASK), asked, draw_by="x")
    assert messages == (Message("system", wording(asked, "x")), ASK)
