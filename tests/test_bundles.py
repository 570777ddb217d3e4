"""A bundle of logs is replaced as a whole, and nothing that is not of it is ever removed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from runs_made_up import cell, write_run

from harness import HarnessError
from harness.reporting import bundle, write_bundle


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle beside a runs folder; Inspect's viewer is two files here."""
    write_run(tmp_path / "runs", cell("none"), {"clean": 0.5})

    def viewer(runs: str, part: str) -> None:
        logs = Path(part) / "logs"
        logs.mkdir(parents=True)
        (Path(part) / "index.html").write_text("the viewer")
        (logs / "clean.eval").write_text("a log")

    monkeypatch.setattr("inspect_ai.log.bundle_log_dir", viewer)
    write_bundle(tmp_path / "runs", tmp_path / "logs")
    return tmp_path / "logs"


def tree(folder: Path) -> dict[str, bytes | str]:
    def content(file: Path) -> bytes | str:
        return os.readlink(file) if file.is_symlink() else file.read_bytes() if file.is_file() else "folder"

    return {str(file.relative_to(folder)): content(file) for file in folder.rglob("*")}


def test_a_bundle_takes_the_place_of_an_earlier_one_and_leaves_nothing_beside_it(made: Path) -> None:
    before = tree(made)
    assert set(json.loads((made / bundle.LIST).read_text())["files"]) == {"index.html", "logs/clean.eval"}
    (made / "logs" / "clean.eval").unlink()
    write_bundle(made.parent / "runs", made)
    assert tree(made) == before
    assert sorted(one.name for one in made.parent.iterdir()) == ["logs", "runs"]


def added(made: Path) -> None:
    (made / "notes.txt").write_text("remember the milk")


def added_below(made: Path) -> None:
    (made / "logs" / "mine").mkdir()
    (made / "logs" / "mine" / "other.eval").write_text("a log of others")


def changed(made: Path) -> None:
    (made / "index.html").write_text("my own page")


def linked(made: Path) -> None:
    (made / "elsewhere").symlink_to(made.parent / "runs")


def relinked(made: Path) -> None:
    (made / "index.html").unlink()
    (made / "index.html").symlink_to(made.parent / "runs")


def piped(made: Path) -> None:
    os.mkfifo(made / "pipe")


def unlisted(made: Path) -> None:
    (made / bundle.LIST).unlink()


def listed_wrongly(made: Path) -> None:
    (made / bundle.LIST).write_text('{"files": 3}')


def another_folder(made: Path) -> None:
    shutil.rmtree(made)
    made.mkdir()
    (made / "index.html").write_text("a web site")


def a_link(made: Path) -> None:
    made.rename(made.with_name("moved"))
    made.symlink_to("moved")


def a_file(made: Path) -> None:
    shutil.rmtree(made)
    made.write_text("notes")


@pytest.mark.parametrize(
    "spoil",
    [added, added_below, changed, linked, relinked, piped, unlisted, listed_wrongly, another_folder, a_link, a_file],
)
def test_what_is_not_of_the_bundle_stays(spoil: Callable[[Path], None], made: Path) -> None:
    spoil(made)
    before = tree(made.parent)
    with pytest.raises(HarnessError, match=r"move (it|that file) away"):
        write_bundle(made.parent / "runs", made)
    assert tree(made.parent) == before


@pytest.mark.parametrize("at", ["rename", "replace", "rmtree"])
def test_a_bundle_whose_writing_is_cut_off_is_made_again(at: str, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(made)

    def killed(*arguments: object, **options: object) -> None:
        os._exit(9)

    if (child := os.fork()) == 0:
        monkeypatch.setattr({"rename": Path, "replace": os, "rmtree": shutil}[at], at, killed)
        write_bundle(made.parent / "runs", made)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    write_bundle(made.parent / "runs", made)
    assert tree(made) == before
    assert sorted(one.name for one in made.parent.iterdir()) == ["logs", "runs"]
