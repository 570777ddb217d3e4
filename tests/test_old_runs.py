"""Laws of runs that were made before: they are read, reported, judged, merged and gone on with as ever.

old_runs/README.md says what is there. The expected figures are in old_runs/expected/, and `python
tests/test_old_runs.py` writes them anew. What a processor may round otherwise is compared as numbers.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import inspect_ai
import pytest
import small
from flattened import flat

# ---- everything of the harness that is used here
from harness import Case, Generation, InstructionPair, Judge, Message, Persona, Prompt, VectorSpec, Verdict
from harness.analysis import Results, load
from harness.cells import Cell, vector_key
from harness.claims import deviations, judge, read_claims
from harness.cli import main
from harness.contracts import Grader
from harness.engine import open_model
from harness.evaluation import inspect_task, open_run, read_log
from harness.evaluation.provider import respondent
from harness.judging import judges_of
from harness.models import resolve
from harness.pipeline import run
from harness.planning import plan
from harness.registry import Origin, installed, using
from harness.runs import merge, read_capabilities, read_run
from harness.vectors import ensure, import_vector, load_vector, make_vectors

# ----

HERE = Path(__file__).parent / "old_runs"
EXPECTED = HERE / "expected"
RUNS = Path("runs")
MODEL = "@MODEL@"
"""Stands in the records for the folder of the model, which is wherever the fixture was copied to."""


async def first(case: Case, reply: str, grader: Grader | None) -> Verdict:
    letters = [letter for letter in reply if letter.isalpha()]
    return Verdict(scores={"capitals": float(letters[0].isupper()) if letters else None}, reason="the first letter")


async def length(case: Case, reply: str, grader: Grader | None) -> Verdict:
    return Verdict(scores={"letters": float(len(reply))}, reason="counted")


async def shy(case: Case, reply: str, grader: Grader | None) -> Verdict:
    return Verdict(scores={"capitals": 0.25}, reason="always a quarter")


FIRST = Judge(name="first_letter", summary="is the first letter a capital", scores=("capitals",), grade=first)
LENGTH = Judge(name="length", summary="how long", scores=("letters",), grade=length)
SHY = replace(small.JUDGE, grade=shy, version="2")
MEANT = VectorSpec(
    summary="told to be loud minus told to be quiet",
    concept="shouting",
    persona=lambda scale: Persona(
        instructions=(
            InstructionPair(positive=small.ASK, negative=Prompt(text="Whisper it.", placement="user_suffix")),
        ),
        questions=tuple((Message("user", f"Say {word}."),) for word in small.WORDS[:3]),
        rollouts=2,
        max_tokens=6,
    ),
)
LOUD = replace(
    small.SETTING,
    # Sampled, since an untrained model of this size says one letter again and again.
    recipes={
        "mini": replace(
            small.SETTING.recipes["mini"],
            epochs=4,
            lr=3e-2,
            generation=Generation(max_tokens=12, temperature=1.0),
        )
    },
    metrics=tuple(replace(metric, learned=0.05) for metric in small.SETTING.metrics),
    checks={"capitals": "first_letter"},
    vectors={**small.SETTING.vectors, "meant": MEANT},
)
WORLD = replace(
    small.REGISTRY,
    settings={"loud": LOUD},
    judges={"capitals": small.JUDGE, "first_letter": FIRST, "length": LENGTH},
    origins={
        (type(one).__name__, one.name): Origin(one.name, "small", "small", "1")
        for one in (LOUD, small.JUDGE, FIRST, LENGTH, *small.INTERVENTIONS)
    },
)
"""The small world as these runs were made in it: with a second judge, a persona's vector, and replies that differ."""

FINISHED = (
    *(("base", 0, 1.0), ("none", 0, 1.0), ("none", 1, 1.0), ("none", 2, 1.0), ("ip", 0, 1.0), ("ps", 0, 1.0)),
    *(("ps", 0, 0.5), ("ps_zero", 0, 1.0)),
)
OLDER, WITH_LOGS = ("none", 2), (("none", 0), ("none", 2), ("ps", 0))


