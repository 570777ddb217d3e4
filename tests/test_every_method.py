"""Laws that hold of every installed intervention alike, on a tiny model: kills, checkpointing, keys, what stands below.

That a dose of 0 is plain training, for each of them, is in tests/test_methods.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from methods_world import KNOWN, METHODS, SETTING, VECTOR, cell, same, trained, world
from torch import Tensor

from harness import (
    AdapterChange,
    Example,
    FrozenAdapter,
    GradientChange,
    Intervention,
    LossTerm,
    Prompt,
    RecipeChange,
    Rewriting,
    RowChoice,
    Steering,
    StopRule,
)
from harness.authoring import unrelated
from harness.cells import Cell, Prepared, prepare, rendered_rows
from harness.engine import TorchEngine, steering
from harness.registry import using
from harness.training import adapters_off, lesson_of, loss_of, train, with_adapter
from harness.training.beneath import model_upon, train_missing, trained_first
from harness.training.learner import Learner


@pytest.fixture(autouse=True)
def _world() -> Iterator[None]:
    with using(world()):
        yield


def model_for(name: str, tiny: Path, talking: Path) -> Path:
    """The model that says something, for a method that trains on what it says: its losses are larger."""
    return talking if KNOWN[name].rewriting else tiny


@pytest.mark.parametrize("name", METHODS)
def test_killed_at_a_step_every_method_ends_with_the_same_adapter(
    name: str, tiny_llama: Path, talking: Path, tmp_path: Path
) -> None:
    model = model_for(name, tiny_llama, talking)
    whole = trained(tmp_path, model, name)
    left = iter(range(1, 100))

    def advance(done: int, tokens: int) -> None:
        if next(left) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, model, name, place="killed", how={"checkpoint_seconds": 0.0, "advance": advance})
    assert (tmp_path / "killed" / "checkpoint.safetensors").is_file()
    assert same(trained(tmp_path, model, name, place="killed"), whole)


def checkpointed(made: Prepared) -> Prepared:
    return replace(made, recipe=replace(made.recipe, checkpointing=True))


def shortly(made: Prepared) -> Prepared:
    """Four steps: over more of them Adam makes much of the last digits."""
    return replace(made, recipe=replace(made.recipe, epochs=1))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns_the_same_with_gradient_checkpointing(
    name: str, tiny_llama: Path, talking: Path, tmp_path: Path
) -> None:
    model = model_for(name, tiny_llama, talking)
    kept = trained(tmp_path, model, name, place="kept", change=shortly)
    again = trained(tmp_path, model, name, place="again", change=lambda made: checkpointed(shortly(made)))
    assert max(float((kept[one] - again[one]).abs().max()) for one in kept) < 1e-5


@pytest.mark.parametrize("name", ["ia", "interleave_pp"])
@pytest.mark.parametrize("stop", [1, 3])
def test_killed_while_what_comes_first_is_trained_it_ends_the_same(
    name: str, stop: int, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepare(cell(tiny_llama, name), dtype="fp32")
    under = made.changes.adapter.under if made.changes.adapter else None
    under = made.changes.choosing.taught if made.changes.choosing else under
    assert under is not None
    under = replace(under, epochs=2)
    whole = trained_first(made, under, tmp_path / "whole")
    real, taken = Learner.step, iter(range(100))

    def step(learner: Learner, *arguments: Any) -> int:
        if next(taken) == stop:
            learner.save(stop, 0.0)
            raise KeyboardInterrupt
        return real(learner, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Learner, "step", step)
        with pytest.raises(KeyboardInterrupt):
            trained_first(made, under, tmp_path / "killed")
    again = trained_first(made, under, tmp_path / "killed")
    assert again.sha256 == whole.sha256
    losses = [(one.folder.parent / "loss.jsonl").read_text() for one in (whole, again)]
    assert losses[0] == losses[1]
    assert not (again.folder.parent / "checkpoint.safetensors").exists()


@pytest.mark.parametrize("name", [name for name in METHODS if name.startswith("caft")])
def test_what_an_installed_ablation_takes_out_is_0_at_every_position_and_step(
    name: str, tiny_llama: Path, tmp_path: Path
) -> None:
    made = prepare(cell(tiny_llama, name), dtype="fp32")
    model, tokenizer = model_upon(made, None)
    lesson = lesson_of(made, TorchEngine.around(model, tokenizer, "fp32", lambda name: VECTOR))
    ((block, vector),) = lesson.vectors.items()
    direction, left = torch.nn.functional.normalize(vector, dim=0), list[float]()
    blocks = list(steering.decoder_blocks(model))
    blocks[block + 1].register_forward_pre_hook(
        lambda module, inputs: left.append(float((inputs[0].detach() @ direction).abs().max()))
    )
    done = train(
        model, rendered_rows(made, tokenizer), made.recipe, dtype="fp32", seed=0, folder=tmp_path, lesson=lesson
    )
    assert len(left) == done.steps == 8
    assert max(left) < 1e-5


@pytest.mark.parametrize("name", METHODS)
def test_with_the_adapter_off_every_method_has_the_base_models_loss(
    name: str, tiny_llama: Path, tmp_path: Path
) -> None:
    """Of the model that it learns upon: with what stands below, where anything does."""
    made = prepare(cell(tiny_llama, name), dtype="fp32")
    below = train_missing(made, tmp_path)
    model, tokenizer = model_upon(made, below)
    rows = rendered_rows(made, tokenizer)[:4]
    with torch.no_grad():
        before = loss_of(model, rows, "fp32")[0]
        adapted = with_adapter(model, made.recipe, dtype="fp32", change=made.changes.adapter)
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1)
        learned = loss_of(adapted.get_base_model(), rows, "fp32")[0]
        with adapters_off(adapted):
            off = loss_of(adapted.get_base_model(), rows, "fp32")[0]
    assert torch.equal(off, before)
    assert not torch.allclose(learned, before)


# Keys.


def renamed(row: Example, setting: object) -> Example:
    return replace(row, tags={"kind": "mine"})


def given(part: object) -> Any:
    return lambda setting, recipe, draw: part


def first(outputs: Any) -> Tensor:
    return outputs.logits.mean()


PARTS: dict[str, dict[str, Any]] = {
    "edit": {"edit": renamed},
    "steering": {"steering": lambda setting, recipe: Steering(vector="reply", coef=1.0, blocks=(1,))},
    "rows": {"rows": lambda rows, setting, draw: rows[::-1] if draw.dose else rows},
    "rewriting": {"rewriting": given(Rewriting(name="own"))},
    "loss": {"loss": given(LossTerm(name="mine", term=first, needs=("logits",)))},
    "gradients": {"gradients": given(GradientChange(name="mine", change=print))},
    "adapter": {"adapter": given(AdapterChange(frozen=0.5))},
    "training": {"training": given(RecipeChange(skipped=0.5))},
    "choosing": {
        "choosing": given(RowChoice(name="mine", candidates=tuple(unrelated(4, 0)), score=lambda row: row.base))
    },
    "stopping": {"stopping": given(StopRule(name="mine", rows=tuple(unrelated(4, 0)), every=1, stops=bool))},
    "trains": {"trains": False},
}
"""Every part of an intervention that decides a result, as something."""

UNKEYED = {"summary", "applies", "control", "concept", "given", "rewrites", "prompt"}
"""What decides none: words, and what is in the key by what it makes."""


def test_every_field_of_an_intervention_is_in_the_key_or_known_not_to_decide_a_result() -> None:
    fields = {field.name for field in dataclasses.fields(Intervention)}
    assert fields == {"name", *PARTS, *UNKEYED}


def key(model: Path, name: str, *more: Intervention, **changes: Any) -> str:
    with using(world(*more)):
        return prepare(Cell(setting="loud", intervention=name, model=str(model), **changes), dtype="fp32").key


def test_every_part_of_an_intervention_changes_its_key_alone(tiny_llama: Path) -> None:
    arms = {part: Intervention(name="mine", summary="mine", **how) for part, how in PARTS.items()}
    keys = {part: key(tiny_llama, "mine", one) for part, one in arms.items()}
    keys["nothing"] = key(tiny_llama, "mine", Intervention(name="mine", summary="mine"))
    keys["name"] = key(tiny_llama, "none")
    assert len(set(keys.values())) == len(keys)
    for name in ("none", "ps", "ia", "interleave_pp"):
        assert {key(tiny_llama, name, one) for one in arms.values()} == {key(tiny_llama, name)}


def test_what_decides_no_result_is_not_in_the_key(tiny_llama: Path) -> None:
    plain = Intervention(name="mine", summary="mine")
    others: list[dict[str, Any]] = [
        {"summary": "in other words"},
        {"control": True},
        {"concept": lambda setting, recipe: "volume"},
        {"applies": lambda setting: None},
        {"given": lambda setting, weights: plain},
        {"rewrites": True},
        {"prompt": lambda setting: Prompt(text="Be loud.", placement="system")},
    ]
    assert {name for how in others for name in how} == UNKEYED
    assert {key(tiny_llama, "mine", replace(plain, **how)) for how in others} == {key(tiny_llama, "mine", plain)}


@pytest.mark.parametrize("part", ["under", "taught"])
def test_each_number_of_an_adapter_that_comes_first_is_in_the_key(part: str, tiny_llama: Path) -> None:
    below = FrozenAdapter(name="x", rows=tuple(unrelated(3, 0)))
    others = [
        below,
        replace(below, rows=below.rows[:2]),
        replace(below, weight=0.5),
        replace(below, epochs=2),
        replace(below, random=True),
    ]

    def arm(one: FrozenAdapter) -> Intervention:
        if part == "under":
            return Intervention(name="mine", summary="mine", adapter=given(AdapterChange(under=one)))
        choice = RowChoice(name="mine", candidates=tuple(unrelated(4, 1)), score=lambda row: row.base, taught=one)
        return Intervention(name="mine", summary="mine", choosing=given(choice))

    assert len({key(tiny_llama, "mine", arm(one)) for one in others}) == len(others)


def test_the_methods_here_are_all_that_apply_to_the_setting() -> None:
    left_out = {name for name, one in KNOWN.items() if one.trains and name not in METHODS}
    assert left_out == {"none", *(name for name, one in KNOWN.items() if one.trains and one.applies(SETTING))}
    assert all("comp_" in name or name == "ip_fixed" for name in left_out - {"none"})
