"""What a trained model still can do: lm-eval tasks, run through our own engine and kept in the run's folder.

lm-eval's own log names neither the adapter nor what steers the model, so capabilities.json does.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import runs
from harness.authoring import algebra
from harness.capabilities.local_tasks import local_tasks
from harness.contracts import Condition, Steering
from harness.errors import HarnessError, gist, unknown
from harness.files import locked, write_json
from harness.runs import RunRecord
from harness.screen import progress

if TYPE_CHECKING:
    from harness.engine import Engine

FILE = "capabilities.json"
FORMAT = "1"
"""Raise when the same model would get another figure."""

INSTALL = "install it with: pip install 'trait-harness[capabilities]'"
BOOTSTRAP = 1000
"""Resamples for the standard error of a metric that has no formula for it."""

FEW_SHOT_SEED = 1234
"""lm-eval's own."""


def check(tasks: Sequence[str], conditions: Sequence[str]) -> None:
    """HarnessError when a task is unknown or its data cannot be had, or a condition is not `clean` or a vector.

    To be called before any training, so that nothing is lost.
    """
    for text in conditions:
        if Condition.parse(text).kind == "prompt":
            raise HarnessError(f"capability tasks are asked in clean or under a vector, not under {text!r}")
    load(tasks)


def measure(folder: Path, tasks: Sequence[str], conditions: Sequence[str], *, limit: int | None = None) -> Path:
    """`capabilities.json` of the run in `folder`, with every task under every condition; what is there is kept.

    `limit` asks the first so many documents of each task. Written anew, in one step, after each task.
    """
    record = runs.read_run(folder)
    if record is None or record.status != "done":
        raise HarnessError(f"{folder} holds no finished run; give its 'harness run' command again")
    file = folder / FILE
    with locked(file):
        rows = read(file)
        made = {"format": FORMAT, "key": record.key, "adapter_sha256": record.made.adapter_sha256}
        missing = [
            (task, condition)
            for condition in conditions
            for task in tasks
            if not any(_is(row, task, condition, limit, made) for row in rows)
        ]
        if not missing:
            return file
        from harness.evaluation import open_run

        engine = open_run(folder)
        with progress.bar(f"capabilities {folder.parent.name}", total=len(missing), unit="task") as advance:
            for task, condition in missing:
                row = {**made, **_measured(engine, record, task, condition, limit)}
                rows = [*(old for old in rows if not _is(old, task, condition, limit, None)), row]
                write_json(file, rows)
                advance()
    return file


def read(file: Path) -> list[dict[str, Any]]:
    """The rows of a capabilities.json, none where there is no file; HarnessError when it cannot be read."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise HarnessError(f"{file} cannot be read ({error}); remove it, and its tasks are run again") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "task" in row for row in rows):
        raise HarnessError(f"{file} is no list of capability results; remove it, and its tasks are run again")
    return rows


def load(tasks: Sequence[str]) -> dict[str, Any]:
    """lm-eval's loaded form of `tasks`, data included; HarnessError for an unknown task, or one that needs a hub."""
    local = local_tasks()
    with _quiet():
        try:
            from lm_eval.tasks import TaskManager
        except ImportError as error:
            raise HarnessError(f"capability tasks need lm-eval, which is not here ({gist(error)}); {INSTALL}") from None
        manager = TaskManager(include_defaults=not set(tasks) <= set(local))
        known = {*local, *manager.all_tasks}
        for task in tasks:
            if task not in known:
                raise unknown("capability task", task, known if set(tasks) & known else local)
        return {task: _loaded(manager, local.get(task, task), task) for task in tasks}


def _loaded(manager: Any, spec: Any, task: str) -> Any:
    try:
        return manager.load([spec])
    except Exception as error:
        raise HarnessError(
            f"capability task {task!r} cannot be loaded: it needs data from a hub that cannot be reached here, or "
            f"a package ({gist(error)}); {' and '.join(local_tasks())} need none"
        ) from error


def _measured(engine: Engine, record: RunRecord, task: str, condition: str, limit: int | None) -> dict[str, Any]:
    from importlib.metadata import version

    from lm_eval.evaluator import evaluate

    from harness.capabilities.language_model import EngineLM

    steering = _steering(record, condition)
    began = time.monotonic()
    loaded = load([task])[task]
    for one in loaded["tasks"].values():
        one.set_fewshot_seed(seed=FEW_SHOT_SEED)
        if one.get_config("num_fewshot") is None:
            one.set_config(key="num_fewshot", value=0)
    with _quiet(), engine.steered(steering) if steering else contextlib.nullcontext():
        said = evaluate(
            lm=EngineLM(engine), task_dict=loaded, limit=limit, bootstrap_iters=BOOTSTRAP, log_samples=False
        )
    return {
        "task": task,
        "condition": condition,
        "limit": limit,
        "results": {
            name: {"n": said["n-samples"].get(name, {}).get("effective"), **_figures(figures)}
            for name, figures in said["results"].items()
        },
        "versions": dict(said["versions"]),
        "few_shot": dict(said["n-shot"]),
        "chat_template": False,
        "model": record.model_digest,
        "dtype": engine.dtype,
        "steering": _described(engine, steering),
        "vectors": _vectors(record, steering),
        "lm_eval": version("lm-eval"),
        "seconds": round(time.monotonic() - began, 2),
    }


def _figures(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Every metric with its standard error, from lm-eval's `acc,none` and `acc_stderr,none`."""
    found = {}
    for name, value in figures.items():
        metric, comma, kind = name.partition(",")
        if not comma or metric.endswith("_stderr") or not isinstance(value, int | float):
            continue
        error = figures.get(f"{metric}_stderr,{kind}")
        label = metric if kind == "none" else f"{metric} ({kind})"
        found[label] = {"value": float(value), "stderr": float(error) if isinstance(error, int | float) else None}
    return {"metrics": found}


def _steering(record: RunRecord, condition: str) -> Steering | None:
    return Condition.parse(condition).steering(record.recipe.steering if record.recipe else None)


def _described(engine: Engine, steering: Steering | None) -> dict[str, Any] | None:
    if steering is None:
        return None
    added = engine.additions(steering)
    return {**asdict(steering), "norm": {str(block): float(vector.norm()) for block, vector in added.items()}}


def _vectors(record: RunRecord, steering: Steering | None) -> dict[str, str]:
    """The key of every vector that steers, from which its file is named."""
    names = algebra.names(steering.vector) if steering else ()
    return {name: record.vector_keys[name] for name in names}


def _is(row: Mapping[str, Any], task: str, condition: str, limit: int | None, made: Mapping[str, Any] | None) -> bool:
    """Whether `row` is of this task, condition and limit, and made as `made` says."""
    same = (row["task"], row.get("condition"), row.get("limit")) == (task, condition, limit)
    return same and (made is None or all(row.get(name) == value for name, value in made.items()))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """lm-eval and its libraries without bars and notes; as they were when the block ends."""
    names = ("lm_eval", "lm-eval", "datasets", "evaluate", "httpx")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