@dataclass(frozen=True)
class Old:
    """A copy of the fixture, which is the working directory: `runs` and `tiny`, the model."""

    at: Path

    @property
    def model(self) -> Path:
        return self.at / "tiny"

    def cell(self, intervention: str, seed: int = 0, dose: float = 1.0) -> Cell:
        return Cell(setting="loud", intervention=intervention, model=str(self.model), seed=seed, dose=dose)

    def folder(self, intervention: str, seed: int = 0, dose: float = 1.0) -> Path:
        part = "" if dose == 1 else f"d{dose:g}-"
        (found,) = (RUNS / "loud" / intervention).glob(f"mini-tiny-s{seed}-{part}????????")
        return found


def copied(to: Path) -> Old:
    shutil.copytree(HERE, to, ignore=shutil.ignore_patterns("expected", "README.md"))
    for file in (to / "runs").rglob("run.json"):
        file.write_text(file.read_text(encoding="utf-8").replace(MODEL, str(to / "tiny")), encoding="utf-8")
    return Old(to)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Old]:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    made = copied(tmp_path / "old")
    monkeypatch.chdir(made.at)
    with using(WORLD):
        yield made


def content(folder: Path) -> dict[str, bytes]:
    """Every file under `folder` but locks, by path."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.endswith(".lock")
    }


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def record(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "run.json").read_text(encoding="utf-8")))


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


# ---- what is said of them


def said(*arguments: str) -> str:
    """What a command prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(arguments) == 0
    return out.getvalue()


SAID: dict[str, Callable[[], str]] = {
    "report.json": lambda: said("report", "--json"),
    "report.csv": lambda: said("report", "--csv"),
    "report.md": lambda: said("report", "--markdown"),
    "report.txt": lambda: said("report", "--output", "report.txt") or Path("report.txt").read_text(encoding="utf-8"),
    "claims.json": lambda: said("claims", "--file", "claims.yaml", "--json"),
    "claims.md": lambda: said("claims", "--file", "claims.yaml", "--markdown"),
}


def parsed(name: str, text: str) -> dict[str, Any]:
    if name.endswith(".json"):
        return dict(flat(json.loads(text)))
    if name.endswith(".csv"):
        return dict(
            flat([{key: as_number(cell) for key, cell in row.items()} for row in csv.DictReader(io.StringIO(text))])
        )
    return {f"line {number}": line.rstrip() for number, line in enumerate(text.splitlines())}


