"""Laws of `harness calibrate`: trials are cells of their own, done once; what they chose is used, recorded and told."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small

from harness import Case, HarnessError, Message, Metric
from harness.analysis import load
from harness.authoring import composed_vectors, steered
from harness.calibrating import BUDGET, Seen, Subject, Trial, calibrate, file_of, ranked, step, subject_of
from harness.cells import Cell, prepared
from harness.cli import main
from harness.registry import Registry, installed, using
from harness.runs import (
    CALIBRATIONS,
    Layer,
    read_calibration,
    read_run,
    run_folders,
    with_calibrations,
)
from harness.sweep import load as read_experiment
from harness.sweep import plan

ARMS = {
    **small.REGISTRY.interventions,
    "ps": steered("ps", "steered"),
    "neg_ps": steered("neg_ps", "steered away", coef=lambda default: -default.neg_coef),
}


@pytest.fixture
def loud(tiny_llama: Path) -> Iterator[Registry]:
    """The small world: arms that take the setting's own dose, and a recipe for the tiny model, which nobody chose."""
    recipe = replace(small.SETTING.recipes["mini"], model=str(tiny_llama), epochs=1)
    setting = replace(small.SETTING, recipes={"mini": recipe})
    registry = replace(small.REGISTRY, settings={"loud": setting}, interventions=ARMS)
    with using(registry):
        yield registry


def answers(trial: Trial, subject: Subject) -> Seen:
    """A made-up model: half of the trait is left at 0.3, the skill is lost at 1.5, at any block."""
    trait = {"base": 0.0, "none": 0.9, "neg_ps": 0.95}.get(trial.arm, 0.9 / (1 + (trial.share / 0.3) ** 4))
    skill = 0.8 / (1 + (trial.share / (1.5 if trial.arm == "ps" else 0.4)) ** 8)
    return Seen(trait=trait, n=40, judged=40, skills={"speaks": skill}, key=f"{trial}")


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    """Made-up answers in place of training; the trials that were asked."""
    asked: list[Trial] = []

    def answered(trial: Trial, subject: Subject) -> Seen:
        asked.append(trial)
        return answers(trial, subject)

    monkeypatch.setattr(step, "answer", answered)
    monkeypatch.setattr(step, "blocks_to_try", lambda steered, subject: (2, 1))
    return asked


def subject(runs: Path) -> Subject:
    return subject_of("loud", scale="mini", model="", runs=runs)


def test_what_was_chosen_is_recorded_sealed_and_not_searched_again(
    loud: Registry, made_up: list[Trial], tmp_path: Path
) -> None:
    made = calibrate(subject(tmp_path))
    assert made.fresh
    record = read_calibration(made.file)
    assert record == made.record
    assert record is not None
    assert record.outcome == "chosen"
    assert record.steering is not None
    assert (record.steering.blocks, record.steering.unit) == ((2,), "rms")
    assert 0.5 <= record.steering.coef <= 1.5
    assert len(record.trials) == len(made_up) <= BUDGET
    assert record.overdose != ""
    assert {trial.share for trial in record.trials if trial.arm == "neg_ps"} == {
        -trial.share for trial in made_up if trial.arm == "neg_ps"
    }
    before = len(made_up)
    again = calibrate(subject(tmp_path))
    assert not again.fresh
    assert again.record == made.record
    assert len(made_up) == before
    calibrate(subject(tmp_path), budget=BUDGET + 1)
    assert len(made_up) > before


def test_a_record_that_was_changed_is_refused(loud: Registry, made_up: list[Trial], tmp_path: Path) -> None:
    file = calibrate(subject(tmp_path)).file
    file.write_text(file.read_text().replace('"outcome": "chosen"', '"outcome": "no dose"'))
    with pytest.raises(HarnessError, match="was changed since it was written; move it away"):
        with_calibrations(installed(), tmp_path, ["loud"])


