"""Laws of `harness reproduce`: the post's experiment whole and in part, claims fixed first, a report that stays."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import small
from sweeping import broken

from harness import HarnessError
from harness.claims import lock, read_claims
from harness.cli import main
from harness.registry import installed, using
from harness.sweep import published, sweep
from harness.sweep.published import post, post_claims

ROOT = Path(__file__).parents[1]
CLAIMS = """
title: On shouting
source: these tests
claims:
  - name: quieter
    setting: loud
    family: suppression
    says: "Yes"
    sentence: A steered model shouts less.
    source: these tests
    compare:
      - {arm: ps, against: none, direction: less, smallest: 0.05}
"""


@pytest.fixture
def small_post(tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An experiment in the small world in the place of the post's; gives its folder."""
    folder = tmp_path / "experiments"
    (folder / "claims").mkdir(parents=True)
    (folder / "claims" / "post.yaml").write_text(CLAIMS)
    (folder / "post.yaml").write_text(
        f"settings: [loud]\ninterventions: [none, ps]\nseeds: [0, 1]\nmodels: ['{tiny_llama}']\n"
        "claims: claims/post.yaml\n"
    )
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(published, "folder", lambda: folder)
    monkeypatch.setattr("harness.sweep.sweep", partial(sweep, plugins=small.registry))
    with using(small.registry()):
        yield folder


def test_the_experiment_has_the_arms_that_the_claims_of_the_post_compare() -> None:
    there = {(cell.setting, cell.intervention) for cell in post().cells}
    claims = read_claims(post_claims(), installed())
    compared = {
        (claim.setting, arm.split()[0])
        for claim in claims.value.claims
        for one in claim.compare
        for arm in (one.arm, one.against)
    }
    assert compared - there == set()


def test_every_balance_has_its_cell_and_every_composed_cell_its_balance() -> None:
    targets = read_claims(post_claims(), installed()).targets["post_balances.json"]
    cells = {(cell.setting, cell.intervention, cell.weights) for cell in post().cells if cell.weights}
    assert {(one.setting, one.intervention, one.weights) for one in targets} == cells


def test_all_files_of_the_experiments_come_with_the_package() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    folder = ROOT / "experiments"
    shipped = {path for pattern in patterns["harness_experiments"] for path in folder.glob(pattern)}
    there = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert there == shipped
    assert published.folder().resolve() == folder


def test_quick_is_the_first_seed_of_every_arm() -> None:
    whole, quick = post(), post(quick=True)
    assert {cell for cell in whole.cells if cell.seed == 0} == set(quick.cells)
    assert {cell.seed for cell in whole.cells} == set(range(6))
    assert quick.claims == whole.claims


def test_other_scales_have_the_same_claims_and_no_balance_which_is_told() -> None:
    paper = post(scale="paper")
    assert {cell.scale for cell in paper.cells} == {"paper"}
    assert not any(cell.weights for cell in paper.cells)
    assert paper.claims == post().claims
    assert any("three_languages: no balance is set" in line for line in paper.left_out)


def test_a_setting_or_scale_that_is_not_there_is_one_line_with_the_nearest_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, said in (
        (["--setting", "two_langages"], "no setting of the post named 'two_langages'; did you mean 'two_languages'?"),
        (["--scale", "papr"], "did you mean 'paper'?"),
        (["--jobs", "0"], "--jobs 0 would do nothing"),
    ):
        assert main(["reproduce", *arguments, "--runs", str(tmp_path / "runs")]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert said in lines[0]
        assert not (tmp_path / "runs").exists()


def test_claims_are_fixed_before_the_first_cell_and_the_report_stays_the_same(
    small_post: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    assert main(["reproduce", "--quick", "--runs", str(runs), "--jobs", "2"]) == 0
    told = capsys.readouterr()
    assert "3 of 3 cells to do" in told.err
    assert "quieter" in told.out
    assert json.loads((runs / "claims.lock.json").read_text())["runs_before"] == 0
    assert "deviation" not in told.out
    written = {path.name: path.read_bytes() for path in (tmp_path / "runs-report").iterdir() if path.is_file()}
    assert set(written) == {"report.html", "report.md", "report.csv"}
    assert main(["reproduce", "--quick", "--runs", str(runs)]) == 0
    assert "0 of 3 cells to do" in capsys.readouterr().err
    assert {name: (tmp_path / "runs-report" / name).read_bytes() for name in written} == written


def test_a_cell_that_fails_is_told_last_and_the_report_has_the_others(
    small_post: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = small_post / "post.yaml"
    file.write_text(file.read_text().replace("[none, ps]", "[none, nowhere]"))
    monkeypatch.setattr("harness.sweep.sweep", partial(sweep, plugins=broken))
    runs = tmp_path / "runs"
    with using(broken()):
        assert main(["reproduce", "--quick", "--runs", str(runs)]) == 1
    assert "harness: failed: loud/nowhere s0" in capsys.readouterr().err.splitlines()[-1]
    assert "none" in (tmp_path / "runs-report" / "report.md").read_text()


def test_a_report_that_cannot_be_written_leaves_the_runs(
    small_post: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, place = tmp_path / "runs", tmp_path / "taken"
    place.write_text("a file")
    assert main(["reproduce", "--quick", "--runs", str(runs), "--output", str(place)]) == 2
    assert "is no folder to write a report into" in capsys.readouterr().err.splitlines()[-1]
    assert not runs.exists()
    assert place.read_text() == "a file"


def test_claims_changed_since_the_lock_are_told_as_deviations(
    small_post: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, file = tmp_path / "runs", small_post / "claims" / "post.yaml"
    lock(read_claims(file, installed()), runs, experiment=small_post / "post.yaml")
    file.write_text(CLAIMS.replace("0.05", "0.5"))
    assert main(["reproduce", "--quick", "--runs", str(runs)]) == 0
    assert "deviation: claim 'quieter' was changed after the lock" in capsys.readouterr().out


def test_a_sweep_fixes_the_claims_that_its_experiment_names(
    small_post: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def watched(*arguments: object, **options: object) -> object:
        seen.append((tmp_path / "runs" / "claims.lock.json").is_file())
        raise HarnessError("enough")

    monkeypatch.setattr("harness.sweep.sweep", watched)
    assert main(["sweep", str(small_post / "post.yaml"), "--runs", str(tmp_path / "runs")]) == 2
    assert seen == [True]
