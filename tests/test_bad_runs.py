"""Bad runs folders: files of other cells, names that lead elsewhere, links, and what ended processes left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_world import Bad, BadInputs, World
from runs_made_up import cell as made_up
from runs_made_up import write_run

from harness import HarnessError
from harness.cli import main
from harness.files import alike, check_plain, clear_halves, inside, locked, under, writing
from harness.files.halves import aside_of, half_of
from harness.runs import merge

TABLE = BadInputs()
bad = TABLE.bad
OUTSIDE = (
    *("../escaped", "../../../escaped", "..", ".", "", "/etc/x", "a/b", "a\\b", "..\\x", "a\0b", "a\nb", "a\rb"),
    *(".hidden", "a\x1bb", "a\u2028b", "\ud800", "x" * 256, "é" * 128),
)
RATES = {"clean": 0.5}


def _import(world: World, name: str) -> list[str]:
    source = world.folder / "evil.pt"
    source.write_bytes(b"no tensor")
    return ["vectors", "loud", "--import", str(source), "--name", name, "--runs", str(world.runs)]


@bad("a vector's name is small letters", "../../x")
def a_name_that_leads_out_for_an_imported_vector(world: World) -> list[str]:
    return _import(world, "../../x")


@bad("a vector's name is small letters")
def an_absolute_name_for_an_imported_vector(world: World) -> list[str]:
    return _import(world, "/tmp/x")


@bad("a vector's name is small letters")
def a_name_with_a_newline_for_an_imported_vector(world: World) -> list[str]:
    return _import(world, "a\nb")


@bad("NUL character")
def a_name_with_a_nul_for_an_imported_vector(world: World) -> list[str]:
    return _import(world, "a\0b")


@bad("NUL character")
def a_runs_folder_with_a_nul(world: World) -> list[str]:
    return ["report", "--runs", "a\0b"]


@bad("no runs folder at")
def verify_of_nothing(world: World) -> list[str]:
    return ["verify", str(world.folder / "nowhere")]


@bad("no run and no vector in")
def verify_of_an_empty_folder(world: World) -> list[str]:
    world.runs.mkdir()
    return ["verify", str(world.runs)]


def _renamed(world: World, **changes: str) -> list[str]:
    world.started()
    record = json.loads((world.cell("none") / "run.json").read_text())
    told = {**record, "cell": {**record["cell"], **changes}, "inputs": {}, "seal": None}
    (world.cell("none") / "run.json").write_text(json.dumps(told))
    return world.report()


@bad("run.json", "which is no name")
def a_setting_in_a_record_that_leads_out(world: World) -> list[str]:
    return _renamed(world, setting="../../../escaped")


@bad("run.json", "which is no name")
def an_intervention_in_a_record_with_a_newline(world: World) -> list[str]:
    return _renamed(world, intervention="a\nb")


@bad("run.json", "cell.seed is 7, and 0 in the inputs")
def a_record_with_another_seed_than_its_inputs(world: World) -> list[str]:
    world.started()
    record = json.loads((world.cell("none") / "run.json").read_text())
    (world.cell("none") / "run.json").write_text(json.dumps({**record, "cell": {**record["cell"], "seed": 7}}))
    return world.report()


@bad("run.json", "key is not that of the inputs")
def a_record_with_other_conditions_than_its_key(world: World) -> list[str]:
    world.started()
    record = json.loads((world.cell("none") / "run.json").read_text())
    world.record(world.cell("none"), inputs={**record["inputs"], "conditions": ["clean"]})
    return ["rejudge", str(world.runs)]


@bad("run.json was changed since it was written")
def a_gate_that_was_changed(world: World) -> list[str]:
    world.started()
    record = json.loads((world.cell("none") / "run.json").read_text())
    gates = {name: {**gate, "ok": not gate["ok"]} for name, gate in record["gates"].items()}
    world.record(world.cell("none"), gates=gates)
    return world.report()


@bad("holds another run than its name says")
def a_folder_that_was_renamed(world: World) -> list[str]:
    world.started()
    world.cell("none").rename(world.cell("none").with_name("mini-tiny_llama-s0-00000000"))
    return world.report()


@bad("checkpoint.safetensors is cut or not ours")
def a_checkpoint_that_is_none(world: World) -> list[str]:
    world.started(unfinished="none")
    shutil.rmtree(world.cell("none") / "adapter")
    (world.cell("none") / "checkpoint.safetensors").write_bytes(b"x")
    return world.run("none")


@pytest.mark.parametrize("given", TABLE, ids=lambda given: given.name)
def test_a_bad_runs_folder_is_one_line(given: Bad, world: World, capfd: pytest.CaptureFixture[str]) -> None:
    TABLE.check(given, world, capfd)


@pytest.mark.parametrize("name", OUTSIDE, ids=ascii)
def test_a_name_never_leads_out_of_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be a name in"):
        inside(tmp_path, "fine", name)
    if "/" not in name or name.startswith(("/", ".")):
        with pytest.raises(HarnessError, match="cannot be a name in"):
            under(tmp_path, f"vectors/{name}")


@pytest.mark.parametrize("name", ["evil-0123abcd.safetensors", "mini-m-s0-a=0.5+b=1-d0.5-01234567", "é", "a b"])
def test_a_plain_name_is_one_in_its_folder(name: str, tmp_path: Path) -> None:
    assert inside(tmp_path, name).parent == tmp_path


@pytest.mark.parametrize("name", ["../../../escaped", "/tmp/escaped", "a\\b", "Upper", "a\nb", "a b", ""])
@pytest.mark.parametrize("field", ["setting", "intervention"])
def test_a_foreign_record_writes_nothing_outside_the_merged_folder(field: str, name: str, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "theirs", made_up("none"), RATES)
    write_run(tmp_path / "theirs", made_up("ip"), RATES)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "cell": {**record["cell"], field: name}}))
    before = {*tmp_path.rglob("*")}
    found = merge([tmp_path / "theirs"], tmp_path / "merged")
    assert [one.outcome for one in found] == ["copied", "broken"]
    assert {path for path in tmp_path.rglob("*") if path not in before and "merged" not in path.parts} == set()


def _link_to_file(at: Path, secret: Path) -> None:
    at.symlink_to(secret)


def _link_to_folder(at: Path, secret: Path) -> None:
    at.symlink_to(secret.parent)


def _dangling(at: Path, secret: Path) -> None:
    at.symlink_to("nowhere")


def _loop(at: Path, secret: Path) -> None:
    at.symlink_to(at.name)


def _pipe(at: Path, secret: Path) -> None:
    os.mkfifo(at)


LINKS = (_link_to_file, _link_to_folder, _dangling, _loop, _pipe)


@pytest.mark.parametrize("make", LINKS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("place", ["notes.txt", "logs/more.eval", "replies.jsonl", "vectors"])
def test_links_are_not_followed_out_of_a_merged_folder(
    make: Callable[[Path, Path], None], place: str, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    secret = tmp_path / "own" / "secret"
    secret.write_text("a secret")
    folder = write_run(tmp_path / "theirs", made_up("none"), RATES)
    at = folder / place if place != "vectors" else tmp_path / "theirs" / "vectors" / "evil-01234567.safetensors"
    at.parent.mkdir(exist_ok=True)
    make(at, secret)
    found = merge([tmp_path / "theirs"], tmp_path / "merged")
    assert [one.outcome for one in found if one.outcome != "copied"] == ["broken"]
    copied = [path for path in (tmp_path / "merged").rglob("*") if path.is_file()]
    assert not any("a secret" in path.read_text() for path in copied)
    with pytest.raises(HarnessError, match="nothing but files belongs there"):
        check_plain(at)


def test_a_hard_link_is_a_file(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "theirs", made_up("none"), RATES)
    os.link(folder / "results.jsonl", folder / "same.jsonl")
    assert [one.outcome for one in merge([tmp_path / "theirs"], tmp_path / "merged")] == ["copied"]


def test_names_that_are_one_on_some_file_systems_are_not_merged_side_by_side(tmp_path: Path) -> None:
    write_run(tmp_path / "theirs", made_up("none"), RATES, place="Run-a")
    write_run(tmp_path / "merged", made_up("none"), RATES, place="run-A")
    (found,) = merge([tmp_path / "theirs"], tmp_path / "merged")
    assert found.outcome == "broken"
    assert "one name on some file systems" in found.why
    assert alike(tmp_path / "theirs" / "gcd" / "none" / "Run-a") is None


HOLDER = """
import sys, time
from pathlib import Path
from harness.files import writing
with writing(Path(sys.argv[1]), "something") as part:
    part.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def test_what_a_living_process_writes_stays_and_what_an_ended_one_left_goes(tmp_path: Path) -> None:
    target = tmp_path / "target.json"
    other = subprocess.Popen([sys.executable, "-c", HOLDER, str(target)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "writing\n"
    (half,) = tmp_path.glob(".*.part")
    with writing(target, "the same") as part:
        part.write_text("ours")
    clear_halves(tmp_path)
    with locked(target):
        pass
    assert half.exists()
    other.kill()
    other.wait()
    other.stdout.close()
    with locked(target):
        pass
    assert not half.exists()
    assert target.read_text() == "ours"


@pytest.mark.parametrize("whose", ["first", "parent", "ours", "largest", "other"])
def test_the_number_of_a_process_says_nothing_about_who_wrote(whose: str, tmp_path: Path) -> None:
    """It is that of another process by now, or of a process of another machine."""
    number = {"first": 1, "parent": os.getppid(), "ours": os.getpid(), "largest": 4194304, "other": 77}[whose]
    target = tmp_path / "target.json"
    file, folder = tmp_path / f".target.json.{number}.part", tmp_path / f".target.{number}.part"
    file.write_text("half")
    folder.mkdir()
    (folder / "stale").write_text("half")
    mine = tmp_path / ".somebody.elses.part"
    mine.write_text("not ours")
    with writing(target, "a file") as part:
        part.write_text("whole")
    assert not file.exists()
    with writing(tmp_path / "target", "a folder") as part:
        part.mkdir()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".somebody.elses.part", "target", "target.json"]
    assert not list((tmp_path / "target").iterdir())


def test_a_folder_that_was_moved_aside_is_put_back(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    aside_of(target).mkdir()
    (aside_of(target) / "index.html").write_text("the old one")
    half_of(target).mkdir()
    with locked(target):
        assert (target / "index.html").read_text() == "the old one"
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize(
    "left",
    [".results.jsonl.1.part", ".logs.part", ".adapter.77.part", "checkpoint.safetensors", "../../../vectors/.x.1.part"],
)
def test_what_an_ended_process_left_is_told_and_cleared_by_the_next_command(
    left: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.started(unfinished="ps")
    place = world.cell("ps") / left
    place.write_text("half")
    assert world.call(["verify", str(world.runs)]) == 1
    assert place.name in capsys.readouterr().out
    assert world.call(world.run("ps")) == 0
    assert not place.exists()
    assert world.call(["verify", str(world.runs)]) == 0


def test_a_folder_that_is_in_order_is_clean_and_nothing_in_it_changes(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.started()
    before = world.tree()
    assert main(["verify", str(world.runs), "--deep", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"cells": 3, "vectors": 1, "others": 0, "findings": []}
    assert world.tree() == before


@pytest.mark.parametrize("content", ["[]", "null", "{", '{"claims": 1}'])
def test_a_lock_of_claims_that_is_none_is_found(content: str, world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.started()
    (world.runs / "claims.lock.json").write_text(content)
    assert world.call(["verify", str(world.runs)]) == 1
    assert "claims.lock.json" in capfd.readouterr().out
