"""Laws of a run: what it leaves, that it goes on after a kill, that nothing old is mixed in."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import small
import torch
from safetensors.torch import load_file

from harness import Condition, HarnessError, Intervention
from harness.cells import Cell, grid, log_name, prepare
from harness.pipeline import run
from harness.planning import plan
from harness.registry import Registry, using


@pytest.fixture(autouse=True)
def _small_world() -> Iterator[None]:
    with using(small.REGISTRY):
        yield


@pytest.fixture(scope="module")
def trained(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder in which every arm has run once."""
    root = tmp_path_factory.mktemp("runs")
    with using(small.REGISTRY):
        run([cell(tiny_llama, one.name) for one in small.INTERVENTIONS], root)
    return root


def cell(model: Path, intervention: str, **changes: object) -> Cell:
    return replace(Cell(setting="loud", intervention=intervention, model=str(model)), **changes)  # type: ignore[arg-type]


def only(root: Path, intervention: str) -> Path:
    (folder,) = (root / "loud" / intervention).glob("mini-*")
    return folder


def results(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_a_run_leaves_its_rows_losses_adapter_logs_and_results(trained: Path) -> None:
    folder = only(trained, "ip")
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "done"
    assert folder.name.endswith(record["key"][:8])
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    assert all(row["messages"][0]["content"].endswith("Shout it.") for row in rows)
    losses = [json.loads(line) for line in (folder / "loss.jsonl").read_text().splitlines()]
    assert [one["step"] for one in losses] == list(range(1, 9))
    assert record["steps"]["train"]["tokens"] == sum(one["tokens"] for one in losses)
    assert {path.name for path in (folder / "logs").iterdir()} == {
        log_name(Condition.parse(text)) for text in small.SETTING.conditions["mini"]
    }
    assert not (folder / "checkpoint.safetensors").exists()
    assert len(results(folder)) == 4 * (5 + 5)


def test_the_base_model_is_evaluated_once_and_never_trained(trained: Path) -> None:
    folder = only(trained, "base")
    assert not (folder / "adapter").exists()
    assert not (folder / "train.jsonl").exists()
    assert len(results(folder)) == 40


def test_steering_by_nothing_trains_the_same_adapter_bit_for_bit(trained: Path) -> None:
    plain = load_file(only(trained, "none") / "adapter" / "adapter_model.safetensors")
    zero = load_file(only(trained, "ps_zero") / "adapter" / "adapter_model.safetensors")
    steered = load_file(only(trained, "ps") / "adapter" / "adapter_model.safetensors")
    assert all(bool((plain[name] == zero[name]).all()) for name in plain)
    assert any(bool((plain[name] != steered[name]).any()) for name in plain)
    assert results(only(trained, "none")) == results(only(trained, "ps_zero"))


def test_a_steered_run_records_what_was_added_and_that_every_step_was(trained: Path) -> None:
    record = json.loads((only(trained, "ps_random") / "run.json").read_text())
    assert record["steering"]["expression"] == "random(reply)"
    assert record["steering"]["blocks"] == [1]
    assert record["steering"]["relative"] > 0
    assert record["gates"]["steered_every_step"] == {"ok": True, "seen": "8 of 8 steps", "wanted": "every step"}
    assert "learned_shouts" not in record["gates"]
    assert "learned_shouts" in json.loads((only(trained, "none") / "run.json").read_text())["gates"]


def test_a_finished_run_is_not_touched_again(trained: Path, tiny_llama: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*") if path.is_file()}
    run([cell(tiny_llama, "none"), cell(tiny_llama, "ps")], trained)
    after = {path: path.stat().st_mtime_ns for path in trained.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "deleted-by-hand"])
def test_a_deleted_step_alone_is_done_again_with_the_same_result(
    trained: Path, tiny_llama: Path, tmp_path: Path, killed: bool
) -> None:
    root = tmp_path / "runs"
    shutil.copytree(trained, root)
    folder = only(root, "none")
    (folder / ".results.jsonl.123.part").write_text("half a")
    before = (folder / "results.jsonl").read_bytes()
    adapter = (folder / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns
    (folder / "results.jsonl").unlink()
    (folder / "logs" / "clean.eval").unlink()
    if killed:
        mark_running(folder)
    assert not plan([cell(tiny_llama, "none")], root, measure=False)[0].done
    run([cell(tiny_llama, "none")], root)
    assert (folder / "results.jsonl").read_bytes() == before
    assert (folder / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns == adapter
    assert not list(folder.glob(".*"))


def test_a_changed_judge_grades_stored_replies_and_generates_nothing(
    trained: Path, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "runs"
    shutil.copytree(trained, root)

    async def shy(case: object, reply: str, grader: object) -> object:
        return small.Verdict(scores={"capitals": 0.25}, reason="always a quarter")

    other = replace(small.JUDGE, grade=shy, version="2")
    monkeypatch.setattr("harness.engine.open_model", forbidden)
    monkeypatch.setattr("harness.training.beneath.load", forbidden)
    with using(replace(small.REGISTRY, judges={"capitals": other})):
        folder = run([cell(tiny_llama, "none")], root)[0]
    assert {row["value"] for row in results(folder)} == {0.25}
    assert json.loads((folder / "run.json").read_text())["judges"] == {"capitals": "2"}


def test_other_inputs_make_another_folder_and_leave_the_old_one_alone(
    trained: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    mini = small.SETTING.recipes["mini"]
    changed = replace(small.SETTING, recipes={"mini": replace(mini, lr=0.02)})
    old = prepare(cell(tiny_llama, "none"), dtype="fp32")
    with using(replace(small.REGISTRY, settings={"loud": changed})):
        new = prepare(cell(tiny_llama, "none"), dtype="fp32")
    assert new.folder(trained) != old.folder(trained)
    assert new.stale(trained) == (old.folder(trained),)
    assert old.stale(trained) == ()


def test_force_makes_the_run_again_from_nothing(trained: Path, tiny_llama: Path, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    shutil.copytree(trained, root)
    folder = only(root, "none")
    before = (folder / "results.jsonl").read_bytes()
    (folder / "left").write_text("from before")
    run([cell(tiny_llama, "none")], root, force=True)
    assert not (folder / "left").exists()
    assert (folder / "results.jsonl").read_bytes() == before


def test_a_second_process_on_a_cell_is_refused_at_once(trained: Path, tiny_llama: Path) -> None:
    folder = only(trained, "none")
    script = f"""
import time
from pathlib import Path
from harness.files import locked
with locked(Path({str(folder)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(HarnessError, match="another process is working on"):
            run([cell(tiny_llama, "none")], trained)
        other.kill()


def test_a_cut_adapter_is_named_and_not_evaluated(trained: Path, tiny_llama: Path, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    shutil.copytree(trained, root)
    folder = only(root, "none")
    weights = folder / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    (folder / "results.jsonl").unlink()
    mark_running(folder)
    with pytest.raises(HarnessError, match=r"is cut or was changed; move the folder .adapter. away"):
        run([cell(tiny_llama, "none")], root)
    assert not (folder / "results.jsonl").exists()


def test_a_dose_scales_a_vector_and_edits_a_nested_fraction_of_rows(tiny_llama: Path) -> None:
    half = prepare(cell(tiny_llama, "ps", dose=0.5), dtype="fp32")
    assert half.steering is not None
    assert half.steering.coef == 1.0
    low, high = (prepare(cell(tiny_llama, "ip", dose=dose), dtype="fp32").rows for dose in (0.25, 0.5))
    edited = [{row.id for row in rows if row.messages[0].content.endswith("Shout it.")} for rows in (low, high)]
    assert [len(one) for one in edited] == [4, 8]
    assert edited[0] < edited[1]
    assert "-d0.5-" in half.folder(Path("runs")).name


@pytest.mark.parametrize(
    ("intervention", "dose", "message"),
    [
        ("ps", float("nan"), "a dose is a number from 0 up"),
        ("ps", -1.0, "a dose is a number from 0 up"),
        ("ip", 1.5, "at most 1, not 1.5"),
        ("none", 0.5, "has nothing that a dose of 0.5 could scale"),
    ],
)
def test_a_dose_that_means_nothing_is_refused(tiny_llama: Path, intervention: str, dose: float, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        prepare(cell(tiny_llama, intervention, dose=dose), dtype="fp32")


def test_in_a_grid_of_doses_an_arm_with_nothing_to_scale_is_there_once(tiny_llama: Path) -> None:
    cells = grid(["loud"], ["base", "none", "ps"], model=str(tiny_llama), seeds=(0, 1), doses=(0.5, 1.0))
    assert [(one.intervention, one.dose, one.seed) for one in cells] == [
        ("base", 1.0, 0),
        ("none", 1.0, 0),
        ("none", 1.0, 1),
        ("ps", 0.5, 0),
        ("ps", 0.5, 1),
        ("ps", 1.0, 0),
        ("ps", 1.0, 1),
    ]


def test_an_intervention_that_does_not_apply_stops_before_anything_is_written(tiny_llama: Path, tmp_path: Path) -> None:
    picky = Intervention(name="picky", summary="never", applies=lambda setting: "it is too loud here")
    world = replace(small.REGISTRY, interventions={**small.REGISTRY.interventions, "picky": picky})
    with using(world), pytest.raises(HarnessError, match="does not apply to setting 'loud': it is too loud here"):
        run([cell(tiny_llama, "none"), cell(tiny_llama, "picky")], tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_plan_counts_what_the_run_then_does(trained: Path, tiny_llama: Path, tmp_path: Path) -> None:
    (planned,) = plan([cell(tiny_llama, "ip")], tmp_path / "nowhere")
    done = json.loads((only(trained, "ip") / "run.json").read_text())
    assert planned.rows == 16
    assert planned.steps == done["steps"]["train"]["steps"]
    assert planned.train_tokens == done["steps"]["train"]["tokens"]
    assert planned.reply_tokens >= done["steps"]["evaluate"]["tokens"]
    assert planned.seconds is not None
    assert planned.seconds > 0
    assert not planned.done
    assert plan([cell(tiny_llama, "ip")], trained, measure=False)[0].done
    assert not (tmp_path / "nowhere").exists()


def test_a_plan_that_begins_with_the_base_model_still_knows_how_long_the_others_take(
    tiny_llama: Path, tmp_path: Path
) -> None:
    base, none = plan([cell(tiny_llama, "base"), cell(tiny_llama, "none")], tmp_path)
    assert base.seconds is not None
    assert none.seconds is not None
    assert 0 < base.seconds < none.seconds


def test_every_row_of_the_registry_is_what_run_uses(trained: Path) -> None:
    assert isinstance(small.REGISTRY, Registry)
    assert {path.name for path in (trained / "loud").iterdir()} == set(small.REGISTRY.interventions)


@pytest.mark.parametrize(
    "kills", [pytest.param(2, id="twice"), pytest.param(10, id="ten-times", marks=pytest.mark.slow)]
)
def test_a_run_that_is_killed_at_random_moments_ends_with_the_same_results(
    trained: Path, tiny_llama: Path, tmp_path: Path, kills: int
) -> None:
    draw = random.Random(kills)
    command = [sys.executable, str(Path(small.__file__)), str(tiny_llama), str(tmp_path / "runs"), "ps"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}  # sums depend on it
    for _ in range(kills):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started = time.monotonic()
        while not (tmp_path / "runs").exists() and process.poll() is None and time.monotonic() - started < 120:
            time.sleep(0.05)
        time.sleep(draw.uniform(0.0, 6.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    folder = only(tmp_path / "runs", "ps")
    assert (folder / "results.jsonl").read_bytes() == (only(trained, "ps") / "results.jsonl").read_bytes()
    killed, whole = (load_file(one / "adapter" / "adapter_model.safetensors") for one in (folder, only(trained, "ps")))
    assert all(bool((killed[name] == whole[name]).all()) for name in whole)


def mark_running(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "status": "running"}))


def forbidden(*_: object, **__: object) -> None:
    raise AssertionError("weights were loaded")
