"""Laws of scoring several answers at once: the same as one pass for each, whatever the tokenizer cuts them into."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.engine import load
from harness.engine.candidates import probabilities
from harness.testing import FAMILIES, Family, tiny_model

ANSWERS = ("0", "5", "57", "10", "100", "REFUSAL")


def one_by_one(model: Any, tokenizer: Any, prompt: Sequence[int], answer: str) -> float:
    """The chain rule, a forward pass for each token; an answer of digits ends where no digit follows."""
    digits = [
        i for i, name in enumerate(tokenizer.convert_ids_to_tokens(range(len(tokenizer)))) if name[0] in "0123456789"
    ]
    ids, found = list(prompt), 1.0
    for token in tokenizer(answer, add_special_tokens=False)["input_ids"]:
        found *= float(following(model, ids)[token])
        ids.append(token)
    return found * (1 - float(following(model, ids)[digits].sum())) if answer.isdigit() else found


def following(model: Any, ids: Sequence[int]) -> torch.Tensor:
    with torch.inference_mode():
        return model(torch.tensor([list(ids)])).logits[0, -1].softmax(-1)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_pass_gives_what_a_pass_for_each_answer_gives(family: Family, tmp_path: Path) -> None:
    model, tokenizer = load(tiny_model(tmp_path, family=family))
    model.eval()
    prompt = tokenizer("How much, from 0 to 100?\n")["input_ids"]
    found = probabilities(model, tokenizer, prompt, ANSWERS)
    assert list(found) == list(ANSWERS)
    for answer in ANSWERS:
        assert found[answer] == pytest.approx(one_by_one(model, tokenizer, prompt, answer), rel=1e-3)


def test_numbers_exclude_each_other(tiny_llama: Path) -> None:
    model, tokenizer = load(tiny_llama)
    prompt = tokenizer("A number:\n")["input_ids"]
    found = probabilities(model.eval(), tokenizer, prompt, [str(n) for n in range(101)])
    assert 0 < sum(found.values()) < 1
