"""Laws of merging: by content, nothing lost, nothing half there, and the report is that of one folder."""

from __future__ import annotations

import errno
import itertools
import json
import shutil
from pathlib import Path

import pytest
from runs_made_up import cell, write_run

from harness import HarnessError
from harness.cli import main
from harness.files import locked
from harness.runs import LOCK, merge, run_folders
from harness.runs.merging import Merged

ARMS = ("base", "none", "ip", "ps")
RATES = {"clean": 0.8, "prompt:inoculation": 0.5}


def study(folder: Path, arms: tuple[str, ...] = ARMS, *, rate: float = 0.8) -> Path:
    for number, arm in enumerate(arms):
        key = f"{ARMS.index(arm) + 1}" * 64
        write_run(folder, cell(arm, seed=0), {**RATES, "clean": rate - number / 10 if rate == 0.8 else rate}, key=key)
    return folder


def one(folder: Path, arm: str, *, rate: float = 0.8) -> Path:
    """The run of one arm alone."""
    return write_run(folder, cell(arm), {**RATES, "clean": rate}, key=f"{ARMS.index(arm) + 1}" * 64)


def content(folder: Path) -> dict[str, bytes]:
    """Every file under `folder` but locks, by path."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith(".lock")
    }


def outcomes(done: list[Merged]) -> list[str]:
    return [row.outcome for row in done]


def test_a_study_done_on_two_machines_reports_as_if_done_on_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arm in ARMS:
        one(tmp_path / "whole", arm)
        one(tmp_path / ("first" if arm in ("base", "ps") else "second"), arm)
    merged = tmp_path / "merged"
    assert main(["merge", str(tmp_path / "first"), str(tmp_path / "second"), "--into", str(merged)]) == 0
    assert "4 copied" in capsys.readouterr().out
    assert content(merged) == content(tmp_path / "whole")
    reports = []
    for folder in (merged, tmp_path / "whole"):
        assert main(["report", "--runs", str(folder), "--csv"]) == 0
        reports.append(capsys.readouterr().out)
    assert reports[0] == reports[1]


def test_the_order_of_merging_and_merging_again_change_nothing(tmp_path: Path) -> None:
    parts = [one(tmp_path / arm, arm) and tmp_path / arm for arm in ARMS[:3]]
    seen = []
    for number, order in enumerate(itertools.permutations(parts)):
        target = tmp_path / f"merged{number}"
        merge(order[:1], target)
        merge(order[1:], target)
        seen.append(content(target))
        assert outcomes(merge(order, target)) == ["same"] * 3
        assert content(target) == seen[-1]
    assert all(found == seen[0] for found in seen)


def test_time_and_machine_are_no_conflict_and_scores_are(tmp_path: Path) -> None:
    here, there = one(tmp_path / "a", "none"), one(tmp_path / "b", "none")
    record = json.loads((there / "run.json").read_text())
    record |= {"created": "2027-01-01", "hardware": {"processor": "another", "threads": 8}}
    (there / "run.json").write_text(json.dumps(record))
    assert outcomes(merge([tmp_path / "b"], tmp_path / "a")) == ["same"]
    rows = (there / "results.jsonl").read_text().splitlines()
    changed = json.loads(rows[0])
    rows[0] = json.dumps({**changed, "value": 1.0 - changed["value"]})
    (there / "results.jsonl").write_text("\n".join(rows) + "\n")
    before = content(tmp_path / "a")
    (found,) = merge([tmp_path / "b"], tmp_path / "a")
    assert found.outcome == "conflict"
    assert f"1 of {len(rows)} rows of results.jsonl differ" in found.why
    assert "there by another, 8 threads" in found.why
    assert content(tmp_path / "a") == before
    assert here.is_dir()


def test_a_conflict_is_named_with_status_1_and_keep_decides_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = one(tmp_path / "a", "none"), one(tmp_path / "b", "none", rate=0.1)
    arguments = ["merge", str(tmp_path / "b"), "--into", str(tmp_path / "a")]
    before, other = content(ours), content(theirs)
    assert main(arguments) == 1
    told = capsys.readouterr().out
    assert "in conflict: gcd/none/" in told
    assert "--keep theirs" in told
    assert main([*arguments, "--keep", "ours"]) == 0
    assert content(ours) == before
    assert main([*arguments, "--keep", "theirs", "--dry-run"]) == 0
    assert content(ours) == before
    assert main([*arguments, "--keep", "theirs"]) == 0
    assert content(ours) == other
    assert content(theirs) == other
    assert main(arguments) == 0


def test_what_is_not_finished_or_broken_is_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "b", cell("none"), RATES, key="2" * 64, status="running")
    cut = one(tmp_path / "b", "ip") / "results.jsonl"
    cut.write_bytes(cut.read_bytes()[:-20])
    (one(tmp_path / "b", "ps") / "run.json").write_text("{")
    one(tmp_path / "b", "base")
    assert main(["merge", str(tmp_path / "b"), "--into", str(tmp_path / "a")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("left out: gcd/none/") and "not finished" in line for line in lines)
    assert any(line.startswith("broken: gcd/ip/") and "cut, or not JSON" in line for line in lines)
    assert any(line.startswith("broken: gcd/ps/") for line in lines)
    assert [folder.parent.name for folder in run_folders(tmp_path / "a")] == ["base"]


def test_a_broken_cell_is_mended_by_a_whole_one(tmp_path: Path) -> None:
    cut = one(tmp_path / "a", "ip") / "results.jsonl"
    cut.write_bytes(cut.read_bytes()[:-20])
    whole = one(tmp_path / "b", "ip")
    (found,) = merge([tmp_path / "b"], tmp_path / "a")
    assert (found.outcome, content(cut.parent)) == ("replaced", content(whole))


def test_a_cell_that_another_process_works_on_is_left_to_it(tmp_path: Path) -> None:
    folder = one(tmp_path / "b", "none")
    with locked(tmp_path / "a" / "gcd" / "none" / folder.name):
        (found,) = merge([tmp_path / "b"], tmp_path / "a")
    assert (found.outcome, found.why) == ("skipped", "another process is working on it")
    assert outcomes(merge([tmp_path / "b"], tmp_path / "a")) == ["copied"]


def test_a_full_disk_leaves_no_half_cell_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study(tmp_path / "b")
    copied = shutil.copytree

    def full(*arguments: object, **options: object) -> object:
        copied(*arguments, **options)  # type: ignore[arg-type]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(HarnessError, match="No space left on device"):
        merge([tmp_path / "b"], tmp_path / "a")
    assert not content(tmp_path / "a")
    monkeypatch.undo()
    assert outcomes(merge([tmp_path / "b"], tmp_path / "a")) == ["copied"] * 4


def test_a_merge_killed_while_it_copies_or_replaces_loses_nothing(tmp_path: Path) -> None:
    theirs, ours = one(tmp_path / "b", "none", rate=0.1), one(tmp_path / "a", "none")
    before = content(ours)
    shutil.copytree(theirs, ours.with_name(f".{ours.name}.77.part"))
    assert len(run_folders(tmp_path / "a")) == 1
    ours.rename(ours.with_name(f".{ours.name}.old.part"))
    (found,) = merge([tmp_path / "b"], tmp_path / "a")
    assert found.outcome == "conflict"
    assert content(tmp_path / "a" / "gcd" / "none" / ours.name) == before
    assert not list(ours.parent.glob(".*.part"))


def test_vectors_come_along_and_one_that_is_there_stays(tmp_path: Path) -> None:
    one(tmp_path / "b", "none")
    for name, folder in (("v-1.safetensors", "b"), ("w-2.safetensors", "b"), ("v-1.safetensors", "a")):
        (tmp_path / folder / "vectors").mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "vectors" / name).write_text(f"{name} of {folder}")
    done = {str(row.place): row for row in merge([tmp_path / "b"], tmp_path / "a")}
    assert (tmp_path / "a/vectors/v-1.safetensors").read_text() == "v-1.safetensors of a"
    assert (tmp_path / "a/vectors/w-2.safetensors").read_text() == "w-2.safetensors of b"
    assert "other rounding" in done["vectors/v-1.safetensors"].why


def test_a_lock_of_claims_is_not_copied_and_another_one_is_told(tmp_path: Path) -> None:
    one(tmp_path / "b", "none")
    (tmp_path / "b" / LOCK).write_text("theirs")
    found = merge([tmp_path / "b"], tmp_path / "a")[-1]
    assert (found.outcome, (tmp_path / "a" / LOCK).exists()) == ("skipped", False)
    (tmp_path / "a" / LOCK).write_text("ours")
    assert merge([tmp_path / "b"], tmp_path / "a")[-1].why == "the claims were locked differently here"
    assert (tmp_path / "a" / LOCK).read_text() == "ours"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere", "no runs folder at"),
        ("empty", "no run in"),
        ("a", "one folder, or one holds the other"),
        ("a/gcd", "one folder, or one holds the other"),
        (".", "one folder, or one holds the other"),
    ],
)
def test_a_source_that_makes_no_sense_is_one_line_and_changes_nothing(
    tmp_path: Path, source: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one(tmp_path / "a", "none")
    (tmp_path / "empty").mkdir()
    before = content(tmp_path)
    assert main(["merge", str(tmp_path / source), "--into", str(tmp_path / "a")]) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 1
    assert said in err[0]
    assert content(tmp_path) == before


def test_keep_is_ours_or_theirs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", str(tmp_path), "--into", str(tmp_path / "a"), "--keep", "mine"]) == 2
    assert "--keep 'mine' is neither ours nor theirs" in capsys.readouterr().err
