"""Every bad model folder ends in one line before anything of it is run, fetched or made room for."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bad_world import Bad, BadInputs, World

TABLE = BadInputs()
bad = TABLE.bad

OPENING = "cannot load the model in"
FIT = "does not fit its weights"


def change(file: Path, **entries: object) -> None:
    """Gives a JSON file these entries."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **entries}))


def written(world: World, name: str, content: str | bytes) -> list[str]:
    """`harness run` of a model in whose folder a file holds `content`."""
    model = world.model()
    (model / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return world.run("none", model=model)


def configured(world: World, *options: str, **entries: object) -> list[str]:
    """`harness run` of a model whose config.json has these entries."""
    model = world.model()
    change(model / "config.json", **entries)
    return world.run("none", *options, model=model)


def rewritten(world: World, edit: Callable[[dict[str, Any]], object]) -> list[str]:
    """`harness run` of a model whose weights were edited."""
    from safetensors.torch import load_file, save_file

    model = world.model()
    weights = load_file(model / "model.safetensors")
    edit(weights)
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    return world.run("none", model=model)


def header(content: bytes, *, length: int | None = None) -> bytes:
    """A safetensors file with this header and nothing else."""
    return struct.pack("<Q", len(content) if length is None else length) + content


# What a folder's JSON may hold

SPOILT: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is no JSON"),
    "cut": (b'{"model_type": "lla', "is no JSON"),
    "a list": (b"[]", "holds no JSON object"),
    "a number": (b"1", "holds no JSON object"),
    "null": (b"null", "holds no JSON object"),
    "nested": (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "is no JSON: nested deeper than 100"),
    "with a BOM": (b"\xef\xbb\xbf{}", "is no JSON"),
    "in UTF-16": ("{}".encode("utf-16"), "UTF-16 or UTF-32, not UTF-8 text"),
    "in Latin-1": (b'{"a": "\xe9"}', "not UTF-8 text"),
    "with a NUL": (b'{"a": \x00}', "is no JSON"),
    "with NaN": (b'{"rms_norm_eps": NaN}', "NaN is no JSON number"),
    "with Infinity": (b'{"rope_theta": Infinity}', "Infinity is no JSON number"),
    "with a key twice": (b'{"hidden_size": 32, "hidden_size": 64}', "the key 'hidden_size' is there twice"),
    "with a key twice inside": (b'{"a": [{"b": 1, "b": 2}]}', "the key 'b' is there twice"),
    "with a number of 10,000 digits": (b'{"a": ' + b"1" * 10_000 + b"}", "is no JSON"),
    "two documents": (b"{}{}", "is no JSON"),
}
SETTINGS = ("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json")


@pytest.mark.parametrize("file", SETTINGS)
@pytest.mark.parametrize("content", SPOILT)
def test_a_settings_file_that_is_not_what_it_should_be_is_one_line(
    world: World, capfd: pytest.CaptureFixture[str], file: str, content: str
) -> None:
    spoilt, said = SPOILT[content]
    given = Bad("spoilt", lambda world: written(world, file, spoilt), (OPENING, file, said), begins=False)
    TABLE.check(given, world, capfd)


@bad(OPENING, "config.json", "it has 67,108,865 bytes, and may have 67,108,864")
def a_configuration_of_a_gigabyte(world: World) -> list[str]:
    model = world.model()
    os.truncate(model / "config.json", (64 << 20) + 1)
    return world.run("none", model=model)


# What is in the folder


@pytest.mark.parametrize("dry", [False, True], ids=["run", "plan"])
@pytest.mark.parametrize(
    "file",
    [
        *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"),
        *("model.safetensors", "added_tokens.json", "merges.txt", "tokenizer.model", "notes"),
    ],
)
def test_a_fifo_among_the_files_is_never_opened(
    world: World, capfd: pytest.CaptureFixture[str], file: str, dry: bool
) -> None:
    def spoil(world: World) -> list[str]:
        model = world.model()
        (model / file).unlink(missing_ok=True)
        os.mkfifo(model / file)
        return world.run("none", *(["--dry-run"] if dry else []), model=model)

    TABLE.check(Bad("fifo", spoil, (OPENING, f"{file} is no regular file"), begins=False), world, capfd)


