"""Stored weights by their headers, and whether a config speaks of them: nothing is allocated before they agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.files import opened_tensors

Shapes = dict[str, list[int]]

WAY_OUT = "repair the folder, or name another model"

LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.")
ELSEWHERE = re.compile(r"vision|visual|audio|encoder|mtp")
"""Parts of a stored model that the sizes of its language model do not speak of."""

LAYERS = ("num_hidden_layers", "n_layer")
WIDTHS = ("hidden_size", "n_embd")
VOCABULARY = ("vocab_size",)
FURTHER = (
    *("intermediate_size", "n_inner", "num_attention_heads", "n_head", "num_key_value_heads", "head_dim"),
    *("max_position_embeddings", "n_positions"),
)
LARGEST = 2**31 - 1


def stored_shapes(folder: Path, files: Sequence[Path]) -> Shapes:
    """Name to shape of every tensor in `files`, by the library's own reader, which holds each header to its file."""
    found: Shapes = {}
    for file in files:
        try:
            with opened_tensors(file, otherwise="no safetensors file", advice=WAY_OUT) as stored:
                found |= {name: list(stored.get_slice(name).get_shape()) for name in stored.keys()}  # noqa: SIM118
        except HarnessError as error:
            raise HarnessError(f"cannot load the model in {folder}: {error}") from error
    return found


def check_sizes(folder: Path, config: Mapping[str, Any], shapes: Shapes) -> None:
    """HarnessError where a size in `config` is none, or is not that of the weights that are stored."""
    for name in (*LAYERS, *WIDTHS, *VOCABULARY, *FURTHER):
        for size in _sizes(config.get(name)):
            if type(size) is not int or not 0 < size <= LARGEST:
                raise _unlike(folder, f"its {name} is {_shown(size)}, not a whole number from 1 to {LARGEST}")
    sides = {side for name, shape in shapes.items() for side in shape if not ELSEWHERE.search(name)}
    for name in (*WIDTHS, *VOCABULARY):
        if config.get(name) is not None and config[name] not in sides:
            raise _unlike(folder, f"its {name} is {config[name]}, and no stored weight has such a side")
    _check_layers(folder, config, shapes)


def _check_layers(folder: Path, config: Mapping[str, Any], shapes: Shapes) -> None:
    numbers = {int(at[1]) for name in shapes if (at := LAYER.search(name)) and not ELSEWHERE.search(name)}
    name = next((name for name in LAYERS if config.get(name) is not None), None)
    if name is None or not numbers:
        return
    further = config.get("num_nextn_predict_layers")
    most = config[name] + (further if type(further) is int else 0)
    if not config[name] <= max(numbers) + 1 <= most:
        raise _unlike(folder, f"its {name} is {config[name]}, and weights of {max(numbers) + 1} layers are stored")


def numbers_in(shapes: Shapes) -> int:
    """How many numbers are stored."""
    return sum(map(prod, shapes.values()))


def _sizes(value: object) -> Iterator[object]:
    """One size, or one for each layer; none where the config leaves it to the family."""
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def _shown(size: object) -> str:
    return repr(size) if type(size) is not int or abs(size) < 10**20 else "a number of more than 20 digits"


def _unlike(folder: Path, why: str) -> HarnessError:
    return HarnessError(f"config.json of {folder} does not fit its weights: {why}; fetch the model again")