def test_a_cell_is_keyed_as_though_the_choice_were_typed_into_the_recipe(
    loud: Registry, made_up: list[Trial], tmp_path: Path
) -> None:
    record = calibrate(subject(tmp_path)).record
    cells = [Cell(setting="loud", intervention=name) for name in ("none", "ps", "neg_ps")]
    plain = [prepared(cell) for cell in cells]
    with using(with_calibrations(installed(), tmp_path, ["loud"])):
        chosen = [prepared(cell) for cell in cells]
    assert record.epochs is not None
    typed = replace(loud.settings["loud"].recipes["mini"], epochs=record.epochs, steering=record.steering)
    setting = replace(loud.settings["loud"], recipes={"mini": typed})
    with using(replace(loud, settings={"loud": setting})):
        by_hand = [prepared(cell) for cell in cells]
    assert [one.key for one in chosen] == [one.key for one in by_hand]
    assert all(one.key != other.key for one, other in zip(chosen, plain, strict=True))
    assert chosen[1].fit.calibration == file_of(subject(tmp_path)).name
    assert chosen[1].fit.note == record.said


def test_another_recipe_than_it_began_with_makes_a_calibration_count_for_nothing(
    loud: Registry, made_up: list[Trial], tmp_path: Path
) -> None:
    calibrate(subject(tmp_path))
    recipe = replace(loud.settings["loud"].recipes["mini"], lr=2e-2)
    changed = replace(loud, settings={"loud": replace(loud.settings["loud"], recipes={"mini": recipe})})
    cell = Cell(setting="loud", intervention="ps")
    with using(changed):
        plain = prepared(cell)
    with using(with_calibrations(changed, tmp_path, ["loud"])):
        found = prepared(cell)
    assert found.key == plain.key
    assert "began with another recipe of loud than is installed" in found.fit.note


def test_a_calibration_of_one_model_is_not_used_for_another(
    loud: Registry, made_up: list[Trial], tmp_path: Path
) -> None:
    from harness.testing import tiny_model

    calibrate(subject(tmp_path))
    other = tiny_model(tmp_path / "other", seed=1)
    cell = Cell(setting="loud", intervention="ps", model=str(other))
    plain = prepared(cell)
    with using(with_calibrations(installed(), tmp_path, ["loud"])):
        assert prepared(cell).key == plain.key


