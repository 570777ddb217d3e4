"""The main flow: rows, vectors, training, evaluation, results, each step's files the next one's input.

A step whose files are there is not done again, so a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import runs
from harness.cells import Cell, Prepared, bases_of, log_name, prepared, questions, training_rows, vector_file
from harness.contracts import Condition
from harness.engine import TorchEngine, load, load_tokenizer, open_model
from harness.errors import HarnessError
from harness.files import clear_halves, file_sha256, locked, write_json, write_rows
from harness.grading import collecting
from harness.judging import asking, rule_judges, up_to_date
from harness.models import as_dtype, materialise
from harness.registry import installed
from harness.runs import machine
from harness.screen import progress
from harness.vectors import ensure, opened_grader, steered_as, vector_lookup

if TYPE_CHECKING:
    from harness.engine import Row
    from harness.graders import ModelGrader


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A cell's run folder, and whether anything was left to do there."""

    folder: Path
    fresh: bool


def run(cells: Sequence[Cell], root: Path, *, force: bool = False, grader: ModelGrader | None = None) -> list[Path]:
    """Trains and evaluates what is missing of `cells` under `root`, and gives their run folders in order.

    The untrained model is evaluated once for each setting, scale and model. Every cell is checked before
    the first one starts; `force` begins the named cells anew. Judges that ask a grader ask `grader` once the rest of
    a cell is done, or are left out.
    """
    wanted = [prepared(cell) for cell in cells]
    for name in dict.fromkeys(cell.cell.vector_grader for cell in wanted):
        opened_grader(name)  # one that is not there is told of before any work
    bases = bases_of(wanted)
    if grader is not None and any(_grades(cell, root, grader) for cell in (*wanted, *bases)):
        grader.check()
    for base in bases:
        run_cell(base, root, wait=True, grader=grader)
    return [run_cell(cell, root, force=force, grader=grader).folder for cell in wanted]


def is_done(cell: Prepared, root: Path) -> bool:
    """Whether `cell` is trained, evaluated and graded by the judges that are installed."""
    folder = cell.folder(root)
    record = runs.read(folder)
    return record is not None and record["key"] == cell.key and not _undone(cell, record, folder)


def _undone(cell: Prepared, record: Mapping[str, Any], folder: Path) -> bool:
    graded = up_to_date(cell.setting, installed(), record["judges"], asked=False)
    return not runs.finished(folder, record) or not graded


def run_cell(
    cell: Prepared, root: Path, *, force: bool = False, wait: bool = False, grader: ModelGrader | None = None
) -> Ran:
    """Trains and evaluates what is missing of one cell; Busy when another process is at it, unless told to `wait`."""
    folder = cell.folder(root)
    with locked(folder, wait=wait):
        if force and folder.exists():
            shutil.rmtree(folder)
        clear_halves(folder)
        record = runs.read(folder)
        if record is not None and record["key"] != cell.key:
            raise HarnessError(f"{folder} holds another run than its name says; move it away and run again")
        if record is None:
            materialise(cell.model)
            record = _begin(cell, folder)
        missing = _undone(cell, record, folder)
        if record["status"] != "done":
            files = _needed_vectors(cell, record, root)
            if cell.intervention.trains:
                _train(cell, record, folder, files)
        if missing:
            _evaluate(cell, record, folder)
        if grader is not None and not _graded(cell, record, grader):
            collecting.collect(folder, cell.setting, cell.conditions, record, grader=grader)
            missing = True
    return Ran(folder=folder, fresh=missing)


def _grades(cell: Prepared, root: Path, grader: ModelGrader) -> bool:
    """Whether `cell` will ask `grader`."""
    record = runs.read(cell.folder(root))
    return not _graded(cell, record or {"judges": {}}, grader)


def _graded(cell: Prepared, record: Mapping[str, Any], grader: ModelGrader) -> bool:
    """Whether every judge of the cell that asks has asked this grader."""
    if not asking(cell.setting, installed()):
        return True
    same = (record.get("grader") or {}).get("model") == grader.name
    return same and up_to_date(cell.setting, installed(), record["judges"], asked=True)


