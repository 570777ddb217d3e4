"""Trackers are told what the files say, once each, and nothing that they do costs a run anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import small

from harness import Case, Verdict, tracking
from harness.analysis import load_run
from harness.cells import Cell
from harness.cli import main
from harness.contracts import Grader
from harness.pipeline import run
from harness.registry import using
from harness.sweep.work import Job, World, do
from harness.tracking import TRACKERS, About
from harness.training.loop import train

REAL = {
    "wandb": {"WANDB_MODE": "offline", "WANDB_SILENT": "true"},
    "mlflow": {"MLFLOW_ALLOW_FILE_STORE": "true"},
    "trackio": {},
}


@dataclass
class Book:
    """What a tracker was told: of each cell what it is, its steps, and how it ended."""

    cells: list[About] = field(default_factory=list)
    steps: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)
    ends: list[tuple[Mapping[str, float], bool]] = field(default_factory=list)
    fails_at: str = ""

    def of(self, about: About) -> Any:
        self._perhaps_fail("open")
        self.cells.append(about)
        return self

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._perhaps_fail("log")
        self.steps.append((step, values))

    def end(self, values: Mapping[str, float], *, whole: bool) -> None:
        self._perhaps_fail("end")
        self.ends.append((values, whole))

    def _perhaps_fail(self, at: str) -> None:
        if at == self.fails_at:
            raise OSError("the line is dead")


async def length(case: Case, reply: str, grader: Grader | None) -> Verdict:
    """What can be told of the replies of a random model, unlike capitals."""
    return Verdict(scores={"capitals": len(reply) % 7 / 7})


WORLD = replace(
    small.REGISTRY, judges={name: replace(judge, grade=length) for name, judge in small.REGISTRY.judges.items()}
)


@pytest.fixture(autouse=True)
def _small_world() -> Iterator[None]:
    with using(WORLD):
        yield


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Book:
    """A tracker called json, a module that is always there."""
    kept = Book()
    monkeypatch.setitem(TRACKERS, "json", kept.of)  # type: ignore[arg-type]
    return kept


def ps(model: Path) -> Cell:
    return Cell(setting="loud", intervention="ps", model=str(model))


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "loss.jsonl").read_text().splitlines()]


def test_it_is_told_each_step_its_speed_and_the_results_of_each_cell(
    book: Book, tiny_llama: Path, tmp_path: Path
) -> None:
    with tracking.to("json"):
        (folder,) = run([ps(tiny_llama)], tmp_path)
    base, trained = book.cells
    assert (base.config["arm"], trained.config["arm"], trained.title) == ("base", "ps", "loud/ps s0")
    assert trained.config["recipe.lora.r"] == 4
    assert trained.config["key"] == trained.key == json.loads((folder / "run.json").read_text())["key"]
    assert [step for step, _ in book.steps] == list(range(1, 9))
    for line, (_, values) in zip(lines(folder), book.steps, strict=True):
        assert {name: values[name] for name in ("loss", "lr", "tokens")} == {
            name: line[name] for name in ("loss", "lr", "tokens")
        }
        assert values["tokens_per_second"] > 0
    assert [whole for _, whole in book.ends] == [True, True]
    ended = book.ends[-1][0]
    found = load_run(folder).values
    assert {name for name in ended if not name.startswith("train/")} == {"/".join(at) for at in found}
    judged = [seen.value for seen in found["clean", "shouts"] if seen.value is not None]
    assert ended["clean/shouts"] == pytest.approx(sum(judged) / len(judged))
    assert ended["train/tokens"] == sum(line["tokens"] for line in lines(folder))
    with tracking.to("json"):
        run([ps(tiny_llama)], tmp_path)
    assert len(book.cells) == 2  # nothing was left to do


class Stop(BaseException):
    """What nothing catches."""


@dataclass
class StopsAtTheFifth(Book):
    """A tracker whose process is stopped in the fifth step, after it was told."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        super().log(values, step)
        if step == 5:
            raise Stop


