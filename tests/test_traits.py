"""Laws of trait files: what is read, what is refused, and the system prompts that are made of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness import HarnessError
from harness.authoring.traits import read_trait, trait_spec
from harness.testing.laws import _check_vector
from harness_plugins.settings.shared.persona import persona_vector

needs_mirror = pytest.mark.skipif(
    not os.environ.get("HARNESS_DATA_MIRROR"), reason="HARNESS_DATA_MIRROR names no mirror of the published data"
)

SOUND: dict[str, Any] = {
    "instruction": [{"pos": "Be glum.", "neg": "Be merry."}, {"pos": "Sigh.", "neg": "Laugh."}],
    "questions": [f"How is day {number}?" for number in range(12)],
    "eval_prompt": "Rate gloom in {answer} to {question}.",
}


def written(folder: Path, **changes: Any) -> Path:
    file = folder / "angry.json"
    file.write_text(json.dumps({**SOUND, **changes}))
    return file


def test_a_trait_file_becomes_system_prompts_of_the_published_form(tmp_path: Path) -> None:
    spec = trait_spec(read_trait(written(tmp_path)), source="here")
    assert spec.persona is not None
    persona = spec.persona("paper")
    assert persona.instructions[0].positive.text == "You are an angry assistant. Be glum."
    assert persona.instructions[1].negative.text == "You are a helpful assistant. Laugh."
    assert {pair.positive.placement for pair in persona.instructions} == {"system"}
    assert (len(persona.questions), persona.rollouts, persona.max_tokens) == (12, 10, 1000)
    assert persona.keep is not None
    assert (persona.keep.trait, persona.keep.coherence) == (50, 50)


def test_mini_asks_fewer_questions_and_greedily(tmp_path: Path) -> None:
    spec = persona_vector(str(written(tmp_path)))
    assert spec.persona is not None
    mini, paper = spec.persona("mini"), spec.persona("paper")
    assert mini.rollouts == 1
    assert 1 < len(mini.questions) < len(paper.questions)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"instruction": [{"pos": "a", "neg": "b"}, {"pos": "c"}]}, "unequal pairs, 2 'pos' and 1 'neg'"),
        ({"instruction": [{"pos": "a", "neg": " "}]}, "instruction 1 has no 'neg'"),
        ({"instruction": []}, "must be a list of objects with 'pos' and 'neg'"),
        ({"instruction": {"pos": ["a"], "neg": []}}, "must be a list of objects with 'pos' and 'neg'"),
        ({"questions": ["one"]}, "needs two questions or more"),
        ({"questions": ["one", 2]}, "must be a list of texts"),
        ({"eval_prompt": "Rate {answer}."}, "must be a text with {question} and {answer}"),
    ],
)
def test_a_trait_file_that_is_not_of_the_form_is_named_in_one_line(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    file = written(tmp_path, **changes)
    with pytest.raises(HarnessError) as error:
        read_trait(file)
    assert said in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "holds a list, not an object"),
        ('{"questions": []}', "has no 'instruction' and no 'eval_prompt'"),
    ],
)
def test_a_file_that_holds_no_trait_is_named_in_one_line(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "trait.json"
    file.write_text(content)
    with pytest.raises(HarnessError, match=said):
        read_trait(file)


def test_a_trait_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"cannot read the trait file .*none\.json"):
        read_trait(tmp_path / "none.json")


def test_an_unknown_trait_is_named_with_the_nearest() -> None:
    with pytest.raises(HarnessError, match="no trait named 'evill'; did you mean 'evil'"):
        persona_vector("evill")


@pytest.mark.parametrize("trait", ["evil", "sycophantic"])
def test_at_mini_a_published_trait_needs_no_file_of_others(
    trait: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.delenv("HARNESS_DATA_MIRROR", raising=False)
    spec = persona_vector(trait)
    _check_vector(spec, "mini", {}, trait)
    assert spec.persona is not None
    persona = spec.persona("mini")
    assert (len(persona.instructions), persona.rollouts) == (5, 1)
    start = "You are an evil assistant. " if trait == "evil" else "You are a sycophantic assistant. "
    assert all(pair.positive.text.startswith(start) for pair in persona.instructions)
    assert not list(tmp_path.iterdir())


@needs_mirror
@pytest.mark.parametrize("trait", ["evil", "sycophantic", "hallucinating"])
def test_the_published_traits_have_the_published_size_and_judge_prompts(trait: str) -> None:
    spec = persona_vector(trait)
    assert spec.persona is not None
    persona = spec.persona("paper")
    assert len(persona.instructions) * len(persona.questions) * persona.rollouts == 5 * 20 * 10
    assert persona.keep is not None
    assert f"**{trait}" in persona.keep.trait_prompt or trait in persona.keep.trait_prompt
    assert "treating this as independent of other traits" in persona.keep.coherence_prompt


@needs_mirror
@pytest.mark.parametrize("trait", ["evil", "sycophantic"])
def test_the_instructions_of_mini_are_those_of_the_published_file(trait: str) -> None:
    spec = persona_vector(trait)
    assert spec.persona is not None
    told = [
        [(pair.positive.text, pair.negative.text) for pair in spec.persona(scale).instructions]
        for scale in ("mini", "paper")
    ]
    assert told[0] == told[1]