def _begin(cell: Prepared, folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = {
        "cell": asdict(cell.cell),
        "key": cell.key,
        "status": "running",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": dict(cell.inputs),
        "recipe": {**asdict(cell.recipe), "dtype": cell.dtype},
        "steering": None,
        "concept": cell.intervention.concept(cell.setting, cell.recipe),
        "left_out": questions.left_out(cell.setting, cell.cell.scale),
        "judges": rule_judges(cell.setting, installed()),
        "grader": None,
        "gates": {},
        "made": {
            "reference": cell.cell.model,
            "trains": cell.intervention.trains,
            "dtype": cell.dtype,
            "vectors": {name: str(vector_file(Path(), name, key).as_posix()) for name, key in cell.vectors.items()},
        },
        "versions": machine.versions(),
        "commit": machine.commit(),
        "hardware": machine.hardware(),
        "steps": {},
    }
    if cell.intervention.trains:
        write_rows(folder / "train.jsonl", training_rows(cell))
    write_json(folder / "run.json", record)
    return record


def _needed_vectors(cell: Prepared, record: dict[str, Any], root: Path) -> dict[str, Path]:
    files = {name: vector_file(root, name, key) for name, key in cell.vectors.items()}
    if all(file.is_file() and file.with_suffix(".json").is_file() for file in files.values()):
        return files
    began = time.monotonic()
    engine = open_model(cell.model, dtype=as_dtype(cell.dtype))
    grader = opened_grader(cell.cell.vector_grader)
    files = ensure(engine, cell.setting, cell.cell.scale, root, cell.vectors, grader=grader)
    record["steps"]["vectors"] = {"seconds": round(time.monotonic() - began, 2)}
    return files


def _train(cell: Prepared, record: dict[str, Any], folder: Path, files: Mapping[str, Path]) -> None:
    from harness.engine import chat
    from harness.training import batches, train

    stored = folder / "adapter" / "training.json"
    model, tokenizer = (None, None)
    if not stored.is_file():
        model, tokenizer = load(materialise(cell.model))
        engine = TorchEngine.around(model, tokenizer, cell.dtype, vector_lookup(files))
        additions = engine.additions(cell.steering) if cell.steering else None
        rows = _tokenised(cell, tokenizer)
        steps = len(batches([len(row.ids) for row in rows], cell.recipe, cell.cell.seed))
        with progress.bar(f"train {cell.title}", total=steps, unit="tok") as advance:
            train(
                model,
                rows,
                cell.recipe,
                dtype=engine.dtype,
                seed=cell.cell.seed,
                folder=folder,
                additions=additions,
                row_ids=[row.id for row in cell.rows],
                template=chat.template_digest(tokenizer, system=cell.recipe.system),
                steering=steered_as(engine, cell.steering) if cell.steering else None,
                advance=lambda done, tokens: advance(steps=done, count=tokens),
            )
    _note_training(record, folder)


def _tokenised(cell: Prepared, tokenizer: Any) -> list[Row]:
    from harness.engine import chat

    recipe = cell.recipe
    return [
        chat.training_row(
            tokenizer, row.messages, loss_on=recipe.loss_on, max_length=recipe.max_length, system=recipe.system
        )
        for row in cell.rows
    ]


def _note_training(record: dict[str, Any], folder: Path) -> None:
    """Puts what training left beside the adapter into `record`, after checking that the adapter is whole."""
    try:
        made = json.loads((folder / "adapter" / "training.json").read_text())
        whole = file_sha256(folder / "adapter" / "adapter_model.safetensors") == made["sha256"]
    except (OSError, ValueError, KeyError):
        whole = False
    if not whole:
        raise HarnessError(
            f"the adapter in {folder / 'adapter'} is cut or was changed; run the cell again with --force"
        )
    record["steps"]["train"] = {name: made[name] for name in ("seconds", "tokens", "steps")}
    record["steering"] = made["steering"]
    record["made"]["adapter_sha256"] = made["sha256"]
    record["made"]["template"] = made["template"]
    record["made"]["truncated_rows"] = made["truncated_rows"]
    gates = {
        "loss_went_down": {
            "ok": made["last_loss"] < made["first_loss"],
            "seen": f"{made['first_loss']:.3f} -> {made['last_loss']:.3f}",
            "wanted": "a lower loss at the end",
        }
    }
    if made["steering"] is not None:
        gates["steered_every_step"] = {
            "ok": made["steered_steps"] == made["steps"],
            "seen": f"{made['steered_steps']} of {made['steps']} steps",
            "wanted": "every step",
        }
    record["gates"].update(gates)
    write_json(folder / "run.json", record)


def _evaluate(cell: Prepared, record: dict[str, Any], folder: Path) -> None:
    from harness.evaluation import best_lanes, hosted, release, tasks

    began = time.monotonic()
    if cell.intervention.trains:
        _note_training(record, folder)
    missing = [condition for condition in cell.conditions if not _log(folder, condition).is_file()]
    made = [0]
    if missing:
        bar = progress.bar(f"evaluate {cell.title}", total=_replies(cell, missing), unit="tok")
        with bar as advance, hosted(lanes=best_lanes()):

            def told(done: int, tokens: int) -> None:
                made[0] += tokens
                advance(steps=done, count=tokens)

            try:
                tasks.evaluate(
                    cell.setting,
                    missing,
                    scale=cell.cell.scale,
                    recipe=cell.recipe,
                    run=folder,
                    digest=cell.key[:12],
                    logs=folder / "logs",
                    advance=told,
                )
            finally:
                release()
    if cell.intervention.trains:
        record["gates"]["same_template"] = _same_template(cell, record["made"]["template"])
    seconds = record["steps"].get("evaluate", {}).get("seconds", 0.0) + time.monotonic() - began
    tokens = record["steps"].get("evaluate", {}).get("tokens", 0) + made[0]
    record["steps"]["evaluate"] = {
        "seconds": round(seconds, 2),
        "tokens": tokens,
        "replies": _replies(cell, cell.conditions),
    }
    record["made"]["plain"] = _plain(cell)
    record["status"] = "done"
    collecting.collect(folder, cell.setting, cell.conditions, record)


def _plain(cell: Prepared) -> bool:
    """Whether this is training on the setting's own rows, with nothing changed."""
    unchanged = cell.intervention.trains and cell.steering is None
    return unchanged and cell.rows == tuple(cell.setting.examples(cell.cell.seed, cell.cell.scale))


def _replies(cell: Prepared, conditions: Sequence[Condition]) -> int:
    """How many replies `conditions` ask for."""
    cases = [questions.asked(cell.setting, cell.cell.scale, condition) for condition in conditions]
    return cell.recipe.generation.samples * sum(len(some) for by_split in cases for some in by_split.values())


def _same_template(cell: Prepared, trained: str) -> dict[str, Any]:
    """Was the model asked in the format that it was trained in?"""
    from harness.engine import chat

    asked = chat.template_digest(load_tokenizer(materialise(cell.model)), system=cell.recipe.system)
    return {"ok": asked == trained, "seen": asked[:8], "wanted": f"{trained[:8]}, as in training"}


def _log(folder: Path, condition: Condition) -> Path:

    return folder / "logs" / log_name(condition)