@bad(OPENING, "vocab.json is no regular file")
def a_folder_in_the_place_of_a_file(world: World) -> list[str]:
    model = world.model()
    (model / "vocab.json").mkdir()
    return world.run("none", model=model)


@bad(OPENING, "tokenizer.json is no regular file")
def a_link_that_leads_nowhere(world: World) -> list[str]:
    model = world.model()
    (model / "tokenizer.json").unlink()
    (model / "tokenizer.json").symlink_to("gone")
    return world.run("none", model=model)


@bad("holds an adapter_config.json: it is an adapter", "merge_and_unload")
def an_adapter_in_the_place_of_a_model(world: World) -> list[str]:
    world.started()
    return world.run("none", model=world.cell("ps") / "adapter")


@bad("holds an adapter_config.json", "a model with one")
def a_model_with_an_adapter_beside_it(world: World) -> list[str]:
    model = world.model()
    (model / "adapter_config.json").write_text('{"base_model_name_or_path": "some/where"}')
    return world.run("none", model=model)


@bad("holds no config.json, so it is no model folder")
def a_run_in_the_place_of_a_model(world: World) -> list[str]:
    world.started()
    return world.run("none", model=world.cell("ps"))


@bad("is neither a folder nor a hub id", "File name too long")
def a_model_of_a_name_too_long(world: World) -> list[str]:
    return world.run("none", model="/" + "m" * 5000)


@bad("is neither a folder nor a hub id", "home directory")
def a_model_in_nobodys_home(world: World) -> list[str]:
    return world.run("none", model="~no-such-person/model")


@bad("it names the file '../other.safetensors', which is not in the folder itself")
def an_index_that_leads_out_of_the_folder(world: World) -> list[str]:
    return indexed(world, "../other.safetensors")


@bad("it names the file 7, which is not in the folder itself")
def an_index_that_names_a_number(world: World) -> list[str]:
    return indexed(world, 7)


@bad("names gone.safetensors, which is not there")
def an_index_that_names_what_is_not_there(world: World) -> list[str]:
    return indexed(world, "gone.safetensors")


@bad("model.safetensors.index.json has no weight_map")
def an_index_without_a_map(world: World) -> list[str]:
    model = world.model()
    (model / "model.safetensors").rename(model / "part.safetensors")
    (model / "model.safetensors.index.json").write_text("{}")
    return world.run("none", model=model)


@bad("it names the file '../weights.safetensors'")
def a_configuration_that_names_weights_elsewhere(world: World) -> list[str]:
    return configured(world, transformers_weights="../weights.safetensors")


@bad("it names the file '../tokenizer.4.0.0.json'")
def a_tokenizer_that_is_elsewhere(world: World) -> list[str]:
    model = world.model()
    change(model / "tokenizer_config.json", fast_tokenizer_files=["../tokenizer.4.0.0.json"])
    return world.run("none", model=model)


def indexed(world: World, name: object) -> list[str]:
    """`harness run` of a model whose index names this file."""
    model = world.model()
    (model / "model.safetensors").rename(model / "part.safetensors")
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"model.norm.weight": name}}))
    return world.run("none", model=model)


# Code of others

ASKED_FOR = (
    *("kernels-community/flash-attn", "someone/kernel", "flash_attention_2", "flash_attention_3", "paged|sdpa"),
    *("someone/kernel:function", {"": "someone/kernel"}, {"text_config": "someone/kernel"}, 7, ["sdpa"]),
)


@pytest.mark.parametrize("asked", ASKED_FOR, ids=str)
@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation", "experts_implementation"])
def test_a_kernel_that_would_be_fetched_and_run_is_refused(
    world: World, capfd: pytest.CaptureFixture[str], key: str, asked: object
) -> None:
    given = Bad("kernel", lambda world: configured(world, **{key: asked}), ("which would be fetched and run",), False)
    TABLE.check(given, world, capfd)


