"""Laws of imported vectors: row i of a published file is the output of block i - 1, and only tensors are read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small
import torch

from harness import HarnessError
from harness.engine import open_model, steering
from harness.files import file_sha256
from harness.models import resolve
from harness.registry import using
from harness.vectors import import_vector, importing, load_vector

BLOCKS, WIDTH = 4, 32


def saved(folder: Path, content: Any) -> Path:
    file = folder / "evil.pt"
    torch.save(content, file)
    return file


def imported(source: Path, model: Path, runs: Path) -> Path:
    with using(small.REGISTRY):
        return import_vector(source, "evil", "loud", runs, model=str(model))


def test_a_published_row_is_found_at_the_block_that_it_was_read_from(tiny_llama: Path, tmp_path: Path) -> None:
    """The file is made as published: mean hidden states of all rows, embeddings first."""
    tiny = open_model(resolve(str(tiny_llama)), dtype="fp32")
    ids = torch.tensor([[5, 6, 7, 8]])
    outputs: dict[int, torch.Tensor] = {}
    with steering.reading(tiny.blocks, lambda block, output: outputs.__setitem__(block, output)):
        states = tiny.model(ids, output_hidden_states=True).hidden_states
    rows = torch.stack([state[0].mean(0) for state in states]).detach()
    file = imported(saved(tmp_path, rows), tiny_llama, tmp_path / "runs")
    vector = load_vector(file).value
    assert vector.shape == (BLOCKS, WIDTH)
    for block in range(BLOCKS - 1):  # the last of hidden_states has been through the final norm
        assert torch.allclose(vector[block], outputs[block][0].mean(0), atol=1e-6)


def test_the_card_says_where_a_vector_came_from(tiny_llama: Path, tmp_path: Path) -> None:
    source = saved(tmp_path, torch.randn(BLOCKS + 1, WIDTH, dtype=torch.float64).to(torch.bfloat16))
    file = imported(source, tiny_llama, tmp_path / "runs")
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["imported"]["sha256"] == file_sha256(source)
    assert card["imported"]["shape"] == [BLOCKS + 1, WIDTH]
    assert [row["block"] for row in card["blocks"]] == list(range(BLOCKS))
    assert all(row["rms"] > 0 and row["auroc"] is None for row in card["blocks"])
    assert "cannot be told from an imported vector" in card["verdict"]


def test_an_imported_vector_that_was_cut_is_never_advised_to_be_made_again(tiny_llama: Path, tmp_path: Path) -> None:
    """What is imported is nowhere else here: neither running again nor deleting brings it back."""
    file = imported(saved(tmp_path, torch.randn(BLOCKS + 1, WIDTH)), tiny_llama, tmp_path / "runs")
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(
        HarnessError, match="is cut or no safetensors file; it was imported: restore both files"
    ) as error:
        load_vector(file)
    assert "delete" not in str(error.value)


class Trap:
    """Unpickled, it would write a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "code": (lambda at: Trap(at / "ran"), "what is not a tensor could run code and is never loaded"),
    "a dict": (lambda at: {"evil": torch.ones(BLOCKS + 1, WIDTH)}, "holds a dict, not one tensor"),
    "one row": (lambda at: torch.ones(WIDTH), "not numbers of shape (blocks + 1, hidden)"),
    "whole numbers": (lambda at: torch.ones(BLOCKS + 1, WIDTH, dtype=torch.long), "holds torch.int64 of shape"),
    "another width": (lambda at: torch.ones(BLOCKS + 1, 8), "is 8 wide, and this model 32: it was made for another"),
    "no embeddings": (lambda at: torch.ones(BLOCKS, WIDTH), "so 5 are wanted; is a row for the embeddings missing?"),
    "another depth": (lambda at: torch.ones(9, WIDTH), "so 5 are wanted; it was made for another model"),
    "not finite": (lambda at: torch.full((BLOCKS + 1, WIDTH), float("nan")), "has values that are not finite"),
}


@pytest.mark.parametrize(("made", "said"), REFUSED.values(), ids=REFUSED)
def test_anything_but_a_vector_of_this_model_is_refused_in_one_line_and_nothing_is_written(
    made: Callable[[Path], Any], said: str, tiny_llama: Path, tmp_path: Path
) -> None:
    source = saved(tmp_path, made(tmp_path))
    with pytest.raises(HarnessError) as error:
        imported(source, tiny_llama, tmp_path / "runs")
    assert said in str(error.value)
    assert str(source) in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("content", [b"", b"no vector", pickle.dumps([1.0]), b"PK\x03\x04cut"])
def test_a_file_that_is_no_pt_file_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "evil.pt"
    file.write_bytes(content)
    with pytest.raises(HarnessError) as error:
        importing.read_tensor(file)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"no file .*none\.pt"):
        importing.read_tensor(tmp_path / "none.pt")
