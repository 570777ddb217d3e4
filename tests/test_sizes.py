"""Sizes of hub models are those of the published ones, and a plan tells by them what memory a cell takes."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path

import pytest
import small
from safetensors import safe_open

from harness.cells import Cell
from harness.models import KNOWN
from harness.models.references import HUB_ID
from harness.models.sizes import Sizes
from harness.planning import plan
from harness.registry import installed, using
from harness.testing import VOCABULARY

# Parameters, in thousands of millions, as the model cards and hub pages have them.
PUBLISHED = {
    "google/gemma-2b-it": 2.506,
    "Qwen/Qwen2.5-1.5B-Instruct": 1.54,
    "Qwen/Qwen3-1.7B": 1.72,
    "Qwen/Qwen3-32B": 32.8,
    "mistralai/Mistral-Small-24B-Instruct-2501": 23.6,
}


@pytest.mark.parametrize("model", KNOWN)
def test_the_matrices_of_a_known_model_come_to_its_published_parameters(model: str) -> None:
    assert sum(map(prod, KNOWN[model].shapes().values())) / 1e9 == pytest.approx(PUBLISHED[model], rel=3e-3)


def test_the_matrices_are_named_and_shaped_as_in_a_model_of_the_kind(tiny_llama: Path) -> None:
    sizes = Sizes(hidden=32, blocks=4, feed_forward=64, heads=4, kv_heads=2, head=8, vocabulary=VOCABULARY, tied=True)
    with safe_open(tiny_llama / "model.safetensors", framework="pt") as stored:
        shapes = {name: list(stored.get_slice(name).get_shape()) for name in stored.keys()}  # noqa: SIM118
    assert sizes.shapes() == {name: shape for name, shape in shapes.items() if len(shape) == 2}
    assert "lm_head.weight" in replace(sizes, tied=False).shapes()


def test_every_hub_model_that_a_setting_names_is_known() -> None:
    named = {recipe.model for setting in installed().settings.values() for recipe in setting.recipes.values()}
    assert {model for model in named if HUB_ID.fullmatch(model)} <= KNOWN.keys()


def test_a_plan_tells_the_memory_of_a_model_that_is_not_here_and_not_of_one_that_nobody_knows() -> None:
    cells = [Cell(setting="loud", intervention="none", model=model) for model in ("Qwen/Qwen3-32B", "no/body")]
    with using(small.REGISTRY):
        known, unknown = plan(cells, Path("nowhere"))
    assert known.memory_bytes is not None
    assert 65.5e9 < known.memory_bytes < 100e9, "bf16 weights are 65.5 GB"
    assert unknown.memory_bytes is None
    assert known.seconds is unknown.seconds is None
