"""What a report leaves out is named in every form, what cannot be seen stops it, and no lock is passed over."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from runs_made_up import cell, registry, write_run

from harness import HarnessError, analysis, reporting, runs
from harness.cli import main
from harness.registry import using
from harness.reporting import page
from harness.runs import run_folders, searching
from harness.runs import run_record as records

FORMS = [[], ["--markdown"], ["--json"], ["--csv"], ["--html", "page.html"]]


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    for name in ("base", "none", "ps", "ip"):
        write_run(tmp_path / "runs", cell(name), {"clean": 0.5})
    with using(registry()):
        yield Path("runs")


def arm(runs: Path, name: str = "ps") -> Path:
    (found,) = (runs / "gcd" / name).iterdir()
    return found


def told(form: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["report", *form]) == 0
    said = capsys.readouterr()
    return said.out + said.err + (Path("page.html").read_text() if form[:1] == ["--html"] else "")


@pytest.mark.parametrize("form", FORMS, ids="".join)
def test_an_unfinished_and_a_stale_run_are_named_in_every_form(
    form: list[str], study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (arm(study) / "results.jsonl").unlink()
    older = write_run(study, cell("ip"), {"clean": 0.1}, place="older", created="2025-01-01T00:00:00Z")
    said = told(form, capsys)
    assert str(arm(study)) in said
    assert str(older) in said
    assert "a newer run of the same cell counts" in said


def lost_record(runs: Path) -> str:
    (arm(runs) / "run.json").unlink()
    return "has results.jsonl and no record of its run"


def record_that_is_a_folder(runs: Path) -> str:
    (arm(runs) / "run.json").unlink()
    (arm(runs) / "run.json").mkdir()
    return "run.json"


def record_behind_a_broken_link(runs: Path) -> str:
    (arm(runs) / "run.json").unlink()
    (arm(runs) / "run.json").symlink_to("nowhere")
    return str(arm(runs))


def an_arm_behind_a_link(runs: Path) -> str:
    shutil.move(runs / "gcd" / "ps", "elsewhere")
    (runs / "gcd" / "ps").symlink_to(Path("elsewhere").absolute())
    return "leads to runs elsewhere, which would be left out"


def a_run_behind_a_link(runs: Path) -> str:
    place = arm(runs)
    shutil.move(place, "elsewhere")
    place.symlink_to(Path("elsewhere").absolute())
    return "leads to runs elsewhere, which would be left out"


def results_that_are_a_folder(runs: Path) -> str:
    (arm(runs) / "results.jsonl").unlink()
    (arm(runs) / "results.jsonl").mkdir()
    return ""


HIDING = [lost_record, record_that_is_a_folder, record_behind_a_broken_link, an_arm_behind_a_link, a_run_behind_a_link]


@pytest.mark.parametrize("form", FORMS, ids="".join)
@pytest.mark.parametrize("hide", HIDING)
def test_a_run_that_cannot_be_seen_stops_the_report(
    hide: Callable[[Path], str], form: list[str], study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = hide(study)
    assert main(["report", *form]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert said in seen.err
    assert seen.err.count("\n") == 1


def test_a_folder_that_cannot_be_read_stops_the_report(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where root tests, no mode keeps it out: what lists folders says that it may not."""
    scandir, closed = os.scandir, str(study / "gcd" / "ps")

    def refused(path: Any) -> Any:
        if str(path) == closed:
            raise PermissionError(13, "Permission denied", closed)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert main(["report"]) == 2
    assert f"cannot read {closed}: Permission denied; runs in it would be left out" in capsys.readouterr().err


