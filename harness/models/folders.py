"""A model's folder before anything of it is loaded: which files count, what they are, and that they are sound.

Nothing here imports torch or transformers, opens a file that is no regular one, or believes a size before it is
compared with what is stored.
"""

from __future__ import annotations

import hashlib
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from harness.errors import HarnessError
from harness.files import NotJson, decoded, file_sha256, parsed, read_bytes
from harness.models.stored import WAY_OUT, Shapes, check_sizes, stored_shapes

LOADED = frozenset({".json", ".safetensors", ".jinja", ".model", ".txt"})
"""Suffixes of what a model or a tokenizer is loaded from."""

MORE_TEMPLATES = "additional_chat_templates"
"""The one folder in a model's folder of which transformers reads files."""

INDEX, WEIGHTS = "model.safetensors.index.json", "model.safetensors"
SETTINGS = ("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", INDEX)
"""Files that are read as JSON here; the vocabulary in tokenizer.json is left to the reader of the tokenizer."""

LARGEST_SETTINGS = 64 << 20
OWN_ATTENTION = frozenset({None, "eager", "sdpa", "grouped_mm", "batched_mm"})
"""What `attn_implementation` and its like may name: anything else is fetched from a hub and run."""

Settings = dict[str, Any]


def model_files(folder: Path) -> list[Path]:
    """The files that a model in `folder` is loaded from, sorted; HarnessError for one that is no regular file."""
    places = [folder, folder / MORE_TEMPLATES] if (folder / MORE_TEMPLATES).is_dir() else [folder]
    try:
        found = sorted(path for place in places for path in place.iterdir())
    except OSError as error:
        _unloadable(folder, f"{error.filename}: {error.strerror}")
    for path in found:
        counts = path.suffix in LOADED
        if (counts and not path.is_file()) or path.is_fifo() or path.is_socket() or path.is_char_device():
            _unloadable(folder, f"{path.name} is no regular file")
    return [path for path in found if path.suffix in LOADED]


def folder_digest(folder: Path) -> str:
    """sha256 over the names and contents of a model folder's config, tokenizer and safetensors files."""
    whole = hashlib.sha256()
    for path in model_files(folder):
        try:
            whole.update(f"{path.relative_to(folder).as_posix()}\0{file_sha256(path)}\n".encode())
        except OSError as error:
            _unloadable(folder, f"{path.name}: {error.strerror}")
    return whole.hexdigest()


def check_kind(folder: Path) -> None:
    """HarnessError where `folder` holds no model by the names of its files, or a file that is not to be opened."""
    model_files(folder)
    if (folder / "adapter_config.json").exists():
        raise HarnessError(
            f"{folder} holds an adapter_config.json: it is an adapter, or a model with one; merge it into its model "
            "with peft's merge_and_unload and name the folder that this is saved in"
        )
    if not (folder / "config.json").is_file():
        raise HarnessError(f"{folder} holds no config.json, so it is no model folder; name one that has it")
    if not any(folder.glob("*.safetensors")):
        pickles = [p.name for p in (*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth"))]
        found = f" (only {pickles[0]}, a pickle)" if pickles else ""
        raise HarnessError(f"{folder} holds no .safetensors weights{found}; save it with safe_serialization first")


@lru_cache(maxsize=16)
def check_content(folder: Path, digest: str) -> None:
    """HarnessError where settings cannot be read or ask for code, or weights are others than config.json says.

    Of the weights only headers are read. What was found sound is not looked at again while `digest`, which is that of
    the folder, stays the same.
    """
    found = {name: _settings(folder, name) for name in SETTINGS if (folder / name).exists()}
    config = found["config.json"]
    for key, value in _entries(config):
        if key.lstrip("_").startswith(("attn_implementation", "experts_implementation")):
            _check_attention(folder, key, value)
    if config.get("quantization_config") is not None:
        raise HarnessError(
            f"the model in {folder} is quantised (quantization_config in config.json), and a quantised one cannot be "
            "trained here; name the model that it was made from"
        )
    named = [config.get("transformers_weights"), *_list(found.get("tokenizer_config.json", {}), "fast_tokenizer_files")]
    for name in filter(None, named):
        _check_inside(folder, name)
    check_sizes(folder, read_config(folder), shapes_in(folder))


def read_config(folder: Path) -> Settings:
    """config.json, or the part of it that describes the language model where it describes more than that."""
    config = _settings(folder, "config.json")
    inner = config.get("text_config")
    return inner if isinstance(inner, dict) else config


def shapes_in(folder: Path) -> Shapes:
    """Name to shape of every tensor of the model in `folder`, read off the headers alone."""
    return stored_shapes(folder, list(weight_files(folder)))


def weight_files(folder: Path) -> Iterator[Path]:
    """The safetensors files that are loaded: the whole one, else those of the index, else all that are there."""
    if (folder / WEIGHTS).exists():
        yield folder / WEIGHTS
        return
    if not (folder / INDEX).exists():
        yield from sorted(folder.glob("*.safetensors"))
        return
    named = _settings(folder, INDEX).get("weight_map")
    if not isinstance(named, dict) or not named:
        _unloadable(folder, f"{INDEX} has no weight_map")
    for name in dict.fromkeys(named.values()):
        _check_inside(folder, name)
        if not (folder / name).is_file():
            _unloadable(folder, f"{INDEX} names {name}, which is not there")
        yield folder / name


def _settings(folder: Path, name: str) -> Settings:
    """The JSON object in a file."""
    try:
        content = read_bytes(folder / name, limit=LARGEST_SETTINGS, advice=WAY_OUT)
        if content.startswith(BOM_UTF8):
            raise NotJson("it begins with a byte order mark, which the library that reads it does not take")
        found = parsed(decoded(content))
    except NotJson as error:
        _unloadable(folder, f"{name} is no JSON: {error}")
    except HarnessError as error:
        _unloadable(folder, f"{name}: {str(error).rpartition(';')[0]}")
    if not isinstance(found, dict):
        _unloadable(folder, f"{name} holds no JSON object")
    return found


def _entries(value: object) -> Iterator[tuple[str, object]]:
    """Every key with its value, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner)


def _check_attention(folder: Path, key: str, value: object) -> None:
    for one in value.values() if isinstance(value, dict) else [value]:
        if not (one is None or isinstance(one, str)) or one not in OWN_ATTENTION:
            raise HarnessError(
                f"config.json of {folder} asks for {key} {one!r}, which would be fetched and run; "
                "write eager or sdpa there, or take the entry out"
            )


def _list(found: Mapping[str, Any], key: str) -> list[object]:
    value = found.get(key)
    return value if isinstance(value, list) else [] if value is None else [value]


def _check_inside(folder: Path, name: object) -> None:
    if not isinstance(name, str) or name != Path(name).name:
        _unloadable(folder, f"it names the file {name!r}, which is not in the folder itself")


def _unloadable(folder: Path, why: str) -> NoReturn:
    raise HarnessError(f"cannot load the model in {folder}: {why}; {WAY_OUT}")
