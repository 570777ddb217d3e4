"""Laws of imported vectors: row i of a published file is the output of block i - 1, and only tensors are read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small
import torch
from safetensors.torch import save_file

from harness import HarnessError
from harness.engine import open_model, steering
from harness.files import file_sha256
from harness.models import resolve
from harness.registry import using
from harness.vectors import import_vector, load_vector, published

BLOCKS, WIDTH = 4, 32


def saved(folder: Path, content: Any) -> Path:
    file = folder / "evil.pt"
    torch.save(content, file)
    return file


def imported(source: Path, model: Path, runs: Path, **how: Any) -> Path:
    with using(small.REGISTRY):
        return import_vector(source, "evil", "loud", runs, model=str(model), **how)


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


ROWS = torch.arange(1.0, (BLOCKS + 1) * WIDTH + 1).reshape(BLOCKS + 1, WIDTH)


def in_files(folder: Path, form: str, first: int = 0) -> Path:
    """A folder with a file for each layer, the number in its name."""
    at = folder / "layers"
    at.mkdir()
    for number, row in enumerate(ROWS[first:]):
        if form == "pt":
            torch.save(row, at / f"layer_{number}.pt")
        else:
            np.save(at / f"vector-{number:02d}.npy", row[None].numpy())
    (at / "README.md").write_text("what they are")
    return at


def in_npy(folder: Path) -> Path:
    np.save(folder / "evil.npy", ROWS.double().numpy())
    return folder / "evil.npy"


def in_npz(folder: Path) -> Path:
    np.savez(folder / "evil.npz", **{f"layer_{number}": row.half().numpy() for number, row in enumerate(ROWS)})
    return folder / "evil.npz"


def in_safetensors(folder: Path, first: int = 0) -> Path:
    rows = {f"model.layers.{number}": row.clone() for number, row in enumerate(ROWS[first:])}
    save_file(rows, folder / "evil.safetensors")
    return folder / "evil.safetensors"


BY_BLOCK = {"rows_are": "blocks"}
FORMS: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "a tensor": (lambda at: saved(at, ROWS), {}),
    "a tensor of blocks": (lambda at: saved(at, ROWS[1:].clone()), BY_BLOCK),
    "a tensor in an entry": (lambda at: saved(at, {"diff": ROWS, "layer": 2, "model": "tiny"}), {}),
    "layers as numbers": (lambda at: saved(at, dict(enumerate(ROWS))), {}),
    "layers as names": (lambda at: saved(at, {f"layer_{number}": row for number, row in enumerate(ROWS)}), {}),
    "layers, each a row of one": (lambda at: saved(at, {number: row[None] for number, row in enumerate(ROWS)}), {}),
    "layers in an entry": (lambda at: saved(at, {"steering_vectors": dict(enumerate(ROWS)), "seed": 1}), {}),
    "blocks in a dict": (lambda at: saved(at, dict(enumerate(ROWS[1:].clone()))), BY_BLOCK),
    "files": (lambda at: in_files(at, "pt"), {}),
    "files of blocks": (lambda at: in_files(at, "npy", first=1), BY_BLOCK),
    "npy": (in_npy, {}),
    "npz": (in_npz, {}),
    "safetensors": (in_safetensors, {}),
    "safetensors of blocks": (lambda at: in_safetensors(at, first=1), BY_BLOCK),
}


@pytest.mark.parametrize(("made", "how"), FORMS.values(), ids=FORMS)
def test_every_published_form_gives_the_same_vector(
    made: Callable[[Path], Path], how: dict[str, Any], tiny_llama: Path, tmp_path: Path
) -> None:
    file = imported(made(tmp_path), tiny_llama, tmp_path / "runs", **how)
    assert torch.equal(load_vector(file).value, ROWS[1:])
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["imported"]["first_row"] == ("that of block 0" if how else "left out")


@pytest.mark.parametrize(
    ("content", "how", "block"),
    [
        (ROWS[2], {"layer": 2, "rows_are": "hidden_states"}, 1),
        (ROWS[2], {"layer": 2, "rows_are": "blocks"}, 2),
        (ROWS[2][None], {"layer": 0, "rows_are": "blocks"}, 0),
        ({2: ROWS[2], 3: 0 * ROWS[2]}, {"rows_are": "blocks"}, 2),
        ({"layers.3": ROWS[2]}, {"rows_are": "hidden_states"}, 2),
    ],
)
def test_one_layer_is_put_at_its_block_and_steers_nowhere_else(
    content: Any, how: dict[str, Any], block: int, tiny_llama: Path, tmp_path: Path
) -> None:
    value = load_vector(imported(saved(tmp_path, content), tiny_llama, tmp_path / "runs", **how)).value
    assert torch.equal(value[block], ROWS[2])
    assert [at for at in range(BLOCKS) if bool(value[at].any())] == [block]


@pytest.mark.parametrize(
    ("content", "how", "said"),
    [
        (ROWS, {"layer": 1}, "holds 5 rows, not one of layer 1; leave out the layer"),
        ({1: ROWS[0], 2: ROWS[1]}, {"layer": 1}, "says which layers its rows are of; leave out the layer"),
        (ROWS, {"rows_are": "blocks"}, "has a row 4, and this model 4 blocks"),
        (ROWS[1:].clone(), {"rows_are": "hidden_states"}, "has 4 rows, and this model 5 hidden states"),
        (ROWS[0], {"layer": 4, "rows_are": "blocks"}, "has a row 4, and this model 4 blocks"),
        (ROWS[0], {"layer": 0, "rows_are": "hidden_states"}, "is 0 at every block"),
    ],
)
def test_what_the_options_say_is_held_against_the_file(
    content: Any, how: dict[str, Any], said: str, tiny_llama: Path, tmp_path: Path
) -> None:
    with pytest.raises(HarnessError) as error:
        imported(saved(tmp_path, content), tiny_llama, tmp_path / "runs", **how)
    assert said in str(error.value)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda at: None, "has no file of a layer"),
        (lambda at: torch.save(ROWS[0], at / "evil.pt"), "has not one number in its name"),
        (lambda at: torch.save(ROWS[0], at / "layer_1_of_4.pt"), "has not one number in its name"),
        (lambda at: [torch.save(ROWS[0], at / name) for name in ("l1.pt", "m1.pt")], "has two files of layer 1"),
        (lambda at: torch.save(ROWS, at / "l1.pt"), "holds 5 rows"),
        (lambda at: [torch.save(row, at / f"l{n}.pt") for n, row in enumerate((ROWS[0], torch.ones(3)))], "widths"),
        (lambda at: (at / "l1.npy").write_bytes(b"cut"), "is no array of numbers or is cut"),
        (lambda at: np.save(at / "l1.npy", np.array([{}], dtype=object)), "is no array of numbers or is cut"),
        (lambda at: np.save(at / "l1.npy", np.array(["a"])), "holds <U1, not a tensor of numbers"),
        (lambda at: np.save(at / "l1.npy", np.ones(3, dtype=complex)), "holds complex128, not a tensor of numbers"),
        (lambda at: (at / "l1.safetensors").write_bytes(b"cut"), "is cut or no safetensors file"),
        (lambda at: (at / "l1.pt").mkdir(), "l1.pt"),
    ],
)
def test_a_folder_of_anything_but_layers_is_refused_in_one_line(
    made: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    folder = tmp_path / "vector"
    folder.mkdir()
    made(folder)
    with pytest.raises(HarnessError) as error:
        published.read_published(folder)
    assert said in str(error.value)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


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
    "a list": (lambda at: [torch.ones(BLOCKS + 1, WIDTH)], "holds list, not a tensor of numbers"),
    "a dict of no tensor": (lambda at: {"evil": 3}, "holds no tensor"),
    "a dict of two vectors": (
        lambda at: {"evil": torch.ones(BLOCKS + 1, WIDTH), "good": torch.ones(BLOCKS + 1, WIDTH)},
        "holds tensors that are no rows of layers, among evil, good",
    ),
    "a layer twice": (lambda at: {1: torch.ones(WIDTH), "layer_1": torch.ones(WIDTH)}, "holds two rows of layer 1"),
    "a layer of several rows": (
        lambda at: {1: torch.ones(2, WIDTH), 2: torch.ones(2, WIDTH)},
        "entry '1', holds 2 rows, and a layer has one",
    ),
    "rows of several widths": (lambda at: {1: torch.ones(WIDTH), 2: torch.ones(8)}, "holds rows of several widths"),
    "layers, of which kind is not said": (lambda at: {2: torch.ones(WIDTH), 3: torch.ones(WIDTH)}, "say so by --rows"),
    "a layer that is none": (lambda at: {True: torch.ones(WIDTH), False: torch.ones(WIDTH)}, "no rows of layers"),
    "one row": (lambda at: torch.ones(WIDTH), "which layer it is of is not said; give it by --layer N"),
    "three dimensions": (lambda at: torch.ones(1, 1, WIDTH), "holds torch.float32 of shape (1, 1, 32), not a tensor"),
    "nothing but 0": (lambda at: torch.zeros(BLOCKS + 1, WIDTH), "is 0 at every block"),
    "nothing but embeddings": (
        lambda at: torch.cat([torch.ones(1, WIDTH), torch.zeros(BLOCKS, WIDTH)]),
        "is 0 at every block",
    ),
    "whole numbers": (lambda at: torch.ones(BLOCKS + 1, WIDTH, dtype=torch.long), "holds torch.int64 of shape"),
    "another width": (lambda at: torch.ones(BLOCKS + 1, 8), "is 8 wide, and this model 32: it was made for another"),
    "no embeddings": (lambda at: torch.ones(BLOCKS, WIDTH), "has rows 0, 1, 2, ..., which may count hidden states"),
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
        published.read_published(file)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"no file .*none\.pt"):
        published.read_published(tmp_path / "none.pt")
