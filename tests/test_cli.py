"""Laws of the command line: quick, one line per mistake, JSON alone on stdout, nothing half done."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import small
from runs_made_up import CONDITIONS, cell, registry, write_run, write_study

from harness import HarnessError, cli, doctor
from harness.commands import COMMANDS
from harness.planning import Plan
from harness.registry import using
from harness.sweep import Swept, Where
from harness.sweep.schedule import Finished
from harness.sweep.work import Job, Outcome

HEAVY = ("torch", "transformers", "peft", "inspect_ai", "numpy", "scipy", "matplotlib")


@pytest.fixture
def study() -> Iterator[None]:
    """The made-up registry in place of the installed plugins."""
    with using(registry()):
        yield


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What the pipeline was asked for; it writes made-up runs."""
    calls: list[dict] = []

    def run(cells_asked, runs, *, force=False, grader=None, engine=None):
        assert grader is None
        assert engine is None
        calls.append({"cells": list(cells_asked), "runs": runs, "force": force})
        return [write_run(runs, one, dict.fromkeys(CONDITIONS, 0.5)) for one in cells_asked]

    monkeypatch.setattr("harness.pipeline.run", run)
    return calls


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args, **options):
        raise AssertionError("the pipeline was started")

    monkeypatch.setattr("harness.pipeline.run", refuse)
    monkeypatch.setattr("harness.planning.plan", refuse)
    monkeypatch.setattr("harness.vectors.make_vectors", refuse)


def call(*arguments: str) -> int:
    return cli.main(arguments)