@bad("asks for attn_implementation 'someone/kernel'", "write eager or sdpa there, or take the entry out")
def a_kernel_asked_for_deep_in_the_configuration(world: World) -> list[str]:
    return configured(world, text_config={"deeper": [{"attn_implementation": "someone/kernel"}]})


@bad("is quantised (quantization_config in config.json)", "name the model that it was made from")
def a_quantised_model(world: World) -> list[str]:
    return configured(world, quantization_config={"quant_method": "eetq"})


@bad("needs code of its own, which is never run", begins=True)
def a_tokenizer_of_another_repository(world: World) -> list[str]:
    model = world.model()
    own = {"AutoTokenizer": ["someone/code--own.Own", None]}
    change(model / "tokenizer_config.json", tokenizer_class="Own", auto_map=own)
    return world.run("none", model=model)


# Sizes


@pytest.mark.parametrize("size", [0, -1, 2**40, 10_000_000, 10**30, "32", 32.5, True, [0], {}], ids=str)
@pytest.mark.parametrize("name", ["hidden_size", "vocab_size", "num_hidden_layers"])
def test_a_size_that_is_not_that_of_the_weights_is_refused(
    world: World, capfd: pytest.CaptureFixture[str], name: str, size: object
) -> None:
    given = Bad("size", lambda world: configured(world, **{name: size}), (FIT, name), begins=False)
    TABLE.check(given, world, capfd)


@pytest.mark.parametrize("size", [0, -8, 2**40, "8"], ids=str)
@pytest.mark.parametrize(
    "name", ["intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim", "max_position_embeddings"]
)
def test_a_size_that_is_none_is_refused(
    world: World, capfd: pytest.CaptureFixture[str], name: str, size: object
) -> None:
    given = Bad("size", lambda world: configured(world, **{name: size}), (FIT, name), begins=False)
    TABLE.check(given, world, capfd)


@bad(FIT, "numbers, and", "are stored", begins=True)
def a_feed_forward_layer_of_a_thousand_million(world: World) -> list[str]:
    return configured(world, intermediate_size=1_000_000_000)


@bad(FIT, "its num_hidden_layers is 3, and weights of 4 layers are stored")
def more_layers_than_the_configuration_says(world: World) -> list[str]:
    return configured(world, num_hidden_layers=3)


@bad(FIT, "its num_hidden_layers is 5, and weights of 4 layers are stored")
def fewer_layers_than_the_configuration_says(world: World) -> list[str]:
    return configured(world, num_hidden_layers=5)


@bad(FIT, "its num_hidden_layers is 3")
def a_plan_for_more_layers_than_the_configuration_says(world: World) -> list[str]:
    return configured(world, "--dry-run", num_hidden_layers=3)


@bad("has 1 weights that its config.json has no place for, 'model.extra.weight' among them", begins=True)
def a_weight_too_many(world: World) -> list[str]:
    import torch

    return rewritten(world, lambda weights: weights.update({"model.extra.weight": torch.zeros(3)}))


@bad("cannot load the model in", begins=True)
def a_weight_of_another_shape(world: World) -> list[str]:
    import torch

    return rewritten(world, lambda weights: weights.update({"model.norm.weight": torch.zeros(31)}))