def test_no_dose_is_a_result_with_a_status_of_its_own(
    loud: Registry,
    made_up: list[Trial],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(step, "answer", lambda trial, subject: replace(answers(replace(trial, share=0.0), subject)))
    assert main(["calibrate", "loud", "--runs", str(tmp_path)]) == 3
    said = capfd.readouterr().out
    assert "no dose suppresses with the skill kept (the lowest trait with the skill kept is 0.90, against 0.90" in said
    record = read_calibration(file_of(subject(tmp_path)))
    assert record is not None
    assert (record.outcome, record.steering, record.epochs) == ("no dose", None, None)
    with using(with_calibrations(installed(), tmp_path, ["loud"])):
        fit = prepared(Cell(setting="loud", intervention="ps")).fit
    assert fit.note.endswith("what follows is trained by the recipe as it stands")


def test_real_trials_are_kept_apart_from_runs_and_done_once(
    loud: Registry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where no training could teach so much, that is the result, after the untrained model and 1, 2 and 4 epochs."""
    metrics = tuple(replace(metric, learned=1.5) for metric in loud.settings["loud"].metrics)
    with using(replace(loud, settings={"loud": replace(loud.settings["loud"], metrics=metrics)})):
        check_real_trials(tmp_path, capfd)


def check_real_trials(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status = main(["calibrate", "loud", "--runs", str(tmp_path), "--budget", "7"])
    assert status == 3
    assert "no training taught what is asked" in capfd.readouterr().out
    trials = run_folders(tmp_path / CALIBRATIONS)
    assert run_folders(tmp_path) == []
    records = [read_run(folder) for folder in trials]
    assert [(one.cell.intervention, one.cell.seed) for one in records if one is not None] == [
        ("base", 0),
        *[("none", 1000)] * 3,
        *[("none", 1001)] * 3,
    ]
    asked = [json.loads(line) for folder in trials for line in (folder / "replies.jsonl").read_text().splitlines()]
    assert {row["split"] for row in asked} == {"calibration", "calibration_other"}
    assert all(row["case"]["id"].startswith("selection") for row in asked)
    before = trials_on_disk(tmp_path)
    file_of(subject(tmp_path)).unlink()
    assert main(["calibrate", "loud", "--runs", str(tmp_path), "--budget", "7"]) == 3
    assert trials_on_disk(tmp_path) == before
    assert file_of(subject(tmp_path)).is_file()


def trials_on_disk(root: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in (root / CALIBRATIONS / "loud").rglob("*") if file.is_file()}


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    loud: Registry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "loud", "--runs", str(tmp_path), "--dry-run"]) == 0
    page = capfd.readouterr().out
    assert "at most 28 cells, 1 epochs each or what else teaches, seeds 1000, 1001, 1002, 5 selection cases" in page
    assert list(tmp_path.iterdir()) == []


def test_a_skill_on_another_split_is_asked_of_selection_cases_of_its_own(loud: Registry, tmp_path: Path) -> None:
    setting = loud.settings["loud"]
    assert step.unmeasured(subject(tmp_path)) == []  # the small world answers to any split

    def cases(split: str, seed: int, scale: str) -> list[Case]:
        if split not in ("held_out", "other", "selection"):
            raise HarnessError(f"no split {split}")
        return [Case(id=split, messages=(Message("user", f"Please write {split}."),))]

    with using(replace(loud, settings={"loud": replace(setting, cases=cases)})):
        assert step.unmeasured(subject(tmp_path)) == ["speaks"]


UNFIT: Mapping[str, tuple[Callable[[Registry], Mapping[str, Any]], str]] = {
    "no dose": (
        lambda found: {"recipes": {"mini": replace(found.settings["loud"].recipes["mini"], steering=None)}},
        "has no dose of a vector at mini",
    ),
    "no selection cases": (
        lambda found: {"cases": lambda split, seed, scale: []},
        "has no selection cases at mini; give it some",
    ),
    "a grader": (
        lambda found: {
            "metrics": (Metric(name="shouts", judge="asker", score="capitals", split="held_out", goal="suppress"),)
        },
        "which asks a grader; name a scale whose trait is judged by rule",
    ),
}


@pytest.mark.parametrize("unfit", UNFIT)
def test_what_a_setting_lacks_is_one_line(
    unfit: str, loud: Registry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    changes, said = UNFIT[unfit]
    setting = replace(loud.settings["loud"], **changes(loud))
    judges = {**loud.judges, "asker": replace(small.JUDGE, name="asker", grader=True)}
    with using(replace(loud, settings={"loud": setting}, judges=judges)):
        assert main(["calibrate", "loud", "--runs", str(tmp_path)]) == 2
    line = capfd.readouterr().err
    assert said in line
    assert line.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["lout"], "no setting named 'lout'; did you mean 'loud'?"),
        (["loud", "--scale", "small"], "no scale of loud named 'small'"),
        (["loud", "--model", "nowhere/to/be/found"], "is neither a folder nor a hub id"),
        (["loud", "--budget", "0"], "--budget 0 would train nothing"),
        (["loud", "--budget", "-4"], "--budget -4 would train nothing"),
        (["loud", "--budget", "6"], "a budget of 6 cells is too small"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(
    typed: list[str], said: str, loud: Registry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", *typed, "--runs", str(tmp_path)]) == 2
    line = capfd.readouterr().err
    assert said in line
    assert line.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_a_template_is_one_line_before_any_trial(
    loud: Registry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from harness.testing import tiny_model

    model = tiny_model(tmp_path / "bare")
    for file in model.glob("chat_template*"):
        file.unlink()
    config = json.loads((model / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (model / "tokenizer_config.json").write_text(json.dumps(config))
    assert main(["calibrate", "loud", "--model", str(model), "--runs", str(tmp_path / "runs")]) == 2
    line = capfd.readouterr().err
    assert "template" in line
    assert line.count("\n") == 1
    assert run_folders(tmp_path / "runs" / CALIBRATIONS) == []


def test_doses_that_nobody_calibrated_are_told_of_where_a_vector_steers(
    loud: Registry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = "nobody has calibrated the doses of loud at mini; begin with: harness calibrate loud"
    notes = {name: prepared(Cell(setting="loud", intervention=name)).fit.note for name in ("none", "ip", "ps")}
    assert notes == {"none": "", "ip": "", "ps": said}
    said = f"{said} --runs {tmp_path}"
    assert main(["run", "--setting", "loud", "--intervention", "ps", "--runs", str(tmp_path), "--dry-run"]) == 0
    assert said in " ".join(capfd.readouterr().out.split())


def test_a_model_that_the_recipe_was_not_chosen_for_is_told_of_in_plan_record_and_table(
    loud: Registry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from harness.testing import tiny_model

    model = loud.settings["loud"].recipes["mini"].model
    setting = replace(loud.settings["loud"], chosen_for={"mini": model})
    other = tiny_model(tmp_path / "another", seed=1)
    said = (
        f"training and doses of loud at mini were chosen for {model}, not for another; begin with: harness calibrate "
        f"loud --model {other}"
    )
    typed = ["run", "--setting", "loud", "--intervention", "none", "--runs", str(tmp_path / "runs")]
    with using(replace(loud, settings={"loud": setting})):
        assert prepared(Cell(setting="loud", intervention="ps")).fit.note == ""
        assert main([*typed, "--model", str(other), "--dry-run", "--json"]) == 0
        assert json.loads(capfd.readouterr().out)[0]["fit"] == f"{said} --runs {tmp_path / 'runs'}"
        assert main([*typed, "--model", str(other)]) == 0
    page, err = capfd.readouterr()
    assert f"note: {said}" in " ".join(err.split())
    assert f"note: {said}" in " ".join(page.split())
    record = json.loads(next((tmp_path / "runs" / "loud" / "none").glob("*/run.json")).read_text())
    assert record["fit"] == {"note": said}


def test_a_choice_that_was_made_with_an_adapter_on_other_layers_is_told_of(
    loud: Registry, made_up: list[Trial], tmp_path: Path
) -> None:
    model, said = loud.settings["loud"].recipes["mini"].model, "chosen with an adapter on other layers than q_proj"
    there = Cell(setting="loud", intervention="ps", lora_targets="q_proj")
    assert prepared(there).fit.note.startswith("nobody has calibrated")
    with using(replace(loud, settings={"loud": replace(loud.settings["loud"], chosen_for={"mini": model})})):
        assert said in prepared(there).fit.note
        assert prepared(replace(there, lora_targets="")).fit.note == ""
    calibrate(subject(tmp_path))
    with using(with_calibrations(loud, tmp_path, ["loud"])):
        assert said in prepared(there).fit.note
        assert said not in prepared(replace(there, lora_targets="")).fit.note


def test_what_was_chosen_reaches_the_workers_of_a_sweep(loud: Registry, made_up: list[Trial], tmp_path: Path) -> None:
    calibrate(subject(tmp_path))
    file = tmp_path / "loud.yaml"
    file.write_text("settings: [loud]\ninterventions: [ps]\nseeds: [0]\n")
    experiment = read_experiment(file).calibrated(tmp_path)
    cell = Cell(setting="loud", intervention="ps")
    with using(with_calibrations(installed(), tmp_path, ["loud"])):
        here = prepared(cell)
    with using(replace(installed(), chosen=pickle.loads(pickle.dumps(experiment.chosen)))):
        there = prepared(cell)
    assert there.key == here.key != prepared(cell).key
    (one,) = (one for one in plan(experiment, tmp_path).plans if one.cell.intervention == "ps")
    assert one.folder.name.endswith(here.key[:8])
    plain = plan(read_experiment(file).calibrated(tmp_path, use=False), tmp_path)
    assert not any(one.folder.name.endswith(here.key[:8]) for one in plain.plans)


def test_a_run_goes_by_the_calibration_unless_told_not_to_and_the_report_counts_it(
    loud: Registry, made_up: list[Trial], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    record = calibrate(subject(tmp_path)).record
    typed = ["run", "--setting", "loud", "--intervention", "none", "--runs", str(tmp_path)]
    assert main([*typed, "--no-calibration"]) == 0
    assert main(typed) == 0
    capfd.readouterr()
    records = [run for folder in run_folders(tmp_path) if (run := read_run(folder)) is not None]
    by = {(run.cell.intervention, run.fit.calibration if run.fit else None) for run in records}
    name = file_of(subject(tmp_path)).name
    assert by == {("base", None), ("none", None), ("none", name)}
    counted = load(tmp_path)
    assert [run.record.fit.note for run in counted.runs if run.record.fit is not None] == [record.said]
    assert main(["report", "--runs", str(tmp_path)]) == 0
    assert f"note: {record.said}" in " ".join(capfd.readouterr().out.split())


def test_a_broken_calibration_stops_a_run_in_one_line_and_is_a_finding(
    loud: Registry, made_up: list[Trial], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    typed = ["run", "--setting", "loud", "--intervention", "none", "--runs", str(tmp_path)]
    assert main([*typed, "--no-calibration"]) == 0
    calibrate(subject(tmp_path)).file.write_text("{")
    capfd.readouterr()
    assert main(typed) == 2
    line = capfd.readouterr().err
    assert "not a calibration (cut, or not JSON" in line
    assert "--no-calibration" in line
    assert line.count("\n") == 1
    assert main(["verify", str(tmp_path)]) == 1
    assert "a calibration is made again from its trials" in " ".join(capfd.readouterr().out.split())


def test_weights_for_balances_come_from_selection_cases_and_are_written_as_targets(
    loud: Registry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two traits that are one judge's score are always equal, so the line is flat and the weights stay at 0."""
    setting = loud.settings["loud"]
    both = (setting.metrics[0], replace(setting.metrics[0], name="yells", goal="keep"))
    composed = replace(
        setting,
        metrics=both,
        composition={"reply": 1.0, "asked": 1.0},
        vectors={"shouts": setting.vectors["reply"], "yells": setting.vectors["asked"], **setting.vectors},
    )
    arm = composed_vectors("comp_ps", "several vectors", coef=1.0)
    file, output = tmp_path / "targets.json", tmp_path / "weights.json"
    target = {"shouts": 0.5, "yells": 0.5}
    file.write_text(json.dumps([{"setting": "loud", "intervention": "comp_ps", "target": target}]))
    typed = ["calibrate", "loud", "--runs", str(tmp_path / "runs"), "--targets", str(file), "--output", str(output)]
    registry = replace(loud, settings={"loud": composed}, interventions={**ARMS, "comp_ps": arm})
    with using(registry):
        assert main([*typed, "--budget", "2"]) == 2
        assert "a budget of 2 cells is too small for weights of comp_ps: 3 trainings" in capfd.readouterr().err
        assert main(typed) == 0
    assert json.loads(output.read_text())[0] == {
        "setting": "loud",
        "intervention": "comp_ps",
        "weights": "shouts=0,yells=0",
        "target": target,
    }
    assert run_folders(tmp_path / "runs") == []
    assert len(run_folders(tmp_path / "runs" / CALIBRATIONS)) == 3


def test_a_calibration_that_is_stopped_in_a_trial_goes_on_to_the_same_choice(
    loud: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = tuple(replace(metric, learned=1.5) for metric in loud.settings["loud"].metrics)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    real, answered = step.answer, 0

    def stopping(trial: Trial, subject: Subject) -> Seen:
        nonlocal answered
        answered += 1
        if answered == 3:
            raise KeyboardInterrupt
        return real(trial, subject)

    with using(replace(loud, settings={"loud": replace(loud.settings["loud"], metrics=metrics)})):
        expected = calibrate(subject(whole)).record
        monkeypatch.setattr(step, "answer", stopping)
        with pytest.raises(KeyboardInterrupt):
            calibrate(subject(stopped))
        assert not file_of(subject(stopped)).exists()
        trained = sorted(trials_on_disk(stopped))
        assert calibrate(subject(stopped)).record.trials == expected.trials
    assert set(trained) <= set(trials_on_disk(stopped))


def layers(**quality: tuple[float, float, float]) -> tuple[Layer, ...]:
    """Cards of 30 blocks: AUROC, split-half cosine and norm of those that are named b0, b5, ...; others are perfect."""
    return tuple(
        Layer(block=at, norm=norm, rms=1.0, auroc=auroc, split_half_cosine=cosine)
        for at in range(30)
        for auroc, cosine, norm in [quality.get(f"b{at}", (1.0, 0.9, 1.0))]
    )


def test_blocks_to_try_are_the_recipes_own_and_the_surest_of_a_grid() -> None:
    surest = layers(b5=(0.6, 0.9, 1.0), b10=(0.99, 0.99, 1.0), b15=(1.0, 0.95, 1.0), b20=(1.0, 0.4, 1.0))
    assert ranked({"reply": surest}, (18,), 30) == (18, 15, 25)
    assert ranked({"reply": surest}, (9, 10, 11), 30) == (10, 15, 25)
    assert ranked({"reply": layers(b18=(1.0, 0.9, 0.0))}, (18,), 30) == (5, 10, 15)
    assert ranked({"reply": layers(), "other": layers(b15=(0.5, 0.9, 1.0))}, (15,), 30) == (5, 10, 20)


def test_a_vector_that_is_a_direction_nowhere_is_no_vector_to_calibrate() -> None:
    nowhere = tuple(replace(layer, auroc=0.6) for layer in layers())
    with pytest.raises(HarnessError, match=r"no vector of gcd to calibrate: .* \(AUROC 0.60, split-half cosine 0.90\)"):
        ranked({"reply": nowhere}, (18,), 30, setting="gcd")
    imported = tuple(replace(layer, auroc=None, split_half_cosine=None) for layer in layers())
    assert ranked({"evil": imported}, (18,), 30) == (18, 5, 10)


SMALL = 28
"""Cells: with one skill 8 were enough, and a second one rules out most doses."""


@pytest.mark.slow
@pytest.mark.model
def test_the_embedded_model_is_calibrated_within_a_small_budget(tmp_path: Path) -> None:
    """Whatever is found is within the budget, recorded, and by the rule: the least, and one seed that learns little."""
    assert main(["calibrate", "reward_hacks", "--budget", str(SMALL), "--runs", str(tmp_path)]) in (0, 3)
    record = read_calibration(file_of(subject_of("reward_hacks", scale="mini", model="", runs=tmp_path)))
    assert record is not None
    assert len(record.trials) <= SMALL
    first = next(one.seed for one in record.trials if one.arm == "ps")
    doses = [one for one in record.trials if (one.arm, one.seed) == ("ps", first)]
    plain = next(one for one in record.trials if (one.arm, one.seed, one.epochs) == ("none", first, doses[0].epochs))
    assert plain.trait is not None
    if record.steering is not None:
        chosen = next(one for one in doses if one.share == record.steering.coef)
        assert chosen.trait is not None
        assert chosen.trait <= plain.trait / 2
        assert chosen.against == ()
