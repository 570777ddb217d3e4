"""What cells share: merged with them, found where it was changed, and never in the place of another."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from runs_made_up import cell, write_run
from shared_made_up import CARD, CHOICE, UNDER, VECTOR, WRITTEN, card, choice, everything, gain, under, written

from harness.cells import ADAPTERS, REWRITTEN
from harness.cli import main
from harness.contracts import _no_folder_of_ours
from harness.files import locked
from harness.runs import merge
from harness.verifying import verify


def full(root: Path) -> Path:
    """A run and one of everything that cells share."""
    write_run(root, cell("none"), {"clean": 0.8}, key="1" * 64)
    everything(root)
    return root


def content(root: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in root.rglob("*")
        if file.is_file() and not file.name.endswith(".lock")
    }


def shared_flaws(root: Path) -> list[str]:
    """What verify finds but that the made-up run lacks files."""
    return [one.what for one in verify(root, deep=True).findings if not one.lacking]


def test_all_that_cells_share_comes_along_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    source = full(tmp_path / "b")
    assert {one.outcome for one in merge([source], tmp_path / "a", dry_run=True)} == {"copied"}
    assert not (tmp_path / "a").exists() or not content(tmp_path / "a")
    merge([source], tmp_path / "a")
    copied = content(tmp_path / "a")
    assert {name: copied[name] for name in copied if not name.startswith(REWRITTEN)} == {
        name: held for name, held in content(source).items() if not name.startswith(REWRITTEN)
    }
    assert {one.outcome for one in merge([source], tmp_path / "a")} == {"same"}
    assert content(tmp_path / "a") == copied
    assert verify(tmp_path / "a", deep=True).others == 4


def test_every_folder_beside_the_settings_is_merged_and_no_setting_may_be_called_so(tmp_path: Path) -> None:
    kinds = {Path(place).parent.name for place in (UNDER, WRITTEN, CARD, CHOICE, VECTOR)}
    assert all(_no_folder_of_ours(kind) for kind in kinds)
    assert sum(_no_folder_of_ours(name) is not None for name in ("a", *kinds)) == len(kinds) == 5


def test_what_is_lacking_is_added_and_what_is_there_stays(tmp_path: Path) -> None:
    source, target = full(tmp_path / "b"), tmp_path / "a"
    under(target, weights=b"rounded"), written(target, a="A?", c="C!"), card(target, gain("y", 1.5), gain("z"))
    done = {str(one.place): one for one in merge([source], target)}
    assert (target / UNDER / "adapter/adapter_model.safetensors").read_bytes() == b"rounded"
    assert (done[UNDER].outcome, "other rounding" in done[UNDER].why) == ("same", True)
    kept = dict(json.loads(line) for line in (target / WRITTEN).read_text().splitlines() if line)
    assert kept == {"a": "A?", "b": "B!", "c": "C!"}
    assert "1 replies differ" in done[WRITTEN].why or "1 reply differs" in done[WRITTEN].why
    gains = json.loads((target / CARD).read_text())["prompts"]
    assert [(one["name"], one["gain"]) for one in gains] == [("y", 1.5), ("z", 1.0), ("x", 1.0)]
    assert shared_flaws(target) == []


@pytest.mark.parametrize(
    ("keep", "outcome", "coef"), [("", "conflict", 2.0), ("ours", "same", 2.0), ("theirs", "replaced", 1.0)]
)
def test_two_choices_are_a_conflict_and_two_times_are_none(
    tmp_path: Path, keep: str, outcome: str, coef: float
) -> None:
    source, target = full(tmp_path / "b"), tmp_path / "a"
    choice(target, 2.0)
    done = {str(one.place): one.outcome for one in merge([source], target, keep=keep or None)}  # type: ignore[arg-type]
    assert done[CHOICE] == outcome
    assert json.loads((target / CHOICE).read_text())["steering"]["coef"] == coef
    choice(source, coef, created="another day")
    assert {str(one.place): one.outcome for one in merge([source], target)}[CHOICE] == "same"


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])


def changed(file: Path) -> None:
    """One digit of a value another one; what has none, weights say, gets one."""
    held = file.read_bytes()
    at = [at for at in range(1, len(held)) if chr(held[at]) in "12345678" and chr(held[at - 1]) in ' "']
    file.write_bytes(held[: at[-1]] + bytes([held[at[-1]] + 1]) + held[at[-1] + 1 :] if at else held + b"1")


def linked(file: Path) -> None:
    there = file.rename(file.with_name(f"{file.name}.elsewhere"))
    elsewhere = Path(shutil.move(there, file.parents[2] / "elsewhere"))
    file.symlink_to(elsewhere)


def another(file: Path) -> None:
    file.write_text('["a", 7]\n' if file.suffix == ".jsonl" else "[]")


SPOILT = [
    (place, spoil)
    for place in (
        f"{UNDER}/adapter/adapter_model.safetensors",
        f"{UNDER}/adapter/adapter_config.json",
        f"{UNDER}/adapter/training.json",
        WRITTEN,
        CARD,
        CHOICE,
        VECTOR,
        VECTOR.replace(".safetensors", ".json"),
    )
    for spoil in (cut, changed, linked, another)
    if place != WRITTEN or spoil not in (cut, changed)  # a line that was cut is left aside; a reply has no digest
]


@pytest.mark.parametrize(("place", "spoil"), SPOILT, ids=lambda one: getattr(one, "__name__", str(one)))
def test_what_was_spoilt_is_named_by_verify_and_not_merged(
    tmp_path: Path, place: str, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    source = full(tmp_path / "b")
    spoil(source / place)
    assert main(["verify", str(source), "--deep"]) == 1
    said = capsys.readouterr()
    assert Path(place).parent.name.split("/")[0] in said.out or place.split("/")[1] in said.out
    assert "Traceback" not in said.err
    broken = [one for one in merge([source], tmp_path / "a") if one.outcome == "broken"]
    assert [str(one.place).split("/")[0] for one in broken] in ([place.split("/")[0]], [place.split("/")[0]] * 2)
    assert not (tmp_path / "a" / broken[0].place).exists()


def test_an_adapter_under_another_name_is_none_of_its_kind(tmp_path: Path) -> None:
    source = full(tmp_path / "b")
    shutil.move(source / UNDER, source / ADAPTERS / "loud-00000000")
    (found,) = shared_flaws(source)
    assert "another adapter than its name says" in found


def test_what_another_process_makes_is_left_to_it_and_half_an_adapter_behind(tmp_path: Path) -> None:
    source = full(tmp_path / "b")
    (source / UNDER / "adapter/training.json").unlink()
    with locked(tmp_path / "a" / WRITTEN):
        done = {str(one.place): one for one in merge([source], tmp_path / "a")}
    assert (done[UNDER].outcome, done[UNDER].why) == ("skipped", "not finished")
    assert (done[WRITTEN].outcome, done[WRITTEN].why) == ("skipped", "another process is working on it")
    assert done[CARD].outcome == "copied"
