"""The LoRA loop: rows and a steering in, an adapter out; killed at any step, it ends with the same adapter."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.contracts import Recipe
from harness.engine import Row, check_tokens, kernels
from harness.engine import steering as residual
from harness.errors import HarnessError
from harness.files import file_sha256, writing
from harness.models import Dtype
from harness.runs import ADAPTER, CONFIG, WEIGHTS, Steered, TrainingRecord, write_training
from harness.training.adapters import with_adapter
from harness.training.learner import Learner, StepRows
from harness.training.schedule import batches

Advance = Callable[[int, int], None]


def train(
    model: Any,
    rows: Sequence[Row],
    recipe: Recipe,
    *,
    dtype: Dtype,
    seed: int,
    folder: Path,
    additions: Mapping[int, Tensor] | None = None,
    row_ids: Sequence[str] = (),
    template: str = "",
    steering: Steered | None = None,
    key: str = "",
    checkpoint_seconds: float = 30.0,
    advance: Advance | None = None,
) -> TrainingRecord:
    """Trains a LoRA adapter on `model` (fp32 weights, changed in place), writes it to `folder`/adapter, and says how.

    `additions` maps blocks to what is added to their output, (hidden,), at every position of every step. `template`,
    a digest of how a chat looks, `steering`, where the additions come from, and `key`, the run's, are for the record; a
    checkpoint of another key is refused.
    Progress goes to `folder`/loss.jsonl and `folder`/checkpoint.safetensors; what they hold is not done again.
    `advance(steps, tokens)` is told of each optimiser step.
    """
    check_tokens(model, [row.ids for row in rows])
    plan = batches([len(row.ids) for row in rows], recipe, seed)
    names = list(row_ids) or [str(i) for i in range(len(rows))]
    steps = [StepRows([[rows[i] for i in micro] for micro in micros], _named(micros, names)) for micros in plan]
    with _forked_randomness(seed):
        adapted = with_adapter(model, recipe, dtype=dtype)
        learner = Learner(adapted, recipe, len(steps), folder, key=key)
        with _steered(model, additions) as calls, kernels.lean(adapted):
            adapted.train()
            seconds = _learn(learner, steps, dtype, calls, checkpoint_seconds, advance or _unheard)
    cut = sum(row.truncated for row in rows)
    return _finish(adapted, learner, seconds, template=template, truncated_rows=cut, steering=steering)


@contextmanager
def _forked_randomness(seed: int) -> Iterator[None]:
    # Adapter initialisation and dropout draw from torch's global generator; it is put back afterwards.
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def _steered(model: Any, additions: Mapping[int, Tensor] | None) -> Iterator[residual.Calls | None]:
    # Around the whole loop: gradient checkpointing runs the forward pass again while it goes back.
    if not additions:
        yield None
        return
    with residual.adding(list(residual.decoder_blocks(model)), additions) as calls:
        yield calls


def _learn(
    learner: Learner,
    steps: Sequence[StepRows],
    dtype: Dtype,
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
        seen = learner.step(number, steps[number], dtype)
        if calls is not None:
            if calls.count == before:
                raise HarnessError(
                    f"step {number + 1}: the steering hook never fired, so nothing was steered; "
                    f"{type(learner.model).__name__} does not run through its blocks, choose another model"
                )
            learner.steered += 1
        advance(1, seen)
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
        adapted.save_pretrained(str(part), safe_serialization=True)
        last = learner.losses[-3:]
        made = TrainingRecord(
            steps=learner.steps,
            tokens=learner.tokens,
            seconds=round(seconds, 2),
            first_loss=learner.losses[0],
            last_loss=sum(last) / len(last),
            steered_steps=learner.steered,
            sha256=file_sha256(part / WEIGHTS),
            config_sha256=file_sha256(part / CONFIG),
            loss_sha256=file_sha256(learner.log),
            key=learner.key,
            template=template,
            truncated_rows=truncated_rows,
            steering=steering,
        )
        write_training(part, made)
    learner.checkpoint.unlink(missing_ok=True)
    return made


def _named(micros: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    every = [names[i] for micro in micros for i in micro]
    return ", ".join(every[:8]) + (f" and {len(every) - 8} more" if len(every) > 8 else "")


def _unheard(steps: int, tokens: int) -> None:
    pass
