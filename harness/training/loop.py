"""The LoRA loop: rows and a lesson in, an adapter out; killed at any step, it ends with the same adapter."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from harness.contracts import Recipe, RecipeChange
from harness.engine import Row, check_tokens, kernels
from harness.engine import steering as residual
from harness.errors import HarnessError
from harness.files import file_sha256, writing
from harness.models import Dtype
from harness.runs import ADAPTER, CONFIG, WEIGHTS, Steered, TrainingRecord, write_training
from harness.screen import bar
from harness.training.adapters import rename_base, with_adapter
from harness.training.learner import Heard, Learner, StepRows
from harness.training.lesson import Lesson
from harness.training.objective import Objective
from harness.training.schedule import batches, taken

Advance = Callable[[int, int], None]


def train(
    model: Any,
    rows: Sequence[Row],
    recipe: Recipe,
    *,
    dtype: Dtype,
    seed: int,
    folder: Path,
    lesson: Lesson | None = None,
    row_ids: Sequence[str] = (),
    template: str = "",
    steering: Steered | None = None,
    key: str = "",
    base: str = "",
    checkpoint_seconds: float = 30.0,
    advance: Advance | None = None,
    heard: Heard | None = None,
) -> TrainingRecord:
    """Trains a LoRA adapter on `model` (fp32 weights, changed in place), writes it to `folder`/adapter, and says how.

    `lesson` is what is changed beside the rows. For the record are `template`, a digest of how a chat looks,
    `steering`, where what is added is from, `key`, the run's, and `base`, the model's name. What the checkpoint in
    `folder` holds is not done again; one of another key is refused. `advance(steps, tokens)` is told of each step,
    and `heard` of its line of the log.
    """
    check_tokens(model, [row.ids for row in rows])
    steps = _steps(rows, list(row_ids) or [str(i) for i in range(len(rows))], recipe, seed)
    lesson = lesson or Lesson()
    planned, steps = len(steps), steps[: taken(len(steps), lesson.changes.training)]
    with _forked_randomness(seed):
        adapted = with_adapter(model, recipe, dtype=dtype, change=lesson.changes.adapter, base=base)
        with _steered(model, lesson) as calls, kernels.lean(adapted):
            objective = Objective(
                adapted, lesson, calls=calls, batch=recipe.batch, steps=len(steps), dtype=dtype, seed=seed
            )
            learner = Learner(objective, recipe, len(steps), folder, planned=planned, key=key, heard=heard)
            adapted.train()
            seconds = _learn(learner, steps, calls, checkpoint_seconds, advance or _unheard)
    cut = sum(row.truncated for row in rows)
    return _finish(adapted, learner, seconds, template=template, truncated_rows=cut, steering=steering)


def _steps(rows: Sequence[Row], names: Sequence[str], recipe: Recipe, seed: int) -> list[StepRows]:
    plan = batches([len(row.ids) for row in rows], recipe, seed)
    return [StepRows([[rows[i] for i in micro] for micro in micros], _named(micros, names)) for micros in plan]


@contextmanager
def steps_shown(
    title: str, rows: Sequence[Row], recipe: Recipe, seed: int, *, change: RecipeChange | None = None
) -> Iterator[Advance]:
    """A bar over the steps that a training takes, and what tells it of each."""
    steps = taken(len(batches([len(row.ids) for row in rows], recipe, seed)), change)
    with bar(title, total=steps, unit="tok") as advance:
        yield lambda done, tokens: advance(steps=done, count=tokens)


@contextmanager
def _forked_randomness(seed: int) -> Iterator[None]:
    # Adapter initialisation and dropout draw from torch's global generator; it is put back afterwards.
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def _steered(model: Any, lesson: Lesson) -> Iterator[residual.Calls | None]:
    # Around the whole loop: gradient checkpointing runs the forward pass again while it goes back.
    if not lesson.vectors:
        yield None
        return
    blocks, steering = list(residual.decoder_blocks(model)), lesson.steering
    if steering is not None and steering.ablates:
        steered = residual.ablating(blocks, lesson.vectors, share=steering.coef)
    else:
        steered = residual.adding(blocks, lesson.vectors)
    with steered as calls:
        yield calls


def _learn(
    learner: Learner,
    steps: Sequence[StepRows],
    calls: residual.Calls | None,
    checkpoint_seconds: float,
    advance: Advance,
) -> float:
    """Takes the steps that are left, and says how many seconds all of them took, those before a kill with them."""
    start = learner.resume()
    if start:
        advance(start, 0)
    began = saved = time.monotonic()
    for number in range(start, len(steps)):
        before = calls.count if calls else 0
        seen = learner.step(number, steps[number])
        if calls is not None:
            if calls.count == before:
                raise HarnessError(
                    f"step {number + 1}: the steering hook never fired, so nothing was steered; "
                    f"{type(learner.objective.model).__name__} does not run through its blocks, choose another model"
                )
            learner.steered += 1
        advance(1, seen)
        if learner.ends(number + 1):
            break
        if number + 1 < len(steps) and time.monotonic() - saved >= checkpoint_seconds:
            learner.save(number + 1, learner.seconds + time.monotonic() - began)
            saved = time.monotonic()
    return learner.seconds + time.monotonic() - began


def _finish(
    adapted: Any, learner: Learner, seconds: float, *, template: str, truncated_rows: int, steering: Steered | None
) -> TrainingRecord:
    """Writes the adapter and, beside it, what its training was; then the checkpoint is no longer needed."""
    target = learner.folder / ADAPTER
    if target.exists():
        shutil.rmtree(target)
    with writing(target, "the adapter") as part:
        adapted.save_pretrained(str(part), safe_serialization=True, save_embedding_layers=False)
        rename_base(adapted, part)
        last = learner.losses[-3:]
        made = TrainingRecord(
            steps=len(learner.losses),
            tokens=learner.tokens,
            seconds=round(seconds, 2),
            first_loss=learner.losses[0],
            last_loss=sum(last) / len(last),
            steered_steps=learner.steered,
            sha256=file_sha256(part / WEIGHTS),
            config_sha256=file_sha256(part / CONFIG),
            loss_sha256=file_sha256(learner.log),
            targets=adapted.lora_targets,
            key=learner.key,
            template=template,
            truncated_rows=truncated_rows,
            steering=steering,
            held_out=tuple(learner.held_out),
            ended_by=learner.ended_by,
        )
        write_training(part, made)
    learner.checkpoint.unlink(missing_ok=True)
    return made


def _named(micros: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    every = [names[i] for micro in micros for i in micro]
    return ", ".join(every[:8]) + (f" and {len(every) - 8} more" if len(every) > 8 else "")


def _unheard(steps: int, tokens: int) -> None:
    pass
