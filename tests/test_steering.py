"""Laws of steering: it adds exactly the vector, counts its calls, and leaves nothing behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from harness import Condition, HarnessError, Steering, SteeringDefault
from harness.engine import steering
from harness.testing import FAMILIES, tiny_model

IDS = torch.tensor([[5, 6, 7, 8, 9]])


@pytest.fixture(scope="module")
def model(tiny_llama: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_llama).eval()


def outputs(model: Any) -> dict[int, torch.Tensor]:
    seen: dict[int, torch.Tensor] = {}
    with torch.no_grad(), steering.reading(list(model.model.layers), seen.__setitem__):
        model(IDS)
    return seen


def hooks(model: Any) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())


def test_the_steered_block_puts_out_exactly_the_vector_more_at_every_position(model: Any) -> None:
    plain = outputs(model)
    vector = torch.arange(32.0)
    with steering.adding(list(model.model.layers), {2: vector}) as calls:
        steered = outputs(model)
    assert torch.equal(steered[2], plain[2] + vector)
    assert torch.equal(steered[1], plain[1])
    assert not torch.equal(steered[3], plain[3])
    assert calls.count == 1


def test_steering_of_one_thread_neither_changes_nor_counts_passes_of_another(model: Any) -> None:
    plain, vector = outputs(model), torch.arange(32.0)
    blocks = list(model.model.layers)
    with ThreadPoolExecutor(1) as other, steering.adding(blocks, {2: vector}, this_thread=True) as calls:
        assert torch.equal(other.submit(outputs, model).result()[2], plain[2])
        assert calls.count == 0
        assert torch.equal(outputs(model)[2], plain[2] + vector)
        assert calls.count == 1
    with ThreadPoolExecutor(1) as other, steering.adding(blocks, {2: vector}) as calls:
        assert torch.equal(other.submit(outputs, model).result()[2], plain[2] + vector)
        assert calls.count == 1


def test_adding_zero_changes_no_bit(model: Any) -> None:
    with torch.no_grad():
        plain = model(IDS).logits
        with steering.adding(list(model.model.layers), {1: torch.zeros(32)}):
            assert torch.equal(model(IDS).logits, plain)


def test_reading_gives_what_the_next_block_reads(model: Any) -> None:
    with torch.no_grad():
        states = model(IDS, output_hidden_states=True).hidden_states
    seen = outputs(model)
    for block in range(3):
        assert torch.equal(seen[block], states[block + 1])
    assert torch.equal(model.model.norm(seen[3]), states[4])


def test_ablating_leaves_no_part_along_the_direction(model: Any) -> None:
    direction = torch.randn(32, generator=torch.Generator().manual_seed(0))
    with steering.ablating(list(model.model.layers), {2: direction}):
        left = outputs(model)[2]
    assert torch.allclose(left @ (direction / direction.norm()), torch.zeros(1, 5), atol=1e-5)


@pytest.mark.parametrize("change", [steering.adding, steering.ablating])
def test_no_hook_is_left_behind_even_after_an_exception(model: Any, change: Any) -> None:
    before, inside = hooks(model), 0

    def fail() -> None:
        nonlocal inside
        with change(list(model.model.layers), {0: torch.ones(32), 3: torch.ones(32)}):
            inside = hooks(model)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert inside == before + 2
    assert hooks(model) == before


@pytest.mark.parametrize(
    ("additions", "message"),
    [
        ({}, "names no block"),
        ({4: torch.ones(32)}, "has blocks 0 to 3, not 4"),
        ({-1: torch.ones(32)}, "has blocks 0 to 3, not -1"),
        ({1: torch.full((32,), float("nan"))}, "not finite"),
        ({1: torch.ones(1, 32)}, "has shape"),
    ],
)
def test_what_cannot_be_added_is_refused_and_leaves_no_hook(model: Any, additions: Any, message: str) -> None:
    before = hooks(model)
    with pytest.raises(HarnessError, match=message), steering.adding(list(model.model.layers), additions):
        pass
    assert hooks(model) == before


def test_a_vector_of_another_width_is_refused_at_the_first_pass(model: Any) -> None:
    before = hooks(model)
    with (
        pytest.raises(HarnessError, match="31 wide, the model 32"),
        steering.adding(list(model.model.layers), {1: torch.ones(31)}),
    ):
        model(IDS)
    assert hooks(model) == before


@pytest.mark.parametrize("family", FAMILIES)
def test_the_blocks_of_every_known_family_are_found_and_steered(family: Any, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model(tmp_path / family, family=family)).eval()
    blocks = list(steering.decoder_blocks(model))
    assert len(blocks) == 4
    with torch.no_grad():
        plain = model(IDS).logits
        with steering.adding(blocks, {1: torch.ones(32)}) as calls:
            steered = model(IDS).logits
    assert calls.count == 1
    assert not torch.equal(steered, plain)


def test_a_model_without_decoder_blocks_is_refused() -> None:
    with pytest.raises(HarnessError, match="cannot find the decoder blocks of Linear"):
        steering.decoder_blocks(torch.nn.Linear(2, 2))


def test_a_vector_condition_is_put_back_where_the_recipe_steers_and_others_put_nothing_back() -> None:
    where = SteeringDefault(vector="other", blocks=(3,), depth=0.5, coef=9.0, neg_coef=9.0)
    told = Condition.parse("vector:v - w@-0.5rms").steering(where)
    assert told == Steering(vector="v - w", coef=-0.5, unit="rms", blocks=(3,), depth=0.5)
    assert [Condition.parse(text).steering(None) for text in ("clean", "prompt:hush")] == [None, None]
    with pytest.raises(HarnessError, match="condition 'vector:v@1' steers, but the recipe names no block"):
        Condition.parse("vector:v@1").steering(None)
