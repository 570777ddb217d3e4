"""What a trained model still can do: lm-eval tasks, run through our own engine and kept in the run's folder.

lm-eval's own log names neither the adapter nor what steers the model, so capabilities.json does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.authoring import algebra
from harness.capabilities import border
from harness.contracts import Condition, Steering
from harness.documents import Json
from harness.engine import Engine, additions
from harness.errors import HarnessError
from harness.files import content_sha256, digest_of, locked
from harness.runs import CAPABILITIES, CapabilityRow, RunRecord, read_capabilities, read_run, write_capabilities
from harness.screen import progress

FORMAT = "1"
"""Raise when the same model would get another figure."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A task, the condition that it is asked under, how many documents at most, and whether through the chat template.

    `task_sha256` is the digest of the user's own folder that the task is from; empty for one that lm-eval has.
    """

    task: str
    condition: str
    limit: int | None
    chat_template: bool
    task_sha256: str

    def is_of(self, row: CapabilityRow) -> bool:
        """Whether `row` answers it, for whatever model and task of that name."""
        told = (row.task, row.condition, row.limit, row.chat_template)
        return told == (self.task, self.condition, self.limit, self.chat_template)

    def answered_by(self, row: CapabilityRow) -> bool:
        """Whether `row` answers it, for whatever model."""
        return self.is_of(row) and row.task_sha256 == self.task_sha256


def check(tasks: Sequence[str], conditions: Sequence[str], *, folder: Path | None = None) -> None:
    """HarnessError when a task is unknown or its data cannot be had, or a condition is not `clean` or a vector.

    `folder` has tasks of the user's own.

    To be called before any training, so that nothing is lost.
    """
    for text in conditions:
        if Condition.parse(text).kind == "prompt":
            raise HarnessError(f"capability tasks are asked in clean or under a vector, not under {text!r}")
    if folder is not None:
        border.own_tasks(folder)
    border.load(tasks, folder)


def measure(
    folder: Path,
    tasks: Sequence[str],
    conditions: Sequence[str],
    *,
    limit: int | None = None,
    tasks_in: Path | None = None,
    chat_template: bool = False,
) -> Path:
    """`capabilities.json` of the run in `folder`, with every task under every condition; what is there is kept.

    `limit` asks the first so many documents of each task, `chat_template` asks them in chats, and `tasks_in` is a
    folder of the user's own tasks. Written anew, in one step, after each task.
    """
    record = read_run(folder)
    if record is None or record.status != "done":
        raise HarnessError(f"{folder} holds no finished run; give its 'harness run' command again")
    file = folder / CAPABILITIES
    with locked(file):
        rows = read_capabilities(folder, record)
        own = _own_sha256(tasks, tasks_in)
        asked = [
            _Asked(task, condition, limit, chat_template, own.get(task, ""))
            for condition in conditions
            for task in tasks
        ]
        missing = [one for one in asked if not any(one.answered_by(row) and _is_of(row, record) for row in rows)]
        if not missing:
            return file
        from harness.evaluation import open_run

        engine = open_run(folder)
        with progress.bar(f"capabilities {folder.parent.name}", total=len(missing), unit="task") as advance:
            for one in missing:
                row = _measured(engine, record, one, tasks_in)
                rows = [*(old for old in rows if not one.is_of(old)), row]
                write_capabilities(folder, rows)
                advance()
    return file


def _is_of(row: CapabilityRow, record: RunRecord) -> bool:
    """Whether `row` was measured, as it would be now, on this run's model."""
    return (row.format, row.key, row.adapter_sha256) == (FORMAT, record.key, record.made.adapter_sha256)


def _own_sha256(tasks: Sequence[str], folder: Path | None) -> dict[str, str]:
    """The digest of `folder`, all its files with it, for each of `tasks` that is made there."""
    if folder is None:
        return {}
    own = border.own_tasks(folder)
    files = sorted(file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    digest = digest_of({file.relative_to(folder).as_posix(): content_sha256(file) for file in files})
    return {task: digest for task in tasks if task in own}


def _measured(engine: Engine, record: RunRecord, asked: _Asked, tasks_in: Path | None) -> CapabilityRow:
    steering = Condition.parse(asked.condition).steering(record.recipe.steering if record.recipe else None)
    began = time.monotonic()
    system = record.recipe.system if record.recipe else "template"
    found = border.measured(
        engine,
        asked.task,
        steering,
        asked.limit,
        folder=tasks_in,
        chat=system if asked.chat_template else None,
    )
    names = algebra.names(steering.vector) if steering else ()
    return CapabilityRow(
        format=FORMAT,
        key=record.key,
        adapter_sha256=record.made.adapter_sha256,
        task=asked.task,
        condition=asked.condition,
        limit=asked.limit,
        chat_template=asked.chat_template,
        task_sha256=asked.task_sha256,
        results=found.results,
        versions=found.versions,
        few_shot=found.few_shot,
        model=record.model_digest,
        dtype=engine.dtype,
        steering=_described(engine, steering) if steering else None,
        vectors={name: record.vector_keys[name] for name in names},
        lm_eval=found.lm_eval,
        seconds=round(time.monotonic() - began, 2),
    )


def _described(engine: Engine, steering: Steering) -> Mapping[str, Json]:
    added = additions(engine, steering)
    return {**asdict(steering), "norm": {str(block): float(vector.norm()) for block, vector in added.items()}}