# Weights


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        header(b"{}", length=2**60),
        header(b"{}", length=2**63 + 1),
        header(b"not json"),
        header(b"[]"),
        header(b'{"a": ' + b"[" * 100_000),
        header(b'{"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}'),
        header(b'{"a": {"dtype": "F99", "shape": [], "data_offsets": [0, 0]}}'),
        header(b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}}'),
        header(b'{"a": {"dtype": "F32", "shape": [9223372036854775807, 9], "data_offsets": [0, 0]}}'),
        header(b'{"a": {"dtype": "F32", "shape": [0], "data_offsets": [5, 1]}}'),
        header(b'{"a": 1}'),
    ],
    ids=[
        "empty",
        "short",
        "long",
        "longer",
        "text",
        "list",
        "deep",
        "absent",
        "type",
        "negative",
        "vast",
        "back",
        "int",
    ],
)
def test_weights_that_are_no_safetensors_are_one_line(
    world: World, capfd: pytest.CaptureFixture[str], content: bytes
) -> None:
    said = (OPENING, "model.safetensors", "repair the folder, or name another model")
    TABLE.check(Bad("weights", lambda world: written(world, "model.safetensors", content), said, False), world, capfd)


# Tokenizers


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"[" * 100_000, b"\xff\xfe{}", b'{"version": "1.0", "model": {"type": "Evil"}}', b"\0"],
    ids=["empty", "nothing", "list", "deep", "utf-16", "unknown", "nul"],
)
def test_a_tokenizer_that_is_none_is_one_line(world: World, capfd: pytest.CaptureFixture[str], content: bytes) -> None:
    said = ("cannot load the tokenizer in", "repair the folder, or name another model")
    TABLE.check(Bad("tokenizer", lambda world: written(world, "tokenizer.json", content), said, False), world, capfd)


@bad("the tokenizer gives token", "and the model knows 320: it belongs to another model", begins=True)
def a_tokenizer_of_another_model(world: World) -> list[str]:
    model = world.model()
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    names = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {name: at + (5000 if len(name) == 1 else 0) for name, at in names.items()}
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))
    return world.run("none", model=model)


# Chat templates

ENDLESS = "{% for i in range(99999) %}" * 3 + "{% endfor %}" * 3
TEMPLATES: dict[str, tuple[str, str]] = {
    "endless": (ENDLESS, "has not ended after"),
    "a range too long": ("{% for i in range(10**12) %}x{% endfor %}", "refuses this chat"),
    "cut": ("{% for message in messages %}", "refuses this chat"),
    "unknown filter": ("{{ messages | evil }}", "refuses this chat"),
    "reaching out": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "refuses this chat"),
    "including a file": ("{% include '/etc/passwd' %}", "refuses this chat"),
    "importing": ("{% import 'os' as os %}", "refuses this chat"),
    "recursive": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "refuses this chat"),
    "vast": ("{% for m in messages %}{{ m['content'] * 1000000 }}{% endfor %}", "characters of a chat"),
    "nothing": ("{{ '' }}", "leaves out or changes the user turn"),
    "raising": ("{{ raise_exception('no') }}", "refuses this chat: no"),
    "dividing": ("{{ 1 / 0 }}", "refuses this chat"),
    "changing the chat": ("{{ messages.clear() }}", "refuses this chat"),
}


@pytest.mark.parametrize("dry", [False, True], ids=["run", "plan"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_chat_template_that_is_unsound_is_one_line(
    world: World, capfd: pytest.CaptureFixture[str], template: str, dry: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engine.chat.TEMPLATE_SECONDS", 0.5)
    text, said = TEMPLATES[template]

    def spoil(world: World) -> list[str]:
        model = world.model()
        (model / "chat_template.jinja").write_text(text)
        return world.run("none", *(["--dry-run"] if dry else []), model=model)

    TABLE.check(Bad("template", spoil, ("the chat template of", said), begins=False), world, capfd)


# The table


@pytest.mark.parametrize("given", TABLE, ids=lambda given: given.name)
def test_a_bad_model_ends_in_one_line_and_nothing_is_half_written(
    given: Bad, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    TABLE.check(given, world, capfd)


def test_a_model_that_asks_for_what_it_has_anyway_is_taken(world: World) -> None:
    model = world.model()
    change(model / "config.json", attn_implementation="eager", auto_map={"AutoConfig": "own.Own"})
    shutil.copy(model / "config.json", model / "own.py")
    assert world.call(world.run("none", "--dry-run", model=model)) == 0
