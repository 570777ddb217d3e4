"""A dose for any arm: by the rule of `harness calibrate`, on made-up curves and on cells of the small world."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import small

from harness import HarnessError
from harness.calibrating import Seen, Start, Subject, Trial, Wanted, dose_of, step, subject_of
from harness.calibrating.arms import LEAST, MOST, search_of
from harness.calibrating.ladder import Span
from harness.calibrating.rule import against, suppresses
from harness.cli import main
from harness.registry import Registry, using
from harness.runs import CALIBRATIONS, run_folders

WANTED = Wanted(trait=0.5, skills={"solves": 0.3})
START = Start(seeds=(1000, 1001, 1002), blocks=(), epochs=1, wanted=WANTED, budget=16)


@dataclass(frozen=True)
class Curve:
    """A made-up arm: half of the trait is gone at `half` times its dose, the skill breaks at `broken` times."""

    half: float
    broken: float
    steep: float = 3.0
    other_seed: float = 0.0

    def __call__(self, trial: Trial) -> Seen:
        if trial.arm == "base":
            return Seen(trait=0.0, n=100, judged=100, skills={"solves": 0.0})
        share = trial.times if trial.arm != "none" else 0.0
        trait = 0.9 / (1 + (share / self.half) ** self.steep) + (self.other_seed if trial.seed != 1000 else 0.0)
        skill = 0.8 / (1 + (share / self.broken) ** 6)
        return Seen(trait=min(1.0, trait), n=100, judged=100, skills={"solves": skill})


def found(curve: Curve, most: float = MOST, start: Start = START) -> tuple[float | None, int, str]:
    dosed = search_of("kl", curve, start, Span(first=1.0, least=LEAST, most=most))
    return dosed.times, len(dosed.trials), dosed.why


def sound(curve: Curve, share: float, seed: int) -> bool:
    plain, here = curve(Trial(arm="none", seed=seed)), curve(Trial(arm="kl", seed=seed, share=share))
    return not against(here, plain, WANTED) and suppresses(here, plain)


def test_of_a_thousand_curves_a_dose_is_found_where_there_is_one_and_it_holds_on_two_seeds() -> None:
    rng = np.random.default_rng(21)
    grid = np.geomspace(LEAST, MOST, 97)
    missed = wide = 0
    for _ in range(1000):
        curve = Curve(half=float(2 ** rng.uniform(-4, 4)), broken=float(2 ** rng.uniform(-3, 4)))
        there = [share for share in grid if sound(curve, share, 1000) and sound(curve, share, 1001)]
        times, trials, why = found(curve)
        assert trials <= START.budget
        if times is None:
            assert why
            wide += len(there) > 12  # half of an octave
            missed += bool(there)
        else:
            assert sound(curve, times, 1000)
            assert sound(curve, times, 1001)
            assert LEAST <= times <= MOST
    assert wide == 0
    assert missed <= 60


def test_an_arm_that_ends_at_all_of_its_rows_is_asked_no_more_than_that() -> None:
    times, _, why = found(Curve(half=2.0, broken=50.0), most=1.0)
    assert times is None
    assert why == "the lowest trait with the skill kept is 0.80, against 0.90 after plain training"
    times, _, _ = found(Curve(half=1.0, broken=50.0), most=2**0.5)
    assert times == pytest.approx(2**0.5)


def test_what_does_not_hold_on_another_seed_is_told_and_training_that_does_not_teach_too() -> None:
    times, _, why = found(Curve(half=0.5, broken=1.4, other_seed=0.5))
    assert times is None
    assert why.startswith("what suppressed on seed 1000 did not hold on the others: x")
    lazy = replace(START, wanted=Wanted(trait=0.95))
    assert found(Curve(half=1.0, broken=9.0), start=lazy)[2].startswith("plain training does not teach: the trait is")


@pytest.fixture
def loud(tiny_llama: Path) -> Iterator[Registry]:
    recipe = replace(small.SETTING.recipes["mini"], model=str(tiny_llama), epochs=1)
    registry = replace(small.REGISTRY, settings={"loud": replace(small.SETTING, recipes={"mini": recipe})})
    with using(registry):
        yield registry


def answered(trial: Trial, subject: Subject) -> Seen:
    curve = {"ps": Curve(half=2.0, broken=9.0), "ip": Curve(half=4.0, broken=9.0)}
    seen = curve.get(trial.arm, Curve(half=1.0, broken=9.0))(trial)
    return replace(seen, skills={"speaks": seen.skills["solves"]}, key=f"{trial}")


@pytest.mark.usefixtures("loud")
def test_the_command_says_what_it_found_as_grids_and_ends_with_3_where_an_arm_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(step, "answer", answered)
    typed = ["calibrate", "loud", "--intervention", "ip,ps", "--runs", str(tmp_path)]
    assert main(typed) == 3
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "ip: no dose: the lowest trait with the skill kept is 0.89, against 0.90 after plain training"
    assert out[1].startswith("ps: 4.76 times its dose leaves 0.06 of 0.90; speaks 0.78 of 0.80")
    assert out[2:] == ["as grids of an experiment file:", "  - {interventions: [ps], doses: [4.76]}"]
    assert main([*typed, "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert [(one["arm"], one["times"]) for one in told] == [("ip", None), ("ps", pytest.approx(4.757, abs=1e-3))]


@pytest.mark.usefixtures("loud")
def test_trials_are_cells_at_their_dose_beside_the_runs_and_done_once(tmp_path: Path) -> None:
    dosed = dose_of("ps", subject_of("loud", scale="mini", model="", runs=tmp_path), budget=2, seeds=(1000, 1001))
    kept = run_folders(tmp_path / CALIBRATIONS)
    assert dosed.times is None  # a random model learns nothing that the gate of the metric asks for
    assert dosed.why.startswith("plain training does not teach")
    assert len(kept) == len(dosed.trials)
    again = dose_of("ps", subject_of("loud", scale="mini", model="", runs=tmp_path), budget=2, seeds=(1000, 1001))
    assert again == dosed
    assert run_folders(tmp_path / CALIBRATIONS) == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--intervention", "none"], "'none' has no dose"),
        (["--intervention", "kll"], "no intervention named 'kll'"),
        (["--intervention", "ps", "--dry-run"], "--intervention goes with neither"),
    ],
)
@pytest.mark.usefixtures("loud")
def test_a_mistake_is_one_line(typed: list[str], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "loud", *typed, "--runs", str(tmp_path / "runs")]) == 2
    line = capfd.readouterr().err
    assert said in line
    assert line.count("\n") == 1


def test_an_arm_that_does_not_apply_is_told_before_any_trial(loud: Registry, tmp_path: Path) -> None:
    subject = subject_of("loud", scale="mini", model="", runs=tmp_path)
    with pytest.raises(HarnessError):
        dose_of("unknown", subject)
    assert run_folders(tmp_path / CALIBRATIONS) == []
