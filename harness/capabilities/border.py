"""lm-eval itself: its tasks loaded, or why not, and one of them asked of an engine. Nothing else here knows it."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.capabilities.language_model import language_model
from harness.capabilities.local_tasks import local_tasks
from harness.contracts import Steering
from harness.engine import Engine, System
from harness.errors import HarnessError, gist, unknown
from harness.runs import CapabilityFigure, CapabilityResult

INSTALL = "install it with: pip install 'trait-harness[capabilities]'"
Loaded = Any
"""A task as lm-eval holds it, data included."""

BOOTSTRAP = 1000
"""Resamples for the standard error of a metric that has no formula for it."""

FEW_SHOT_SEED = 1234
"""lm-eval's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What lm-eval said of a task: figures by task, the tasks' versions, examples given, and its own version."""

    results: Mapping[str, CapabilityResult]
    versions: Mapping[str, str | int | float | None]
    few_shot: Mapping[str, int | None]
    lm_eval: str


def load(tasks: Sequence[str], folder: Path | None = None) -> dict[str, Loaded]:
    """lm-eval's loaded form of `tasks`, data included; HarnessError for an unknown task, or one that needs a hub.

    Those of `folder`, lm-eval's YAML files, stand before those that lm-eval comes with.
    """
    local = local_tasks()
    with quiet():
        manager = _manager(folder, defaults=not set(tasks) <= set(local))
        known = {*local, *manager.all_tasks}
        for task in tasks:
            if task not in known:
                own = own_tasks(folder) if folder is not None else frozenset[str]()
                raise unknown("capability task", task, known if set(tasks) & known else {*local, *own})
        return {task: _loaded(manager, local.get(task, task), task) for task in tasks}


def own_tasks(folder: Path) -> frozenset[str]:
    """The names of tasks, groups and tags that the YAML files in `folder` make; HarnessError where there are none."""
    if not folder.is_dir():
        raise HarnessError(f"--include-path {folder} is no folder; name the one that holds your lm-eval tasks")
    with quiet():
        found = _manager(folder, defaults=False)
    if not found.all_tasks:
        raise HarnessError(f"--include-path {folder} holds no lm-eval task, a NAME.yaml with a line `task: NAME`")
    return frozenset(found.all_tasks)


def _manager(folder: Path | None, *, defaults: bool) -> Any:
    """lm-eval's list of the tasks in `folder` and, with `defaults`, of its own; HarnessError where it cannot be had."""
    try:
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise HarnessError(f"capability tasks need lm-eval, which is not here ({gist(error)}); {INSTALL}") from None
    try:
        return TaskManager(include_path=None if folder is None else str(folder.resolve()), include_defaults=defaults)
    except Exception as error:
        raise HarnessError(f"lm-eval cannot read its list of tasks ({gist(error)}); repair that file") from error


def _loaded(manager: Any, spec: object, task: str) -> Loaded:
    try:
        return manager.load([spec])
    except Exception as error:
        raise HarnessError(
            f"capability task {task!r} cannot be loaded: it needs data from a hub that cannot be reached here, or "
            f"a package, or its YAML is at fault ({gist(error)}); {' and '.join(local_tasks())} need none"
        ) from error


def measured(
    engine: Engine,
    task: str,
    steering: Steering | None,
    limit: int | None,
    *,
    folder: Path | None = None,
    chat: System | None = None,
) -> Measured:
    """What lm-eval finds when `task` is asked of `engine` under `steering`, its first `limit` documents if given.

    With `chat`, what a chat without a system turn gets, each document is a user's turn through the chat template, and
    its examples are turns before it. `folder` has tasks of a user's own.
    """
    from lm_eval.evaluator import evaluate

    loaded = load([task], folder)[task]
    for one in loaded["tasks"].values():
        one.set_fewshot_seed(seed=FEW_SHOT_SEED)
        if one.get_config("num_fewshot") is None:
            one.set_config(key="num_fewshot", value=0)
    with quiet(), engine.steered(steering) if steering else contextlib.nullcontext():
        said = evaluate(
            lm=language_model(engine, system=chat),
            task_dict=loaded,
            limit=limit,
            bootstrap_iters=BOOTSTRAP,
            log_samples=False,
            apply_chat_template=chat is not None,
            fewshot_as_multiturn=chat is not None,
        )
    return _measured(said)


def _measured(said: Mapping[str, Any]) -> Measured:
    results = {
        name: CapabilityResult(n=said["n-samples"].get(name, {}).get("effective"), metrics=_figures(figures))
        for name, figures in said["results"].items()
    }
    return Measured(
        results=results,
        versions=dict(said["versions"]),
        few_shot=dict(said["n-shot"]),
        lm_eval=version("lm-eval"),
    )


def _figures(figures: Mapping[str, object]) -> dict[str, CapabilityFigure]:
    """Every metric with its standard error, from lm-eval's `acc,none` and `acc_stderr,none`."""
    found = {}
    for name, value in figures.items():
        metric, comma, kind = name.partition(",")
        if not comma or metric.endswith("_stderr") or not isinstance(value, int | float):
            continue
        error = figures.get(f"{metric}_stderr,{kind}")
        label = metric if kind == "none" else f"{metric} ({kind})"
        stderr = float(error) if isinstance(error, int | float) else None
        found[label] = CapabilityFigure(value=float(value), stderr=stderr)
    return found


@contextlib.contextmanager
def quiet() -> Iterator[None]:
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