def test_after_a_stop_each_step_is_told_once_and_the_stop_is_told_as_one(
    book: Book, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = StopsAtTheFifth()
    monkeypatch.setitem(TRACKERS, "json", first.of)  # type: ignore[arg-type]
    monkeypatch.setitem(train.__kwdefaults__, "checkpoint_seconds", 0.0)
    with pytest.raises(Stop), tracking.to("json"):
        run([ps(tiny_llama)], tmp_path)
    assert first.ends[-1] == ({}, False)
    monkeypatch.setitem(TRACKERS, "json", book.of)  # type: ignore[arg-type]
    with tracking.to("json"):
        run([ps(tiny_llama)], tmp_path)
    assert [step for step, _ in (*first.steps, *book.steps)] == list(range(1, 9))
    assert book.cells[-1].key == first.cells[-1].key
    assert book.ends[-1][1]


@pytest.mark.parametrize("at", ["open", "log", "end"])
def test_a_tracker_that_fails_costs_the_run_nothing_and_is_told_of_in_a_line(
    at: str, book: Book, tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (without,) = run([ps(tiny_llama)], tmp_path / "without")
    book.fails_at = at
    with tracking.to("json"):
        (folder,) = run([ps(tiny_llama)], tmp_path / "with")
    weights = "adapter/adapter_model.safetensors"
    assert (folder / weights).read_bytes() == (without / weights).read_bytes()
    assert (folder / "results.jsonl").read_bytes() == (without / "results.jsonl").read_bytes()
    said = " ".join(capsys.readouterr().err.split())
    assert "json is told no more of this cell, which goes on (OSError: the line is dead)" in said


def test_one_that_is_unknown_or_not_installed_is_a_line_before_any_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", "--setting", "gcd_sycophancy", "--intervention", "none", "--runs", str(tmp_path / "runs")]
    assert main([*words, "--track", "wandbb"]) == 2
    assert "'wandbb'" in (said := capsys.readouterr().err)
    assert "'wandb'" in said
    monkeypatch.setattr("harness.tracking.following.find_spec", lambda name: None)
    assert main([*words, "--track", "mlflow"]) == 2
    assert "pip install mlflow" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_workers_of_a_sweep_tell_it_too(book: Book, tiny_llama: Path, tmp_path: Path) -> None:
    world = World(root=tmp_path, threads=1, tracker="json", plugins=lambda: WORLD)
    job = Job(cell=ps(tiny_llama), title="", model="", work=1.0)
    assert do(job, world).status == "done"
    assert [about.config["arm"] for about in book.cells] == ["ps"]
    assert len(book.steps) == 8


@pytest.mark.parametrize("name", REAL)
def test_the_real_clients_take_it(name: str, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec(name) is None:
        pytest.skip(f"the client {name} is not installed")
    monkeypatch.chdir(tmp_path)
    places = {
        "WANDB_DIR": str(tmp_path / "kept"),
        "MLFLOW_TRACKING_URI": (tmp_path / "kept").as_uri(),
        "TRACKIO_DIR": str(tmp_path / "kept"),
    }
    for variable, value in {**places, **REAL[name]}.items():
        monkeypatch.setenv(variable, value)
    (tmp_path / "kept").mkdir()
    with tracking.to(name):
        (folder,) = run([ps(tiny_llama)], tmp_path / "runs")
    assert _seen(name, tmp_path / "kept", folder) == [line["loss"] for line in lines(folder)]


def _seen(name: str, kept: Path, folder: Path) -> list[float]:
    """The losses that the tracker has of the run in `folder`."""
    key = json.loads((folder / "run.json").read_text())["key"]
    if name == "mlflow":
        from mlflow import MlflowClient

        client = MlflowClient()
        (at,) = client.search_experiments(filter_string="name = 'trait-harness'")
        (one,) = client.search_runs([at.experiment_id], f"tags.`harness.key` = '{key}'")
        assert one.info.status == "FINISHED"
        assert any(metric.startswith("clean/") for metric in one.data.metrics)
        return [metric.value for metric in client.get_metric_history(one.info.run_id, "loss")]
    if name == "trackio":
        import sqlite3

        with sqlite3.connect(kept / "trait-harness.db") as base:
            rows = base.execute(
                "select metrics from metrics where run_name = ? order by step", [f"loud/ps s0 {key[:8]}"]
            )
            return [found["loss"] for (text,) in rows if "loss" in (found := json.loads(text))]
    (file,) = kept.glob(f"wandb/offline-run-*/run-{key[:16]}.wandb")
    content = file.read_bytes()  # texts of JSON, one after the other
    return [line["loss"] for line in lines(folder) if json.dumps(line["loss"]).encode() in content]
