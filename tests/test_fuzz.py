"""Laws of every reader: a spoilt file gives a value of its kind or one line that names it, in good time.

The longer run is by hand: `python tests/fuzz.py 10000`.
"""

from __future__ import annotations

import ast
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import fuzz
import fuzz_readers
import house
import pytest
from bad_world import within
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harness
from harness import HarnessError

EXAMPLES = 60
HOUSE = house.House(Path(harness.__file__).parent)
ALSO = ("files/journal.py Journal", "claims/locking.py deviations")
"""Readers that are not called so."""


def found() -> set[str]:
    """Public functions that are called as readers are, of a file or folder."""
    return {
        f"{module.file} {node.name}"
        for module in HOUSE.modules
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef)
        and node.name.removeprefix("opened_").partition("_")[0] in ("read", "load", "tensors")
        and node.args.args
        and ast.unparse(node.args.args[0].annotation or ast.Name("")) == "Path"
    }


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, fuzz.Reader]:
    return fuzz_readers.readers(tmp_path_factory.mktemp("fuzzed"))


NAMES = sorted(found() - set(fuzz_readers.NOT_HERE) | set(ALSO))


def test_every_reader_has_files_to_be_spoilt_or_a_reason(readers: dict[str, fuzz.Reader]) -> None:
    assert set(readers) == set(NAMES)
    assert set(fuzz_readers.NOT_HERE) <= found()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_whole_is_read(name: str, readers: dict[str, fuzz.Reader]) -> None:
    assert readers[name].fits(readers[name].read())


@pytest.mark.parametrize("name", NAMES)
def test_a_spoilt_file_is_read_as_its_kind_or_refused_in_one_line(name: str, readers: dict[str, fuzz.Reader]) -> None:
    reader = readers[name]
    valid = reader.file.read_bytes()

    @settings(
        derandomize=True, database=None, max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(seed=st.integers(0, 2**32))
    def spoilt(seed: int) -> None:
        assert fuzz.outcome(reader, valid, seed) in ("read", "refused")

    try:
        spoilt()
    finally:
        reader.file.write_bytes(valid)


def test_a_word_without_an_end_is_said_in_part(readers: dict[str, fuzz.Reader]) -> None:
    reader = readers["analysis/targets.py read_targets"]
    valid = reader.file.read_bytes()
    reader.file.write_bytes(valid.replace(b"a=1", b"a" * 5000))
    answer = answered(reader)
    reader.file.write_bytes(valid)
    assert isinstance(answer, HarnessError)
    assert 600 < len(str(answer)) < 2000
    assert "aaa...aaa" in str(answer)


@pytest.mark.parametrize(
    "case",
    [
        {"id": ""},
        {"messages": [{"role": "assistant", "content": "A"}]},
        {"messages": [{"role": "user", "content": ""}]},
        {"facts": {"n": 2**63}},
        {"facts": {"n": -(2**64)}},
    ],
    ids=str,
)
def test_a_stored_case_that_no_setting_could_give_is_named_with_its_line(
    case: dict[str, object], readers: dict[str, fuzz.Reader]
) -> None:
    reader = readers["runs/replies.py read_replies"]
    valid = reader.file.read_bytes()
    first, *others = valid.decode().splitlines(keepends=True)
    row = json.loads(first)
    reader.file.write_text(json.dumps({**row, "case": {**row["case"], **case}}) + "\n" + "".join(others))
    answer = answered(reader)
    reader.file.write_bytes(valid)
    assert isinstance(answer, HarnessError)
    assert str(answer).startswith(f"{reader.file}:1: no stored reply: ")
    assert "move it away" in str(answer)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"files/reading.py read_text"}))
@pytest.mark.parametrize("put", ["folder", "pipe", "device", "dangling", "loop", "socket", "empty", "huge"])
def test_what_is_no_file_is_one_line_at_once(
    name: str, put: str, readers: dict[str, fuzz.Reader], tmp_path: Path
) -> None:
    reader = readers[name]
    kept = reader.file.rename(tmp_path / "kept")
    try:
        with placed(reader.file, put), within(5):
            answer = answered(reader)
    finally:
        kept.rename(reader.file)
    if isinstance(answer, HarnessError):
        assert fuzz.is_one_line(str(answer), reader.file)
    else:
        # A folder without the file that a stage writes last has nothing yet.
        assert put != "huge"
        assert answer in (None, [], {}, [None, None]) or "not locked" in str(answer)


def answered(reader: fuzz.Reader) -> object:
    """What the reader gives, or its HarnessError."""
    try:
        return reader.read()
    except HarnessError as error:
        return error


class placed:
    """Something that is no file of a sane size in the place of `file`, until the block ends."""

    def __init__(self, file: Path, put: str) -> None:
        self.file, self.put = file, put

    def __enter__(self) -> None:
        PUTS[self.put](self.file)

    def __exit__(self, *error: object) -> None:
        self.file.rmdir() if self.file.is_dir() and not self.file.is_symlink() else self.file.unlink()


def _bound(file: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(file.parent)  # a socket's path is short
        try:
            made.bind(file.name)
        finally:
            os.chdir(here)


def _huge(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(1 << 40)  # of holes alone


PUTS: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "device": lambda file: file.symlink_to("/dev/zero"),
    "dangling": lambda file: file.symlink_to("nowhere"),
    "loop": lambda file: file.symlink_to(file.name),
    "socket": _bound,
    "empty": Path.touch,
    "huge": _huge,
}
