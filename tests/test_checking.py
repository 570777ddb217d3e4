"""`harness check`: what is wrong with a setting is told before anything is trained, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small

from harness import Case, Example, Message, Setting
from harness.checking import CheckedSetting, Remark, check, worst
from harness.cli import main
from harness.registry import using


def checked(tiny: Path, folder: Path | None = None, **changes: Any) -> CheckedSetting:
    setting: Setting = replace(small.SETTING, **changes)
    with using(replace(small.REGISTRY, settings={"loud": setting})):
        return check("loud", scale="mini", model=str(tiny), folder=folder)


def found(seen: CheckedSetting, level: str) -> list[str]:
    return [f"{one.about}: {one.said}" for one in seen.findings if one.level == level]


def rows(*chats: tuple[str, str]) -> list[Example]:
    return [
        Example(id=f"r{at}", messages=(Message("user", asked), Message("assistant", said)))
        for at, (asked, said) in enumerate(chats)
    ]


def questions(texts: Sequence[str]) -> list[Case]:
    return [Case(id=f"c{at}", messages=(Message("user", text),)) for at, text in enumerate(texts)]


MANY = [(f"Say {number}.", f"LOUD {number}!") for number in range(40)]


def test_a_sound_setting_has_no_warning_and_shows_its_first_row(tiny_llama: Path) -> None:
    asked = questions([f"Please write {number}." for number in range(40)])
    seen = checked(tiny_llama, examples=lambda seed, scale: rows(*MANY), cases=lambda split, seed, scale: asked)
    assert (found(seen, "warning"), found(seen, "error")) == ([], [])
    assert worst(seen.findings) == "note"
    taught = "".join(text for text, is_taught in seen.row if is_taught)
    assert "LOUD 0!" in taught
    assert "Say 0." in "".join(text for text, is_taught in seen.row if not is_taught)


def test_questions_that_are_trained_on_are_an_error_however_they_are_spelled(tiny_llama: Path) -> None:
    asked = questions(["say   3.", "Say 5.", *(f"Please write {number}." for number in range(40))])
    seen = checked(tiny_llama, examples=lambda seed, scale: rows(*MANY), cases=lambda split, seed, scale: asked)
    errors = found(seen, "error")
    assert len(errors) == 2  # a split each
    assert all("2 of 42 questions" in one and "c0, c1; take them out of one" in one for one in errors)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"examples": lambda seed, scale: rows(*MANY, ("Say 41.", "L " * 900))}, "1 of 41 are longer than max_length"),
        (
            {"examples": lambda seed, scale: [*rows(*MANY), replace(rows(*MANY)[0], id="again")]},
            "1 are the same as another row",
        ),
        ({"examples": lambda seed, scale: rows(*MANY[:2])}, "all 2 steps are warm-up"),
        ({"examples": lambda seed, scale: rows(*((asked, "quiet") for asked, _ in MANY))}, "the rows hardly show it"),
        ({"cases": lambda split, seed, scale: questions(["One?", "Two?"])}, "2 questions; under 8 there is no verdict"),
    ],
)
def test_what_is_amiss_is_a_warning(tiny_llama: Path, changes: dict[str, Any], said: str) -> None:
    told = found(checked(tiny_llama, **changes), "warning")
    assert any(said in one for one in told), told


def test_a_judge_that_cannot_tell_the_vectors_replies_apart_is_a_warning(tiny_llama: Path) -> None:
    assert any("of the replies that show it" in one for one in found(checked(tiny_llama), "ok"))
    spec = small.SETTING.vectors["reply"]
    pairs = [replace(pair, negative=pair.positive + "!") for pair in small.replies("mini")]
    seen = checked(tiny_llama, vectors={"reply": replace(spec, replies=lambda scale: pairs)})
    assert any("the judge does not tell them apart" in one for one in found(seen, "warning"))


def test_the_untrained_model_is_asked_of_vectors_and_prompts_and_what_it_says_is_kept(
    tiny_llama: Path, tmp_path: Path
) -> None:
    vectors = {"reply": small.SETTING.vectors["reply"]}
    seen = checked(tiny_llama, tmp_path, vectors=vectors)
    about = [one.about for one in seen.findings]
    assert {"vector reply", "prompt inoculation"} <= set(about)
    assert "untrained model" not in about
    assert list((tmp_path / "vectors").glob("reply-*.json"))
    assert list((tmp_path / "prompts").iterdir())


def test_the_command_prints_every_finding_and_its_status_is_the_worst(
    tiny_llama: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = ["check", "loud", "--model", str(tiny_llama), "--quick", "--runs", str(tmp_path / "runs")]
    with using(small.REGISTRY):
        assert main(asked) == 0
        page = capfd.readouterr().out
        assert main([*asked, "--json"]) == 0
        told = json.loads(capfd.readouterr().out)
    assert page.count("\n") >= len(told["findings"])
    assert all(one["said"][:40] in page for one in told["findings"])
    assert "nothing was trained" in page
    assert not (tmp_path / "runs").exists()
    first = small.examples(0, "mini")[0].messages[0].content
    trained = replace(small.SETTING, cases=lambda split, seed, scale: questions([first]))
    with using(replace(small.REGISTRY, settings={"loud": trained})):
        assert main(asked) == 1


def test_levels_are_in_their_order() -> None:
    assert worst([]) == "ok"
    assert worst([Remark("warning", "a", "b"), Remark("note", "a", "b")]) == "warning"
