"""What is written may be read by whom the umask lets, and folders that cannot be written are named in one line."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from harness import HarnessError, files
from harness.files import Journal, inspect_home, locked, open_to_others, write_json, writing
from harness.runs import Layer, Outputs, VectorCard


@contextmanager
def umask(mask: int) -> Iterator[None]:
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)


def a_vector(folder: Path) -> None:
    from harness.engine import Vector
    from harness.vectors.stored import save

    card = VectorCard(name="v", setting="s", scale="mini", key="k", blocks=(Layer(block=0, norm=1.0),))
    save(folder / "v.safetensors", Vector(value=torch.ones(1, 2), rms=torch.ones(1)), card)


def an_adapter(folder: Path) -> None:
    from safetensors.torch import save_file

    with writing(folder / "adapter", "the adapter") as part:
        (part / "deep").mkdir(parents=True)
        part.chmod(0o700)
        save_file({"a": torch.ones(2)}, part / "adapter_model.safetensors")
        (part / "deep" / "config.json").touch(0o600)


def a_model(folder: Path) -> None:
    from harness.testing import tiny_model

    with writing(folder / "model", "the model") as part:
        tiny_model(part)


def a_file_of_a_temporary_one(folder: Path) -> None:
    import tempfile

    with writing(folder / "file", "a file") as part:
        handle, name = tempfile.mkstemp(dir=folder)
        os.close(handle)
        os.replace(name, part)


def a_journal(folder: Path) -> None:
    Journal(folder / "journal.jsonl").add("key", 1)


def a_lock(folder: Path) -> None:
    with locked(folder / "cell"):
        pass


def a_record(folder: Path) -> None:
    write_json(folder / "run.json", {})


def an_output(folder: Path) -> None:
    with Outputs().writing(folder / "report", "the report") as part:
        part.write_text("text")


WRITERS = (a_vector, an_adapter, a_model, a_file_of_a_temporary_one, a_journal, a_lock, a_record, an_output)


@pytest.mark.parametrize("mask", [0o002, 0o022, 0o027, 0o077], ids=oct)
@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_what_is_written_has_the_mode_that_the_umask_leaves(
    write: Callable[[Path], None], mask: int, tmp_path: Path
) -> None:
    with umask(mask):
        write(tmp_path / "new")
    for file in (tmp_path / "new", *(tmp_path / "new").rglob("*")):
        whole = 0o777 if file.is_dir() else 0o666
        assert oct(stat.S_IMODE(file.stat().st_mode)) == oct(whole & ~mask), file.name


def test_the_umask_is_found_where_the_system_does_not_tell_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch(0o600)
    monkeypatch.setattr(Path, "read_text", lambda *given, **how: (_ for _ in ()).throw(OSError("no /proc")))
    with umask(0o027):
        open_to_others(file)
        assert os.umask(0o027) == 0o027
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_link_in_what_is_written_changes_no_mode_elsewhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(0o600)
    with writing(tmp_path / "folder", "a folder") as part:
        part.mkdir()
        (part / "link").symlink_to(secret)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


@pytest.mark.parametrize("home", ["a file", "a link to nothing", "nowhere to be made", "full", "read-only"])
def test_a_home_that_cannot_be_written_is_one_line_with_the_right_folder_before_any_work(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "home"
    if home == "a file":
        place.write_text("")
    elif home == "a link to nothing":
        place.symlink_to("/proc/nothing/here")
    elif home == "nowhere to be made":
        place = Path("/proc/home")
    else:
        mounted(place, home)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(place))
    try:
        with pytest.raises(HarnessError, match=f"Inspect keeps its traces in {place}/.*; make room there, or set XDG"):
            files.check_inspect_home()
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
        with inspect_home():
            pass
    finally:
        os.system(f"umount -l {place} 2>/dev/null")


def mounted(place: Path, how: str) -> None:
    place.mkdir()
    if os.system(f"mount -t tmpfs -o size=64k tmpfs {place} 2>/dev/null"):
        pytest.skip("a file system cannot be mounted here")
    if how == "read-only":
        os.system(f"mount -o remount,ro {place}")


def test_a_cell_looks_after_inspects_folder_before_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import small

    from harness.cells import Cell
    from harness.pipeline import run
    from harness.registry import using
    from harness.testing import tiny_model

    (tmp_path / "home").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    model = str(tiny_model(tmp_path / "tiny"))
    with using(small.REGISTRY), pytest.raises(HarnessError, match="Inspect keeps its traces in"):
        run([Cell(setting="loud", intervention="none", model=model)], tmp_path / "runs")
    assert not list((tmp_path / "runs").rglob("adapter"))
