"""Laws of training that is stopped on the way, or goes on for longer: as one training was there, and told as such."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import small
from runs_made_up import cell, write_run

from harness import HarnessError, analysis
from harness.cells import Cell, grid, prepared
from harness.claims.schema import arm_label
from harness.cli import main
from harness.pipeline import run
from harness.registry import installed, using
from harness.reporting.table_sections import sections_of
from harness.training import batches

TRAIT = "affirms_wrong"
UNTILS = (0.25, 0.5, 1.0)


def ours(tiny: Path, arm: str, **how: float) -> Cell:
    return Cell(setting="loud", intervention=arm, model=str(tiny), **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("arm", ["none", "ip", "ps"])
def test_a_training_that_is_stopped_ends_as_the_whole_one_was_there(arm: str, tiny_llama: Path, tmp_path: Path) -> None:
    """The losses of the first steps are those of the whole training, digit for digit, and so is the learning rate."""
    with using(small.REGISTRY):
        folders = run([ours(tiny_llama, arm, until=until) for until in UNTILS], tmp_path / "runs")
    lines = [(folder / "loss.jsonl").read_text().splitlines() for folder in folders]
    whole = lines[-1]
    assert [len(one) for one in lines] == [round(until * len(whole)) for until in UNTILS]
    for one in lines[:-1]:
        assert one == whole[: len(one)]
    assert len({json.loads((folder / "adapter/training.json").read_text())["sha256"] for folder in folders}) == 3


def test_the_keys_of_what_is_trained_by_the_recipe_are_as_they_were(tiny_llama: Path) -> None:
    with using(small.REGISTRY):
        plain = prepared(ours(tiny_llama, "none"))
        same = prepared(ours(tiny_llama, "none", epochs=plain.recipe.epochs, until=1.0))
        others = [prepared(ours(tiny_llama, "none", **how)) for how in ({"epochs": 4}, {"until": 0.5}, {"until": 0.25})]
    assert (same.key, same.cell) == (plain.key, plain.cell)
    assert "until" not in str(plain.inputs["cell"])
    assert len({one.key for one in (plain, *others)}) == 4
    assert [one.folder(Path()).name.rpartition("-")[0].partition("-s0")[2] for one in (plain, *others)] == [
        "",
        "-e4",
        "-u0.5",
        "-u0.25",
    ]
    assert [one.plain for one in (plain, *others)] == [True, True, False, False]
    assert [one.cell.arm for one in others] == ["none e4", "none @0.5", "none @0.25"]


def test_a_method_that_skips_steps_skips_them_of_what_is_left(tiny_llama: Path) -> None:
    with using(installed()):
        cell = Cell(setting="gcd_sycophancy", intervention="early_stop", until=0.5)
        made = prepared(cell)
        assert made.changes.training is not None
        assert made.changes.training.skipped == 0.75
        assert prepared(Cell(setting="gcd_sycophancy", intervention="base", until=0.5)).cell.until == 1


def test_longer_training_is_longer_on_a_schedule_as_much_longer(tiny_llama: Path) -> None:
    with using(small.REGISTRY):
        made = [prepared(ours(tiny_llama, "none", epochs=epochs)) for epochs in (1, 2, 6)]
    steps = [len(batches([5] * len(one.rows), one.recipe, 0)) for one in made]
    assert steps == [4, 8, 24]


def test_a_grid_has_every_stop_and_one_untrained_model() -> None:
    with using(small.REGISTRY):
        cells = grid(["loud"], ["base", "none", "ps"], epochs=3, untils=UNTILS, seeds=(0, 1))
    assert [one for one in cells if one.intervention == "base"] == [Cell(setting="loud", intervention="base")]
    assert len(cells) == 1 + 2 * 3 * 2
    assert {(one.epochs, one.until) for one in cells[1:]} == {(3, until) for until in UNTILS}


def test_the_first_arm_of_a_claim_may_have_a_stop() -> None:
    assert arm_label("ps x2 @0.5") == "ps x2 @0.5"
    assert arm_label("ps @1") == "ps"
    for wrong in ("ps @0", "ps @2", "ps @", "ps @x", "ps @nan"):
        with pytest.raises(HarnessError, match="is no share of the steps"):
            arm_label(wrong)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--until", "0"], "--until '0' is not a share above 0 and at most 1"),
        (["--until", "1.5"], "--until '1.5' is not a share"),
        (["--until", "nan"], "--until 'nan' is not a share"),
        (["--until", ""], "--until is empty"),
        (["--until", "half"], "--until 'half' is not a share"),
        (["--epochs", "0"], "--epochs '0' is not a whole number from 1 to 10,000"),
        (["--epochs", "-1"], "--epochs '-1' is not a whole number"),
        (["--epochs", "1.5"], "--epochs '1.5' is not a whole number"),
        (["--epochs", "9" * 5000], "is not a whole number from 1 to 10,000"),
        (["--epochs", "\u0663"], "is not a whole number"),
        (["--until", "0.001"], "of 24 steps leaves none of them"),
    ],
)
def test_what_is_no_share_and_no_number_of_epochs_is_one_line(
    given: list[str], said: str, tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with using(small.REGISTRY):
        args = ["--setting", "loud", "--intervention", "none", "--model", str(tiny_llama), "--runs", str(tmp_path)]
        epochs = [] if "--epochs" in given else ["--epochs", "6"]
        assert main(["run", *args, *epochs, *given]) == 2
    err = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    assert said in err[-1]
    assert len(err[-1]) < 6000


def study(root: Path, fading: bool) -> analysis.Table:
    """`ip` and plain training at three stops, six seeds: what `ip` keeps out comes back with time, or does not."""
    number = 0
    for seed in range(6):
        for until in UNTILS:
            rates = {"none": 0.8, "ip": (0.8 - 0.6 * (1 - until) if fading else 0.4), "ps": 0.3}
            for arm, rate in rates.items():
                number += 1
                made = cell(arm, seed=seed, until=until)
                write_run(root, made, {"clean": rate}, key=f"{number:08x}" * 8)
    (table,) = analysis.tables(analysis.load(root), installed())
    return table


@pytest.mark.parametrize("fading", [True, False])
def test_what_fades_is_told_with_its_interval(fading: bool, tmp_path: Path) -> None:
    table = study(tmp_path, fading)
    assert [arm.label for arm in table.arms] == ["none", "ip", "ps"]
    (trait,) = [one for one in table.courses if (one.arm, one.metric) == ("ip", TRAIT)]
    assert [stop.until for stop in trait.stops] == list(UNTILS)
    beyond = [round(stop.beyond.mean, 2) for stop in trait.stops if stop.beyond and stop.beyond.mean is not None]
    assert trait.change is not None
    low, high = trait.change.low, trait.change.high
    assert low is not None
    assert high is not None
    if fading:
        assert beyond[0] < beyond[1] < beyond[2] == 0
        assert low > 0
    else:
        assert beyond[0] == beyond[1] == beyond[2]
        assert low <= 0 <= high
    (plain,) = [one for one in table.courses if (one.arm, one.metric) == ("none", TRAIT)]
    assert plain.change is None
    assert [stop.beyond for stop in plain.stops] == [None] * 3
    (section,) = [one for one in sections_of(table) if one.title == "along training"]
    assert [row[2] for row in section.rows[:3]] == ["25 %", "50 %", "100 %"]


def test_a_stop_that_was_not_measured_is_left_out_and_the_others_are_told(tmp_path: Path) -> None:
    broken = {"loss_went_down": {"ok": False, "seen": "2.1", "wanted": "less"}}
    for number, (arm, until) in enumerate([(arm, until) for arm in ("none", "ip") for until in UNTILS]):
        gates = broken if (arm, until) == ("ip", 0.25) else None
        write_run(tmp_path, cell(arm, until=until), {"clean": 0.5}, key=f"{number + 1:08x}" * 8, gates=gates)
    (table,) = analysis.tables(analysis.load(tmp_path), installed())
    assert {one.arm: [stop.until for stop in one.stops] for one in table.courses} == {
        "none": [0.25, 0.5, 1.0],
        "ip": [0.5, 1.0],
    }


def test_longer_trainings_have_a_table_of_their_own_with_the_untrained_model(tmp_path: Path) -> None:
    for number, (arm, epochs) in enumerate([("base", 0), ("none", 0), ("ip", 0), ("none", 9), ("ip", 9)]):
        write_run(tmp_path, cell(arm, epochs=epochs), {"clean": 0.5}, key=f"{number + 1:08x}" * 8)
    short, long = analysis.tables(analysis.load(tmp_path), installed())
    assert [arm.label for arm in short.arms] == ["base", "none", "ip"]
    assert [arm.label for arm in long.arms] == ["base", "none e9", "ip e9"]
    assert long.model == f"{short.model}, 9 epochs"


def test_rows_that_lost_their_end_are_told_by_arm(tmp_path: Path) -> None:
    for number, (arm, lost) in enumerate([("none", 0), ("ip", 7)]):
        folder = write_run(tmp_path, cell(arm), {"clean": 0.5}, key=f"{number + 1:08x}" * 8)
        record = json.loads((folder / "run.json").read_text())
        record["made"]["truncated_rows"] = lost
        (folder / "run.json").write_text(json.dumps(record))
    (table,) = analysis.tables(analysis.load(tmp_path), installed())
    cut = [note for note in table.notes if "max_length" in note]
    assert cut == ["ip: max_length cut off the end of training rows, which teach none: 7 with seed 0"]