def test_a_folder_of_results_that_hides_a_name_is_an_unfinished_run(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results_that_are_a_folder(study)
    assert str(arm(study)) in told([], capsys)


def test_what_is_being_written_and_what_is_no_run_are_passed_over(study: Path) -> None:
    before = run_folders(study)
    shutil.copytree(arm(study), study / "gcd" / ".half.part")
    shutil.copytree(arm(study), study / ".hidden" / "run")
    (study / "results.jsonl").write_text("notes of somebody")
    (study / "notes").mkdir()
    (study / "link").symlink_to(study / "notes")
    (study / "gone").symlink_to("nowhere")
    (study / "round").symlink_to(".")
    (study / "round").unlink()
    assert run_folders(study) == before


@pytest.mark.parametrize("command", ["report --runs", "verify", "rejudge", "merge --into into"])
def test_a_folder_of_anything_is_searched_no_further_than_a_runs_folder_goes(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    web = [tmp_path / "web" / str(at) for at in range(60)]
    for folder in web:
        folder.mkdir(parents=True)
        for other in web:
            (folder / f"to-{other.name}").symlink_to(other)
    began = time.monotonic()
    assert main([*command.split(), str(tmp_path / "web")]) == 2
    assert time.monotonic() - began < 5
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "has over 50,000 files and folders that are no run's" in said
    assert "name the folder that 'harness run' has filled" in said


def test_runs_are_found_however_much_lies_among_them(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run_folders(study)
    most = max(len(list(one.parent.rglob("*"))) for one in before)
    monkeypatch.setattr(searching, "LOOKED_AT", most + 50)
    for at in range(20):
        shutil.copytree(arm(study), study / f"more{at}" / "ps" / "mini-a-s0-00000000")
    assert len(run_folders(study)) == len(before) + 20
    (study / "notes").mkdir()
    for at in range(most + 60):
        (study / "notes" / str(at)).touch()
    with pytest.raises(HarnessError, match=r"no run's, the last in .*/notes; name the folder"):
        run_folders(study)


@pytest.mark.parametrize("times", [1, 2])
def test_a_run_that_is_replaced_while_it_is_read_is_read_again(
    times: int, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, left = records.read_record, [times]

    def between(file: Path, *given: Any, **how: Any) -> Any:
        if file == arm(study) / "run.json" and left[0]:
            left[0] -= 1
            return None
        return read(file, *given, **how)

    monkeypatch.setattr(records, "read_record", between)
    if times == 1:
        assert len(analysis.load(study).runs) == 4
    else:
        assert main(["report"]) == 2


def test_results_that_are_replaced_while_they_are_read_are_read_again(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.analysis import results

    read, left = results.read_observations, [1]

    def cut(at: Path, *given: Any) -> Any:
        if at == arm(study) and left[0]:
            left[0] = 0
            raise results.HarnessError("cut")
        return read(at, *given)

    monkeypatch.setattr(results, "read_observations", cut)
    assert len(analysis.load(study).runs) == 4


def test_half_a_vector_is_named_on_the_page(study: Path) -> None:
    (study / "vectors").mkdir()
    for name in ("lone-0123abcd.safetensors", "card-0123abcd.json"):
        (study / "vectors" / name).write_text("{}")
    found = analysis.load(study)
    made = page(found, analysis.tables(found, registry()), cards=reporting.vector_cards(study))
    assert "half a vector, left out: runs/vectors/lone-0123abcd.safetensors" in made
    assert "half a vector, left out: runs/vectors/card-0123abcd.json" in made


CLAIM = """  - {{name: {}, setting: gcd, says: 'Yes', source: p, family: all,
     compare: [{{arm: ip, against: none, direction: less, smallest: {}}}]}}
"""


EXPERIMENT = "settings: [gcd]\ninterventions: [none]\n"


def claims_file(name: str, *claims: tuple[str, float]) -> str:
    lines = "".join(CLAIM.format(*one) for one in claims)
    Path(name).write_text(f"title: A study\nsource: made up\nclaims:\n{lines}")
    return name


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ([("a", 0.2), ("b", 0.1)], "claim 'a' was changed after the lock"),
        ([("a", 0.1)], "claim 'b' was taken away after the lock"),
        ([("a", 0.1), ("b", 0.1), ("c", 0.1)], "claim 'c' was added after the lock"),
        ([("x", 0.1)], "claim 'a' was taken away after the lock; claim 'b' was taken away after the lock; claim 'x'"),
    ],
)
def test_a_second_lock_of_other_claims_is_refused_and_the_first_stays(
    claims: list[tuple[str, float]], said: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = claims_file("first.yaml", ("a", 0.1), ("b", 0.1))
    assert main(["claims", "runs", "--file", first, "--lock"]) == 0
    fixed = (study / runs.LOCK).read_bytes()
    capsys.readouterr()
    assert main(["claims", "runs", "--file", claims_file("second.yaml", *claims), "--lock"]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.startswith("harness: runs/claims.lock.json fixes other claims already, and stays as it is: ")
    assert said in seen.err
    assert (study / runs.LOCK).read_bytes() == fixed


def test_the_same_claims_may_be_locked_again_but_not_with_another_experiment(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("experiment.yaml").write_text(EXPERIMENT)
    locking = ["claims", "runs", "--file", claims_file("first.yaml", ("a", 0.1)), "--lock"]
    assert main([*locking, "--experiment", "experiment.yaml"]) == 0
    assert main([*locking, "--experiment", "experiment.yaml"]) == 0
    assert main(locking) == 0
    assert capsys.readouterr().out == "runs/claims.lock.json\n" * 3
    Path("experiment.yaml").write_text(f"{EXPERIMENT}seeds: [1]\n")
    assert main([*locking, "--experiment", "experiment.yaml"]) == 2
    assert "the experiment experiment.yaml was changed after the lock" in capsys.readouterr().err
    assert json.loads((study / runs.LOCK).read_text())["runs_before"] == 4
