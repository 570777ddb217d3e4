"""Laws of base weights that are kept: whoever gets them changes nothing for the next, in any number type."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import small
import sweeping
import torch

from harness import HarnessError, Lora
from harness.cells import Cell
from harness.engine import keeping, load, load_tokenizer, loading
from harness.engine.sharing import weight_bytes
from harness.pipeline import run
from harness.registry import Registry, using


def plenty() -> float:
    return 1e12


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that weights were read from."""
    seen: list[Path] = []
    read = loading._read

    def counted(folder: Path) -> object:
        seen.append(folder)
        return read(folder)

    monkeypatch.setattr(loading, "_read", counted)
    return seen


def world(**changes: object) -> Registry:
    recipe = replace(small.SETTING.recipes["mini"], **changes)  # type: ignore[arg-type]
    return replace(small.REGISTRY, settings={"loud": replace(small.SETTING, recipes={"mini": recipe})})


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="fp32"),
        pytest.param({"dtype": "bf16"}, id="bf16"),
        pytest.param({"checkpointing": True, "lora": Lora(r=4, alpha=8, dropout=0.2)}, id="dropout-checkpointing"),
    ],
)
def test_cells_that_share_base_weights_end_as_cells_that_do_not(
    tiny_llama: Path, tmp_path: Path, reads: list[Path], changes: dict[str, object]
) -> None:
    cells = [Cell(setting="loud", intervention=arm, model=str(tiny_llama)) for arm in ("ps", "none")]
    with using(world(**changes)):
        run(cells, tmp_path / "apart")
        apart = len(reads)
        with keeping(room=plenty):
            run(cells, tmp_path / "shared")
    assert len(reads) - apart == 1
    assert apart > len(cells)
    shared = sweeping.content(tmp_path / "shared")
    assert len(shared) == 4 * len(cells) + 1
    assert shared == sweeping.content(tmp_path / "apart")


@pytest.fixture
def kept() -> Iterator[None]:
    with keeping(room=plenty):
        yield


@pytest.mark.usefixtures("kept")
def test_two_loads_share_memory_and_nothing_else(tiny_llama: Path, reads: list[Path]) -> None:
    (one, _), (other, _) = load(tiny_llama), load(tiny_llama)
    assert len(reads) == 1
    mine, theirs = dict(one.named_parameters()), dict(other.named_parameters())
    assert all(mine[name] is not theirs[name] and mine[name].data_ptr() == theirs[name].data_ptr() for name in mine)
    one.requires_grad_(False)
    one.to(torch.bfloat16)
    one.config.use_cache = False
    assert all(parameter.requires_grad and parameter.dtype == torch.float32 for parameter in other.parameters())
    assert other.config.use_cache
    assert not {id(module) for module in one.modules()} & {id(module) for module in other.modules()}
    assert weight_bytes(other) == 2 * weight_bytes(one)


@pytest.mark.usefixtures("kept")
def test_a_folder_that_has_changed_is_read_again(tiny_llama: Path, tmp_path: Path, reads: list[Path]) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_llama, folder)
    load(folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes())
    load(folder)
    load(tiny_llama)
    load(folder)
    assert reads == [folder, folder, tiny_llama, folder]


def test_a_tokenizer_is_read_once_until_its_folder_changes(tiny_llama: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_llama, tmp_path / "model"))
    first = load_tokenizer(folder)
    assert load_tokenizer(folder) is first
    settings = folder / "tokenizer_config.json"
    settings.write_text(settings.read_text() + "\n")
    assert load_tokenizer(folder) is not first
    shutil.rmtree(folder)
    with pytest.raises(HarnessError, match="cannot load the tokenizer in"):
        load_tokenizer(folder)


def test_what_does_not_fit_is_not_kept_and_nothing_is_kept_outside(tiny_llama: Path, reads: list[Path]) -> None:
    with keeping(room=lambda: 10.0):
        load(tiny_llama)
        load(tiny_llama)
    load(tiny_llama)
    load(tiny_llama)
    assert len(reads) == 4