def as_number(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell


@pytest.mark.parametrize("name", SAID)
def test_a_report_says_of_old_runs_what_it_said(old: Old, name: str) -> None:
    now, before = parsed(name, SAID[name]()), parsed(name, (EXPECTED / name).read_text(encoding="utf-8"))
    wrong = {
        key: (before.get(key), now.get(key))
        for key in {*now, *before}
        if now.get(key) != before.get(key)
        and not (
            isinstance(now.get(key), float) and now.get(key) == pytest.approx(before.get(key), rel=1e-9, abs=1e-12)
        )
    }
    assert not wrong


def test_every_finished_run_counts_and_the_others_are_told_of(old: Old) -> None:
    found = load(RUNS)
    assert {one.folder for one in found.runs} == {old.folder(*one) for one in FINISHED}
    assert set(found.unfinished) == {old.folder("ip", 1), old.folder("ps", 1)}
    assert found.stale == ()


def test_a_run_is_read_with_its_values_checks_origin_and_capabilities(old: Old) -> None:
    found = by_folder(load(RUNS))
    none = found[old.folder("none")]
    results = rows(none.folder / "results.jsonl")
    assert sum(len(values) for values in none.values.values()) == len(results) == 40
    assert [seen.value for seen in none.values["clean", "shouts"]] == [
        row["value"] for row in results if (row["condition"], row["metric"]) == ("clean", "shouts")
    ]
    assert len(none.checks) == 40
    assert {(one.task, one.condition, one.value) for one in none.capabilities} == {
        ("harness_basics", "clean", 0.28),
        ("harness_basics", "vector:reply@2", 0.25),
        ("harness_copying", "clean", 0.0),
    }
    assert none.record.seconds is not None
    assert none.record.hardware.processor == "made up"
    assert found[old.folder("ps")].record.steering.relative == record(old.folder("ps"))["steering"]["relative"]
    older = found[old.folder(*OLDER)]
    assert (older.cell.weights, older.cell.vector_grader) == ("", "")
    assert set(none.failed) == {name for name, gate in record(none.folder)["gates"].items() if not gate["ok"]}


def by_folder(results: Results) -> dict[Path, Any]:
    return {one.folder: one for one in results.runs}


def test_claims_that_were_locked_are_as_they_were_locked(old: Old) -> None:
    claims = read_claims(Path("claims.yaml"), WORLD)
    assert deviations(claims, RUNS) == ()
    assert len(judge(claims, load(RUNS), installed())) == 4
    text = Path("claims.yaml").read_text(encoding="utf-8")
    Path("claims.yaml").write_text(text.replace("smallest: 0.1", "smallest: 0.2"), encoding="utf-8")
    (found,) = deviations(read_claims(Path("claims.yaml"), WORLD), RUNS)
    assert found.what == "claim 'nothing_is_nothing' was changed after the lock"


def test_a_page_shows_old_runs_with_their_verdicts_and_vectors(old: Old) -> None:
    for file in (RUNS / "vectors").glob("evil-*"):
        file.unlink()
    assert main(["report", "--html", "page.html", "--claims", "claims.yaml"]) == 0
    page = Path("page.html").read_text(encoding="utf-8")
    for text in ("ps x0.5", "ps_zero", "harness_basics", "nothing_is_nothing", "loud minus quiet"):
        assert text in page, text


def test_a_page_shows_an_imported_vector(old: Old) -> None:
    assert main(["report", "--html", "page.html"]) == 0
    assert "imported from evil.pt" in Path("page.html").read_text(encoding="utf-8")


def test_transcripts_go_beside_a_page(old: Old) -> None:
    for file in (RUNS / "vectors").glob("evil-*"):
        file.unlink()
    assert main(["report", "--html", "page.html", "--bundle"]) == 0
    assert [file for file in old.at.glob("page*") if file.is_dir()]


# ---- judging again


def test_judging_old_runs_again_changes_no_byte_of_their_results(old: Old) -> None:
    before, records = content(RUNS), [read_run(old.folder(*one)) for one in FINISHED]
    assert main(["rejudge", "runs"]) == 0
    after = content(RUNS)
    lacking = f"{old.folder(*OLDER).relative_to(RUNS).as_posix()}/replies.jsonl"
    assert {name for name in changed(before, after) if not name.endswith("run.json")} == {lacking}
    assert after[lacking] == (EXPECTED / "older-replies.jsonl").read_bytes()
    for one, then in zip(FINISHED, records, strict=True):
        now = read_run(old.folder(*one))
        assert now is not None
        assert now.logs_show
        assert replace(now, logs_show="", format=1) == then


def test_a_raised_judge_judges_old_replies_anew(old: Old) -> None:
    with using(replace(WORLD, judges={**WORLD.judges, "capitals": SHY})):
        assert main(["rejudge", "runs"]) == 0
    for one in FINISHED:
        folder = old.folder(*one)
        assert {row["value"] for row in rows(folder / "results.jsonl")} == {0.25}
        assert {tuple(row["first"].values()) for row in rows(folder / "checks.jsonl")} == {(0.25,)}
        made = record(folder)
        assert made["judges"]["capitals"] == "2"
        assert made["gates"]["judge_could_tell"] == {
            "ok": True,
            "seen": "1.000",
            "wanted": "at least 0.9 of the replies in clean",
        }
        assert ("learned_shouts" in made["gates"]) == (one[0] == "none")


def test_a_judge_beside_the_results_says_what_it_said(old: Old) -> None:
    before = content(RUNS)
    assert main(["rejudge", "runs", "--judge", "length"]) == 0
    after = content(RUNS)
    kept = [name for name in before if "/judgements/" in name]
    assert len(kept) == 2
    assert all(before[name] == after[name] for name in kept)
    assert sum("/judgements/" in name for name in after) == len(FINISHED)


@pytest.mark.parametrize("one", WITH_LOGS, ids=str)
def test_an_old_log_holds_the_scores_of_the_results(old: Old, one: tuple[str, int]) -> None:
    folder = old.folder(*one)
    logs = sorted((folder / "logs").glob("*.eval"))
    assert len(logs) == 4
    told = {
        (log.eval.metadata["condition"], sample.metadata["case"], sample.epoch, name): value
        for log in map(read_log, logs)
        for sample in log.samples
        for one in judges_of(LOUD, installed())
        if not one.second_of and one.split == sample.metadata["split"]
        for name, value in sample.scores[one.name].value.items()
    }
    results = rows(folder / "results.jsonl")
    assert told == {(row["condition"], row["case"], row["sample"], row["metric"]): row["value"] for row in results}


RESULT = ("condition", "split", "case", "cluster", "sample", "metric", "judge", "score", "value")
"""The columns of results.jsonl, in their order."""


def test_results_have_the_columns_that_they_always_had(old: Old) -> None:
    for one in FINISHED:
        assert all(tuple(row) == RESULT for row in rows(old.folder(*one) / "results.jsonl"))


def test_two_judges_are_compared_on_old_replies(old: Old) -> None:
    told = json.loads(said("agree", "capitals", "first_letter", "--runs", "runs", "--json"))
    assert told["replies"] == sum(len(rows(old.folder(*one) / "results.jsonl")) for one in FINISHED)
    assert [one["score"] for one in told["scores"]] == ["capitals"]


# ---- merging


def test_old_runs_are_merged_once_and_are_then_the_same(old: Old) -> None:
    merged = old.at / "merged"
    done = merge([RUNS], merged)
    left = {old.folder("ip", 1), old.folder("ps", 1), RUNS / "claims.lock.json"}
    assert {one.source for one in done if one.outcome == "skipped"} == left
    assert {one.outcome for one in done} == {"copied", "skipped"}
    there, here = content(merged), content(RUNS)
    assert all(there[name] == here[name] for name in there)
    assert {Path(name).parent for name in there} >= {old.folder(*one).relative_to(RUNS) for one in FINISHED}
    assert {one.outcome for one in merge([RUNS], merged)} == {"same", "skipped"}
    assert content(merged) == there
    assert main(["merge", "runs", "--into", "merged"]) == 0
    assert said("report", "--runs", "merged", "--csv") == said("report", "--csv")


# ---- going on


def test_finished_old_runs_are_found_and_left_as_they_are(old: Old) -> None:
    before = content(RUNS)
    stamps = {file: file.stat().st_mtime_ns for file in RUNS.rglob("*") if file.is_file()}
    cells = [old.cell(*one) for one in FINISHED]
    assert all(one.done for one in plan(cells, RUNS, measure=False))
    assert run(cells, RUNS) == [old.folder(*one) for one in FINISHED]
    assert content(RUNS) == before
    assert all(file.stat().st_mtime_ns == stamp for file, stamp in stamps.items())


def test_an_old_run_that_was_killed_while_evaluating_is_finished_with_the_logs_that_it_has(old: Old) -> None:
    folder = old.folder("ip", 1)
    before, missing = content(folder), "logs/vector-reply@2.eval"
    assert run([old.cell("ip", 1)], RUNS) == [folder]
    after = content(folder)
    assert {*after} - {*before} == {missing, "replies.jsonl", "results.jsonl", "checks.jsonl"}
    assert changed(before, after) == ({*after} - {*before}) | {"run.json"}
    made, whole = rows(folder / "results.jsonl"), rows(EXPECTED / "killed-results.jsonl")
    assert [row for row in made if row["condition"] != "vector:reply@2"] == [
        row for row in whole if row["condition"] != "vector:reply@2"
    ]
    assert [{**row, "value": 0} for row in made] == [{**row, "value": 0} for row in whole]
    assert record(folder)["status"] == "done"


def test_an_old_run_that_was_killed_while_training_goes_on_from_its_checkpoint(old: Old) -> None:
    folder = old.folder("ps", 1)
    losses = (folder / "loss.jsonl").read_text(encoding="utf-8").splitlines()
    assert (len(losses), (folder / "adapter").exists()) == (9, False)
    assert run([old.cell("ps", 1)], RUNS) == [folder]
    now = (folder / "loss.jsonl").read_text(encoding="utf-8").splitlines()
    assert now[:8] == losses[:8]
    assert len(now) == 16
    assert not (folder / "checkpoint.safetensors").exists()
    made = record(folder)
    assert made["status"] == "done"
    assert made["gates"]["steered_every_step"]["seen"] == "16 of 16 steps"
    assert len(rows(folder / "results.jsonl")) == 40


def test_the_model_of_an_old_run_is_opened_with_its_adapter_and_vectors(old: Old) -> None:
    folder = old.folder("ps")
    engine = open_run(folder)
    assert engine.vectors is not None
    (file,) = (RUNS / "vectors").glob("reply-*.safetensors")
    assert bool((engine.vectors("reply").value == load_vector(file).value).all())
    assert engine.digest == ""
    assert engine.block_count == 3
    source = respondent(folder)
    assert source.source.digest == record(folder)["key"][:12]
    assert (source.scale, source.generation) == ("mini", Generation(max_tokens=12, temperature=1.0))
    assert source.steering is not None
    assert source.steering.blocks == (1,)


@pytest.mark.parametrize("one", [("base", 0), OLDER], ids=str)
def test_inspect_evaluates_the_model_of_an_old_run(old: Old, one: tuple[str, int]) -> None:
    folder = old.folder(*one)
    inspect_task(LOUD)
    asked = {"condition": "prompt:inoculation"}
    (log,) = inspect_ai.eval(
        "harness/loud",
        model=f"harness/{folder}",
        task_args=asked,
        log_dir=str(old.at / "own"),
        display="none",
        ctl_server=False,
    )
    assert log.status == "success"
    assert log.eval.model == f"harness/{folder}@{record(folder)['key'][:12]}"


# ---- vectors and the rest


def test_old_vectors_are_found_and_not_made_again(old: Old) -> None:
    before = content(RUNS / "vectors")
    files = make_vectors("loud", RUNS, model=str(old.model))
    assert {file.with_suffix(".json").name for file in files} == {
        name for name in before if name.endswith(".json") and not name.startswith("evil")
    }
    after = content(RUNS / "vectors")
    assert {*after} == {*before}
    assert all(name.endswith(".json") for name in changed(before, after))
    for name in changed(before, after):
        now, then = dict(flat(json.loads(after[name]))), dict(flat(json.loads(before[name])))
        for key, value in then.items():
            assert now[key] == (pytest.approx(value, rel=1e-5, abs=1e-6) if isinstance(value, float) else value), key
        assert {key: now[key] for key in now.keys() - then.keys()} == {
            "format": 2,
            "imported": None,
            "made_from": None,
            "seal": now["seal"],
        }


def test_a_vector_is_made_again_of_the_replies_that_were_kept(old: Old) -> None:
    (file,) = (RUNS / "vectors").glob("meant-*.safetensors")
    (replies,) = (RUNS / "vectors" / "rollouts").glob("replies-*.jsonl")
    before, value = replies.read_bytes(), load_vector(file).value
    for one in (file, file.with_suffix(".json")):
        one.unlink()
    model, recipe = resolve(str(old.model)), LOUD.recipe("mini")
    key = vector_key(LOUD, "meant", scale="mini", model=model, dtype="fp32", recipe=recipe)
    assert ensure(open_model(model, dtype="fp32"), LOUD, "mini", RUNS, {"meant": key}) == {"meant": file}
    assert replies.read_bytes() == before
    assert load_vector(file).value.flatten().tolist() == pytest.approx(value.flatten().tolist(), abs=1e-5)


def test_a_vector_is_imported_to_the_same_file_again(old: Old) -> None:
    (file,) = (RUNS / "vectors").glob("evil-*.safetensors")
    value = load_vector(file).value
    file.unlink()
    assert import_vector(Path("evil.pt"), "evil", "loud", RUNS, model=str(old.model)) == file
    assert bool((load_vector(file).value == value).all())


def test_capabilities_of_another_run_stay_in_the_file(old: Old) -> None:
    found = read_capabilities(old.folder("none"))
    key = record(old.folder("none"))["key"]
    assert [(row.task, row.condition, row.key == key) for row in found] == [
        ("harness_basics", "clean", True),
        ("harness_copying", "clean", True),
        ("harness_basics", "vector:reply@2", True),
        ("harness_basics", "clean", False),
    ]


def test_the_world_of_the_old_runs_is_listed(old: Old) -> None:
    listed = said("list")
    assert all(name in listed for name in ("loud", "ps_zero", "first_letter"))


def write_expected() -> None:
    """Writes what is said of the old runs now into `EXPECTED`."""
    with tempfile.TemporaryDirectory() as folder, using(WORLD):
        os.environ.update(HARNESS_CACHE=f"{folder}/cache", HARNESS_PROGRESS="0")
        made = copied(Path(folder).resolve() / "old")
        os.chdir(made.at)
        EXPECTED.mkdir(exist_ok=True)
        for name, say in SAID.items():
            (EXPECTED / name).write_text(say(), encoding="utf-8")
        said("rejudge", "runs")
        shutil.copyfile(made.folder(*OLDER) / "replies.jsonl", EXPECTED / "older-replies.jsonl")


if __name__ == "__main__":
    write_expected()