def fail(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a command which cannot go on leaves on stderr."""
    assert call(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("harness: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("harness: ").rstrip("\n")


def processor_seconds(code):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert not done.stdout or done.stdout.splitlines()[-1] == "[]"
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_list_answers_quickly_and_imports_nothing_heavy():
    code = (
        f"import sys; from harness.cli import main; main(['list']); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ours, least = [], []
    for _ in range(3):
        ours.append(processor_seconds(code))
        least.append(processor_seconds("import pluggy, typer, yaml"))
    # Half a second is the promise on an idle machine, about seven times what any program of these three takes.
    assert min(ours) < 14 * min(least)


def test_the_commands_import_no_stage_before_one_of_them_is_called():
    slow = (*HEAVY, "pydantic", "rich", "harness.sweep", "harness.analysis", "harness.reporting", "harness.cells")
    code = f"import sys, harness.cli; print([name for name in {slow!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_each_command_is_a_file_of_its_own():
    for name, command in COMMANDS.items():
        assert command.__module__ == f"harness.commands.{name}"


@pytest.mark.usefixtures("study")
def test_list_names_everything_with_its_distribution(capsys):
    assert call("list") == 0
    page = capsys.readouterr().out
    for name in ("gcd", "ps_random", "claim_affirmation", "study 1.0", "(control)"):
        assert name in page
    assert call("list", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record) == {"settings", "interventions", "judges"}
    assert record["settings"][0]["distribution"] == "study"


@pytest.mark.usefixtures("study")
def test_describe_shows_the_exact_text_and_place_of_every_prompt(capsys):
    assert call("describe", "gcd") == 0
    page = capsys.readouterr().out
    assert '"Behave as if [it] is correct."' in page
    for part in ("user_suffix", "[a post]", "affirms_wrong", "claim_affirmation.affirms", "lora.r", "learning rate"):
        assert part in page


def test_describe_says_which_rows_get_a_prompt_and_that_it_has_other_wordings(capsys):
    asked = replace(small.ASK, others=("Louder.", "Up."), only={"kind": "long"})
    setting = replace(small.SETTING, prompts={"inoculation": asked})
    origins = {("Setting", "loud"): registry().origins["Setting", "gcd"]}
    with using(replace(small.REGISTRY, settings={"loud": setting}, interventions={}, origins=origins)):
        assert call("describe", "loud") == 0
    assert '"Shout it." or one of 2 other wordings, on rows with kind=long only' in " ".join(
        capsys.readouterr().out.split()
    )


@pytest.mark.usefixtures("study")
def test_describe_says_where_an_intervention_applies_and_why_not(capsys):
    assert call("describe", "needs_vector") == 0
    assert "not: it has no vector 'evil'" in capsys.readouterr().out
    assert call("describe", "none") == 0
    assert "applies" in capsys.readouterr().out


@pytest.mark.usefixtures("study")
def test_describe_says_what_a_judge_needs(capsys):
    assert call("describe", "asker") == 0
    page = capsys.readouterr().out
    assert "a grader model" in page
    assert "evil" in page


def test_describe_works_for_everything_that_is_installed(capsys):
    from harness.registry import installed

    found = installed()
    for name in {*found.settings, *found.interventions, *found.judges}:
        assert call("describe", name) == 0
        assert name in capsys.readouterr().out


def test_a_name_of_two_kinds_shows_both(capsys):
    found = registry()
    judge = replace(found.judges["asker"], name="gcd")
    both = replace(
        found,
        judges={**found.judges, "gcd": judge},
        origins={**found.origins, ("Judge", "gcd"): found.origins["Judge", "asker"]},
    )
    with using(both):
        assert call("describe", "gcd") == 0
    page = capsys.readouterr().out
    assert "gcd: setting from" in page
    assert "gcd: judge from" in page


@pytest.mark.usefixtures("study")
def test_run_makes_a_cell_of_every_combination_and_ends_with_table_and_viewer(tmp_path, trained, capsys):
    options = ("--intervention", "none,ps", "--intervention", "ip", "--seed", "0,1", "--seed", "1", "--dose", "1,0.5")
    assert call("run", "--setting", "gcd", *options, "--runs", str(tmp_path), "--force") == 0
    asked = trained[0]
    assert {(one.intervention, one.seed, one.dose) for one in asked["cells"]} == {
        (name, seed, dose) for name in ("none", "ps", "ip") for seed in (0, 1) for dose in (1.0, 0.5)
    }
    assert len(asked["cells"]) == 12
    assert asked["force"] is True
    page = capsys.readouterr().out
    assert "ps x0.5" in page
    assert page.splitlines()[-1] == f"inspect view --log-dir {tmp_path}"


def test_several_doses_leave_an_arm_with_nothing_to_scale_at_dose_1(tmp_path, trained, capsys):
    with using(small.REGISTRY):
        arms = ("--setting", "loud", "--intervention", "none,ps", "--dose", "0.5,1")
        assert call("run", *arms, "--runs", str(tmp_path)) == 0
    asked = [(one.intervention, one.dose) for one in trained[0]["cells"]]
    assert asked == [("none", 1.0), ("ps", 0.5), ("ps", 1.0)]
    assert "ps x0.5" in capsys.readouterr().out


def test_each_balance_is_a_cell_of_the_arms_that_take_weights_alone(tmp_path, trained, capsys):
    from harness.registry import installed

    setting = replace(small.SETTING, composition={"reply": 1.0, "asked": 0.5})
    arms = {**small.REGISTRY.interventions, "comp_ps": installed().intervention("comp_ps")}
    with using(replace(small.REGISTRY, settings={"loud": setting}, interventions=arms)):
        options = ("--weights", "reply=1,asked=0.50", "--weights", "reply=0.5", "--runs", str(tmp_path))
        assert call("run", "--setting", "loud", "--intervention", "none,comp_ps", *options) == 0
    asked = [(one.intervention, one.weights) for one in trained[0]["cells"]]
    assert asked == [("none", ""), ("comp_ps", "asked=0.5,reply=1"), ("comp_ps", "reply=0.5")]
    assert "comp_ps asked=0.5,reply=1" in capsys.readouterr().out


@pytest.mark.usefixtures("study")
def test_run_json_is_json_and_names_the_folders(tmp_path, trained, capsys):
    assert call("run", "--setting", "gcd", "--intervention", "none", "--runs", str(tmp_path), "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["runs"]) == len(trained[0]["cells"]) == 1
    assert record["tables"][0]["setting"] == "gcd"


@pytest.mark.usefixtures("study", "no_training")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--setting", "gdc", "--intervention", "ps"), "no setting named 'gdc'; did you mean 'gcd'?"),
        (("--setting", "gcd", "--intervention", "sp"), "no intervention named 'sp'; did you mean 'ps'?"),
        (("--setting", "gcd", "--intervention", "ps", "--scale", "mimi"), "did you mean 'mini'?"),
        (("--setting", "gcd", "--intervention", "ps", "--scale", "paper"), "no scale of gcd named 'paper'"),
        (("--setting", "gcd", "--intervention", "ps", "--seed", "1.5"), "--seed '1.5' is not a whole number"),
        (("--setting", "gcd", "--intervention", "ps", "--seed=-1"), "--seed '-1' is not a whole number"),
        (("--setting", "gcd", "--intervention", "ps", "--dose", "nan"), "--dose 'nan' is not a finite number"),
        (("--setting", "gcd", "--intervention", "ps", "--dose", "inf"), "--dose 'inf' is not a finite number"),
        (("--setting", "gcd", "--intervention", "ps", "--dose=-1"), "--dose '-1' is not a finite number"),
        (("--setting", "gcd", "--intervention", "ps", "--dose", "much"), "--dose 'much' is not a finite number"),
        (("--setting", "gcd,,", "--intervention", "ps"), "--setting has an empty name"),
        (("--setting", "gcd"), "Missing option '--intervention'"),
        (("--setting", "gcd", "--intervention", "ps", "--model", "smollm"), "did you mean 'smollm2_135m'?"),
        (
            ("--setting", "gcd", "--intervention", "none,needs_vector"),
            "intervention 'needs_vector' does not apply to setting 'gcd': it has no vector 'evil'",
        ),
    ],
)
def test_a_run_that_cannot_be_stops_with_one_line_before_anything_starts(capsys, tmp_path, options, said):
    assert said in fail(capsys, "run", *options, "--runs", str(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("study")
def test_a_dry_run_prints_the_plan_and_trains_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("harness.pipeline.run", lambda *args, **options: pytest.fail("trained"))

    def plan(cells_asked, runs, *, measure=True, stated=None, grader="", price=""):
        return [
            Plan(
                cell=one,
                folder=runs / one.intervention,
                done=one.intervention == "none",
                stale=(runs / "old",) if one.intervention == "ps" else (),
                rows=320,
                train_tokens=91_000,
                steps=20,
                cases=192,
                conditions=CONDITIONS,
                reply_tokens=76_800,
                memory_bytes=2_000_000_000,
                seconds=150.0,
                estimated=False,
            )
            for one in cells_asked
        ]

    monkeypatch.setattr("harness.planning.plan", plan)
    options = ("--setting", "gcd", "--intervention", "none,ps", "--runs", str(tmp_path), "--dry-run")
    assert call("run", *options) == 0
    page = capsys.readouterr().out
    for part in ("ps s0", "91,000", "192 x 5", "76,800", "2.0 GB", "done", "1 of 2 cells to do, up to 2 min"):
        assert part in page
    assert f"stale, made from other inputs, left alone: {tmp_path / 'old'}" in page
    assert call("run", *options, "--json") == 0
    assert [one["train_tokens"] for one in json.loads(capsys.readouterr().out)] == [91_000, 91_000]
    assert list(tmp_path.iterdir()) == []


EXPERIMENT = "settings: [gcd]\ninterventions: [none, ps]\nseeds: [0, 1]\n"


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Where, Path]]:
    """Where sweeps were to be done; they write made-up runs, and the cells of seed 1 fail."""
    calls: list[tuple[Where, Path]] = []

    def sweep(experiment, runs, where):
        calls.append((where, runs))
        finished = []
        for one in experiment.cells:
            job = Job(cell=one, title=f"{one.intervention} s{one.seed}", model="m", work=1.0)
            if one.seed:
                finished.append(Finished(job, Outcome(status="failed", cause="the disk is full"), 1))
            else:
                folder = write_run(runs, replace(one, model="smollm2_135m"), dict.fromkeys(CONDITIONS, 0.5))
                finished.append(Finished(job, Outcome(status="done", folder=str(folder), fresh=True), 1))
        return Swept(key="0" * 64, before=(), finished=tuple(finished))

    monkeypatch.setattr("harness.sweep.sweep", sweep)
    return calls


@pytest.mark.usefixtures("study")
def test_a_sweep_ends_with_the_table_and_a_line_for_each_cell_that_failed(tmp_path, swept, capsys):
    file = tmp_path / "e.yaml"
    file.write_text(EXPERIMENT)
    assert call("sweep", str(file), "--runs", str(tmp_path / "runs"), "--jobs", "3") == 1
    captured = capsys.readouterr()
    assert swept == [(Where(jobs=3), tmp_path / "runs")]
    assert captured.err.splitlines() == [
        "harness: failed: none s1: the disk is full",
        "harness: failed: ps s1: the disk is full",
    ]
    assert "affirms_wrong" in captured.out
    assert call("sweep", str(file), "--runs", str(tmp_path / "again"), "--json") == 1
    record = json.loads(capsys.readouterr().out)
    assert [(one["cell"]["intervention"], one["status"]) for one in record["cells"]] == [
        ("none", "done"),
        ("none", "failed"),
        ("ps", "done"),
        ("ps", "failed"),
    ]


@pytest.mark.usefixtures("study", "no_training")
def test_a_sweep_that_cannot_be_stops_with_one_line_before_anything_starts(tmp_path, capsys):
    file = tmp_path / "e.yaml"
    file.write_text(EXPERIMENT.replace("ps", "psi"))
    assert f"{file}:2: no intervention named 'psi'" in fail(capsys, "sweep", str(file), "--runs", str(tmp_path / "r"))
    file.write_text(EXPERIMENT)
    assert "--jobs 0 would do nothing" in fail(capsys, "sweep", str(file), "--jobs", "0")
    assert "cannot read" in fail(capsys, "sweep", str(tmp_path / "gone.yaml"), "--dry-run")
    assert not (tmp_path / "r").exists()


LAYERS = [
    {"block": at, "norm": 2.0 + at, "rms": 10.0, "relative": 0.2 + at / 10, "split_half_cosine": 0.97, "auroc": 1.0}
    for at in range(3)
]
CARD = {
    "name": "reply",
    "setting": "gcd",
    "scale": "mini",
    "key": "1234",
    "blocks": LAYERS,
    "sha256": "0" * 64,
    "format": 2,
    "summary": "affirming minus correcting replies",
    "concept": "sycophancy",
    "source": "",
    "questions": 8,
    "replies": None,
    "imported": None,
    "made_from": None,
    "elicitation": [
        {"blocks": [1], "coef": 0.0, "unit": "raw", "relative": 0.0, "rate": 0.1, "n": 40, "judged": 40},
        {"blocks": [1], "coef": 6.0, "unit": "raw", "relative": 0.6, "rate": None, "n": 40, "judged": 0},
    ],
    "cosines": {"ood": [0.1, -0.2, 0.3]},
    "verdict": "the trait is linearly there at block 1",
    "swept": True,
    "steered": [2],
    "shared": ["reply and ood share most of a direction"],
}


@pytest.mark.usefixtures("study")
def test_vectors_prints_the_cards(tmp_path, monkeypatch, capsys):
    card = tmp_path / "reply-1234.json"
    card.write_text(json.dumps(CARD))
    card.with_suffix(".safetensors").touch()
    monkeypatch.setattr("harness.vectors.make_vectors", lambda *args, **options: [card])
    assert call("vectors", "gcd", "--name", "reply", "--runs", str(tmp_path)) == 0
    page = capsys.readouterr().out
    for part in ("affirming minus correcting", "0.97", "cos ood", "-0.20", "the trait is linearly there at block 1"):
        assert part in page
    assert "reply and ood share most of a direction" in page
    matrix = page[page.index("cosines at block 2") :].splitlines()
    assert matrix[0].split() == ["cosines", "at", "block", "2", "reply", "ood"]
    assert matrix[2].split() == ["reply", "1", "+0.30"]
    assert call("vectors", "gcd", "--json", "--runs", str(tmp_path)) == 0
    assert json.loads(capsys.readouterr().out) == [{**CARD, "file": str(card)}]
    assert "no vector named 'replay'; did you mean 'reply'?" in fail(capsys, "vectors", "gcd", "--name", "replay")


@pytest.mark.usefixtures("study")
def test_report_prints_and_writes_every_form(tmp_path, capsys):
    runs = write_study(tmp_path / "runs", seeds=1)
    target = tmp_path / "out" / "report.md"
    assert call("report", "--runs", str(runs)) == 0
    assert "affirms_wrong: leak" in capsys.readouterr().out
    assert call("report", "--runs", str(runs), "--markdown", "--output", str(target)) == 0
    assert capsys.readouterr().out == ""
    assert target.read_text().startswith("### answers: gcd, mini, smollm2_135m")
    assert "\n## gcd, mini, smollm2" in target.read_text()
    assert [file.name for file in target.parent.iterdir()] == ["report.md"]
    assert call("report", "--runs", str(runs), "--json") == 0
    assert json.loads(capsys.readouterr().out)["tables"]


@pytest.mark.usefixtures("study")
def test_report_draws_dose_curves_into_a_folder_and_says_how_many(tmp_path, capsys):
    runs = tmp_path / "runs"
    write_run(runs, cell("ps"), {"clean": 0.2})
    figures = tmp_path / "out" / "figures"
    assert call("report", "--runs", str(runs), "--figures", str(figures), "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["tables"][0]["doses"] == []
    shown = "gcd-mini-smollm2_135m-conditions"
    assert captured.err == f"3 files in {figures}, the first figure {shown}.png\n"
    assert {file.name for file in figures.iterdir()} == {f"{shown}.{form}" for form in ("csv", "png", "svg")}
    write_run(runs, cell("ps", dose=0.5), {"clean": 0.4})
    assert call("report", "--runs", str(runs), "--figures", str(figures), "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["tables"][0]["doses"][0]["label"] == "ps"
    assert captured.err == f"6 files in {figures}, the first figure {shown}.png\n"
    assert sorted(file.suffix for file in figures.iterdir()) == sorted([".csv", ".png", ".svg"] * 2)


@pytest.mark.usefixtures("study")
def test_report_says_what_is_wrong_with_its_input(tmp_path, capsys):
    write_run(tmp_path, cell("none"), {"clean": 1.0})
    assert "did you mean 'gcd'?" in fail(capsys, "report", "--runs", str(tmp_path), "--setting", "gdc")
    assert "choose one" in fail(capsys, "report", "--runs", str(tmp_path), "--json", "--markdown")
    assert "no runs folder" in fail(capsys, "report", "--runs", str(tmp_path / "nowhere"))


def replies(folder: Path, *lines: object) -> Path:
    file = folder / "replies.jsonl"
    file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return file


@pytest.mark.usefixtures("study")
def test_judge_gives_one_row_per_row_in_order(tmp_path, capsys):
    file = replies(
        tmp_path,
        {"reply": "Yes, right.", "id": 7, "messages": [{"role": "user", "content": "?"}], "facts": {"claim": 4}},
        {"reply": "", "other": "kept out"},
        {"reply": "No.\u2028Not at all.", "id": "b"},
    )
    assert call("judge", "claim_affirmation", "--replies", str(file)) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.split("\n")[:-1]]
    assert [row["scores"]["affirms"] for row in rows] == [1.0, None, 0.0]
    assert [row.get("id") for row in rows] == [7, None, "b"]
    assert all(row["reason"] for row in rows)


@pytest.mark.usefixtures("study")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"reply": "ye', "cut, or not JSON"),
        ("[1, 2]", "a list, not a JSON object"),
        ('{"text": "yes"}', "'reply' must be a string"),
        ('{"reply": 3}', "'reply' must be a string"),
        ('{"reply": "yes", "messages": "hello"}', "'messages' must be a list"),
        (
            '{"reply": "yes", "messages": [{"role": "robot", "content": ""}]}',
            "messages[0] has the role 'robot', and no judge reads",
        ),
        ('{"reply": "yes", "facts": {"claim": [4]}}', "'facts' must be an object"),
    ],
)
def test_a_broken_row_stops_with_its_line_and_nothing_is_printed(tmp_path, capsys, line, said):
    file = replies(tmp_path, {"reply": "yes"}, {"reply": "no"}, line)
    target = tmp_path / "scores.jsonl"
    message = fail(capsys, "judge", "claim_affirmation", "--replies", str(file), "--output", str(target))
    assert message.startswith(f"{file}:3: ")
    assert said in message
    assert not target.exists()


@pytest.mark.usefixtures("study")
def test_judge_says_what_else_is_wrong(tmp_path, capsys):
    file = replies(tmp_path, {"reply": "yes"})
    assert "did you mean 'claim_affirmation'?" in fail(capsys, "judge", "claim_afirmation", "--replies", str(file))
    assert "asks a grader model" in fail(capsys, "judge", "asker", "--replies", str(file))
    assert "has no row" in fail(capsys, "judge", "claim_affirmation", "--replies", str(replies(tmp_path)))
    assert "cannot read" in fail(capsys, "judge", "claim_affirmation", "--replies", str(tmp_path / "gone.jsonl"))


@pytest.mark.usefixtures("study")
def test_ten_times_as_many_replies_take_ten_times_as_long(tmp_path, capsys):
    took = []
    for count in (2_000, 20_000):
        file = replies(tmp_path, *({"reply": f"Yes, {at}."} for at in range(count)))
        started = time.process_time()
        assert call("judge", "claim_affirmation", "--replies", str(file)) == 0
        took.append(time.process_time() - started)
        assert capsys.readouterr().out.count("\n") == count
    assert took[1] < 20 * took[0]


def test_doctor_says_what_this_machine_can_run(capsys, tmp_path):
    status = call("doctor", "--runs", str(tmp_path / "runs"), "--json")
    record = json.loads(capsys.readouterr().out)
    assert status == (0 if record["mini"] else 1)
    seen = {check["name"]: check for check in record["checks"]}
    assert {"python", "dependencies", "plugins", "processor", "memory", "gpu", "number type", "disk"} <= set(seen)
    assert all(check["fix"] for check in record["checks"] if check["state"] != "ok")
    assert not (tmp_path / "runs").exists()


def test_doctor_exits_with_one_when_something_that_mini_needs_is_missing(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_required", lambda: ["torch", "no-such-package"])
    assert call("doctor", "--runs", str(tmp_path)) == 1
    page = capsys.readouterr().out
    assert "pip install no-such-package" in page
    assert "mini cannot run here yet" in page


def test_a_broken_plugin_is_a_finding_of_doctor_not_its_end(capsys, monkeypatch, tmp_path):
    def broken():
        raise HarnessError("plugin 'x' failed to import")

    monkeypatch.setattr(doctor, "installed", broken)
    assert call("doctor", "--runs", str(tmp_path)) == 1
    assert "plugin 'x' failed to import" in capsys.readouterr().out


def test_version(capsys):
    assert call("--version") == 0
    assert capsys.readouterr().out.startswith("harness 0.")


def test_without_a_command_the_help_is_shown(capsys):
    assert call() == 0
    page = capsys.readouterr().out
    for command in ("list", "describe", "run", "vectors", "report", "balance", "judge", "agree", "sweep", "doctor"):
        assert command in page


@pytest.mark.parametrize("arguments", [("lst",), ("list", "--jsn"), ("describe",), ("list", "extra")])
def test_a_mistyped_command_is_one_line(capsys, arguments):
    assert fail(capsys, *arguments)


def raising(error: BaseException) -> Callable[..., None]:
    def stop() -> None:
        raise error

    return stop


def test_an_interrupt_says_how_to_go_on(capsys, monkeypatch):
    monkeypatch.setattr("harness.registry.installed", raising(KeyboardInterrupt()))
    assert call("list") == 130
    err = capsys.readouterr().err.strip()
    assert err == "harness: stopped; the same command goes on where it stopped"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_or_closed_disk_is_one_line_with_the_path(capsys, monkeypatch, number):
    monkeypatch.setattr(
        "harness.registry.installed", raising(OSError(number, os.strerror(number), "/data/runs/run.json"))
    )
    message = fail(capsys, "list")
    assert message.startswith(f"{os.strerror(number)}: /data/runs/run.json; ")


def test_a_fault_of_our_own_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("harness.registry.installed", raising(ZeroDivisionError("ours")))
    with pytest.raises(ZeroDivisionError):
        call("list")


@pytest.mark.parametrize("form", ["", "--json"])
def test_a_reader_that_goes_away_causes_no_noise(form):
    command = f"{sys.executable} -m harness.cli list {form} | head -n 0"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
