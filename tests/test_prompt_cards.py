"""What a prompt does to the likelihood of the rows' replies, against a model that is asked token by token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import small
import torch

from harness import HarnessError, Message, Prompt
from harness.authoring import inoculated
from harness.cells import Cell, prepare
from harness.cli import main
from harness.engine import chat, load
from harness.prompting import make_cards
from harness.registry import using
from harness.runs import prompt_cards, read_prompt_card

PROMPTS = {
    "inoculation": small.ASK,
    "negative": Prompt(text="Never shout.", placement="system", concept="shouting"),
    "worded": Prompt(text="Shout.", placement="user_prefix", others=("Yell.", "Call it out.")),
    "elsewhere": Prompt(text="In French.", placement="user_suffix", only={"language": "French"}),
}
SETTING = replace(small.SETTING, prompts=PROMPTS)


@pytest.fixture(autouse=True)
def _world() -> Iterator[None]:
    with using(replace(small.REGISTRY, settings={"loud": SETTING})):
        yield


def brute(model: Any, tokenizer: Any, messages: tuple[Message, ...]) -> float:
    """The log-probability of a reply, one forward pass a token, no cache and no padding."""
    row = chat.training_row(tokenizer, messages, loss_on="reply", max_length=1024)
    total = 0.0
    for at in range(row.start, len(row.ids)):
        with torch.no_grad():
            scores = model(input_ids=torch.tensor([row.ids[:at]])).logits[0, -1]
        total += float(scores.double().log_softmax(-1)[row.ids[at]])
    return total


def made(model: Path, runs: Path, **how: Any) -> list[Path]:
    return make_cards(SETTING, runs, **{"scale": "mini", "model": str(model), "seeds": (0,), **how})


def test_a_gain_is_what_brute_force_finds(tiny_llama: Path, tmp_path: Path) -> None:
    (file,) = made(tiny_llama, tmp_path, texts=("Be loud!",))
    card = read_prompt_card(file)
    assert card is not None
    model, tokenizer = load(tiny_llama)
    rows = small.examples(0, "mini")
    plain = [brute(model, tokenizer, row.messages) for row in rows]
    known = {**PROMPTS, "": Prompt(text="Be loud!", placement="user_suffix")}
    assert {one.name for one in card.prompts} == {"inoculation", "negative", "worded", ""}
    for one in card.prompts:
        told = [brute(model, tokenizer, inoculated(row, known[one.name]).messages) for row in rows]
        assert one.gain == pytest.approx(fmean(told) - fmean(plain), abs=1e-4)
        assert one.rows == len(rows)
        assert one.low is not None
        assert one.high is not None
        assert one.low < one.gain < one.high


def test_what_is_known_is_not_asked_again_and_what_is_new_is_added(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = made(tiny_llama, tmp_path)
    before = file.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("harness.prompting.making.open_model", None)
        made(tiny_llama, tmp_path)
    assert file.read_bytes() == before
    made(tiny_llama, tmp_path, texts=("Be loud!",))
    (card,) = prompt_cards(tmp_path)
    assert [one.name for one in card.prompts] == ["inoculation", "negative", "worded", ""]


def test_the_rows_with_a_prompt_are_told_as_a_run_tells_them(tiny_llama: Path, tmp_path: Path) -> None:
    made(tiny_llama, tmp_path, seeds=(0, 1))
    for card in prompt_cards(tmp_path):
        key = prepare(Cell(setting="loud", intervention="ip", model=str(tiny_llama), seed=card.seed), dtype="fp32")
        (one,) = [one for one in card.prompts if one.name == "inoculation"]
        assert one.edited == key.inputs["rows"]


def test_a_card_that_was_changed_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    (file,) = made(tiny_llama, tmp_path)
    told = json.loads(file.read_text())
    told["prompts"][0]["gain"] = 99.0
    file.write_text(json.dumps(told))
    with pytest.raises(HarnessError, match="move it away and give its 'harness prompts' command again"):
        made(tiny_llama, tmp_path)


def test_a_prompt_that_leaves_nothing_of_a_reply_is_refused_in_a_line(tiny_llama: Path, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"has nothing of its reply left by max_length 1024; shorten the prompt"):
        made(tiny_llama, tmp_path, texts=("loud " * 2000,))
    assert not prompt_cards(tmp_path)


def test_the_command_prints_the_largest_gain_first(
    tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("prompts", "loud", "--model", str(tiny_llama), "--runs", str(tmp_path), "--prompt", "Be loud!")
    assert main([*words]) == 0
    shown = capsys.readouterr().out
    assert "Be loud!" in shown
    assert main([*words, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    gains = {one["name"] or "(given)": one["gain"] for one in told["prompts"]}
    order = sorted(gains, key=lambda name: -gains[name])
    places = [shown.index(f"\n{name}") for name in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--prompt", " "), "--prompt is empty; leave it out, or say what it is to be"),
        (("--placement", "sytem"), "did you mean 'system'"),
        (("--scale", "nano"), "scale of loud"),
        (("--seed", "-1"), "is not a whole number from 0 up"),
    ],
)
def test_what_cannot_be_meant_is_told_of_in_a_line(
    words: tuple[str, ...], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prompts", "loud", "--runs", str(tmp_path), *words]) == 2
    assert expected in capsys.readouterr().err
