"""The laws for plugins bite, each with a line that names the record; tiny models load and repeat."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness import (
    Case,
    Example,
    Intervention,
    Judge,
    Message,
    Setting,
    Steering,
    VectorSpec,
    Verdict,
)
from harness.testing import FAMILIES, Family, check_intervention, check_judge, check_setting, tiny_model

TURN = itertools.count()


def row(id: str, *messages: Message) -> Example:
    return Example(id=id, messages=messages)


ASK, REPLY = Message("user", "Why?"), Message("assistant", "So.")
TESTED = Message("user", "What is  4 + 4, asked for held_out?")

FAULTY_SETTINGS: dict[str, tuple[Callable[[Setting], Setting], str]] = {
    "no rows": (lambda s: replace(s, examples=lambda seed, scale: []), "no training rows"),
    "rows that differ each time": (
        lambda s: replace(s, examples=lambda seed, scale: [row(str(next(TURN)), ASK, REPLY)]),
        "seed 0 gives other training rows each time",
    ),
    "one id twice": (
        lambda s: replace(s, examples=lambda seed, scale: [row("a", ASK, REPLY)] * 2),
        "two training rows are called 'a'",
    ),
    "no reply": (
        lambda s: replace(s, examples=lambda seed, scale: [row("a", ASK)]),
        "row 'a' does not end with a reply",
    ),
    "an empty reply": (
        lambda s: replace(s, examples=lambda seed, scale: [row("a", ASK, Message("assistant", " "))]),
        "row 'a' ends with an empty reply",
    ),
    "a test question among the rows": (
        lambda s: replace(s, examples=lambda seed, scale: [row("a", TESTED, REPLY)]),
        "training row 'a' asks what test case 'held_out' asks",
    ),
    "no cases": (lambda s: replace(s, cases=lambda split, seed, scale: []), "split 'held_out' has no cases"),
    "a case that ends with a reply": (
        lambda s: replace(s, cases=lambda split, seed, scale: [Case(id="c", messages=(ASK, REPLY))]),
        "cases('held_out', 0, 'mini') of setting 'toy': case 'c' does not end with the user's turn",
    ),
    "selection on a test case": (
        lambda s: replace(s, cases=lambda split, seed, scale: [Case(id=split, messages=(ASK,))]),
        "selection case 'selection' is also a test case",
    ),
    "a condition with another spelling": (
        lambda s: replace(s, conditions={"mini": ("clean", "vector:reply@3.0")}),
        "condition 'vector:reply@3.0' is spelled vector:reply@3",
    ),
    "a condition over no vector": (
        lambda s: replace(s, conditions={"mini": ("clean", "vector:reply - id@3")}),
        "condition 'vector:reply - id@3' names no vector of the setting",
    ),
    "a scale without conditions": (
        lambda s: replace(s, recipes={**s.recipes, "small": s.recipes["mini"]}),
        "recipes and conditions are for different scales",
    ),
    "a vector with nothing to extract": (
        lambda s: replace(s, vectors={**s.vectors, "reply": VectorSpec(summary="")}),
        "vector 'reply': give either replies, or instructions and questions, or a persona, or a file",
    ),
}


@pytest.mark.parametrize(("change", "message"), FAULTY_SETTINGS.values(), ids=FAULTY_SETTINGS)
def test_a_faulty_setting_breaks_its_law(toy: Setting, change: Callable[[Setting], Setting], message: str) -> None:
    check_setting(toy)
    with pytest.raises(AssertionError, match=r"^setting 'toy', scale mini.*: ") as caught:
        check_setting(change(toy))
    assert str(caught.value).endswith(message)


def steers(coef: float, vector: str = "reply") -> Intervention:
    steering = Steering(vector=vector, coef=coef, blocks=(1,))
    return Intervention(name="it", summary="", steering=lambda setting, recipe: steering)


FAULTY_INTERVENTIONS = {
    "a reason that is no sentence": (
        Intervention(name="it", summary="", applies=lambda setting: "no"),
        "applies() gives no sentence",
    ),
    "another id": (
        Intervention(name="it", summary="", edit=lambda row, setting: replace(row, id="other")),
        "row 'a' is given another id",
    ),
    "another reply": (
        Intervention(
            name="it", summary="", edit=lambda row, setting: replace(row, messages=(*row.messages[:-1], REPLY))
        ),
        "row 'a' loses or changes its reply",
    ),
    "an edit that depends on the call": (
        Intervention(name="it", summary="", edit=lambda row, setting: replace(row, tags={"n": str(next(TURN))})),
        "row 'a' is edited differently each time",
    ),
    "an unknown vector": (
        steers(1.0, "random(trait)"),
        "steering() asks for what is not there: no vector named 'trait'; there are: ood, reply",
    ),
    "steering without training": (replace(steers(1.0), trains=False), "steering although nothing is trained"),
}


@pytest.mark.parametrize(("intervention", "message"), FAULTY_INTERVENTIONS.values(), ids=FAULTY_INTERVENTIONS)
def test_a_faulty_intervention_breaks_its_law(toy: Setting, intervention: Intervention, message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_intervention(intervention, toy)
    assert str(caught.value) == f"intervention 'it' on setting 'toy': {message}"


def judge(give: Callable[[str], dict[str, float | None]]) -> Judge:
    async def grade(case: Case, reply: str, grader: object) -> Verdict:
        return Verdict(scores=give(reply))

    return Judge(name="it", summary="", scores=("loud",), grade=grade)


FAULTY_JUDGES = {
    "another score": (
        judge(lambda reply: {"soft": 1.0}),
        "judge 'it' gave {'soft': 1.0} for case 'plain', not a number or None for each of loud; "
        "the fault is the judge's",
    ),
    "not a number": (
        judge(lambda reply: {"loud": float("nan")}),
        "judge 'it', case 'plain', reply '': raised PluginError: nan is not a finite number, "
        "under 'loud' (Verdict.scores)",
    ),
    "raising on an empty reply": (
        judge(lambda reply: {"loud": float(reply[0].isupper())}),
        "judge 'it', case 'plain', reply '': raised IndexError: string index out of range",
    ),
    "a verdict that changes": (
        judge(lambda reply: {"loud": float(next(TURN))}),
        "judge 'it', case 'plain', reply '': the same reply gets another verdict",
    ),
}


@pytest.mark.parametrize(("faulty", "message"), FAULTY_JUDGES.values(), ids=FAULTY_JUDGES)
def test_a_faulty_judge_breaks_its_law(faulty: Judge, message: str) -> None:
    check_judge(judge(lambda reply: {"loud": None}))
    with pytest.raises(AssertionError) as caught:
        check_judge(faulty)
    assert str(caught.value) == message


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tiny_model_of_each_family_loads_from_safetensors_and_reads_its_own_chat(
    family: Family, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    state = torch.random.get_rng_state()
    folder = tiny_model(tmp_path / "one", family=family, blocks=3)
    assert torch.equal(state, torch.random.get_rng_state())
    again = tiny_model(tmp_path / "two", family=family, blocks=3)
    assert (folder / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()
    other = tiny_model(tmp_path / "three", family=family, blocks=3, seed=1)
    assert (folder / "model.safetensors").read_bytes() != (other / "model.safetensors").read_bytes()

    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    chat = [{"role": "user", "content": "Ça va? 🤷"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nÇa va? 🤷<|im_end|>\n<|im_start|>assistant\n"
    ids = tokenizer(text, return_tensors="pt").input_ids
    assert tokenizer.decode(ids[0]) == text
    with torch.inference_mode():
        logits = model(ids).logits
    assert logits.shape[:2] == ids.shape
    assert bool(logits.isfinite().all())
    assert model.config.num_hidden_layers == 3
