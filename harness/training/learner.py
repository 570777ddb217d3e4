"""The adapter while it learns: optimiser, counts, losses, and the checkpoint that a killed run goes on from."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from harness.contracts import Recipe
from harness.documents import Record, as_json, as_record, record
from harness.engine import Row
from harness.errors import HarnessError
from harness.files import NotJson, opened_tensors, parsed, writing
from harness.runs import CHECKPOINT, LOSSES, Unfit
from harness.training.objective import Objective
from harness.training.schedule import checks, learning_rate

WAY_OUT = "move it away and run again"

Heard = Callable[[Mapping[str, float]], None]
"""Is told of a step what its line of the log says, once that is written: `step` from 1, `loss`, `lr`, `tokens`."""


@dataclass(frozen=True, slots=True)
class StepRows:
    """The rows of one optimiser step, in micro-batches, and their names for errors."""

    micros: Sequence[Sequence[Row]]
    names: str


@record
class _Progress(Record):
    """What a checkpoint says of itself: after how many steps it was, and the lines of the log up to then."""

    step: int
    tokens: int
    steered: int
    seconds: float
    log: tuple[str, ...]
    key: str = ""


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


class Learner:
    """The weights of an objective and their optimiser over `steps` steps; its files are in `folder`.

    The learning rate goes to 0 over the steps that were `planned`, as many or more.
    `losses` are the mean losses so far, `tokens` those seen, `steered` the steps in which the steering fired, and
    `seconds` what the run took before it went on from a checkpoint. After so many steps as are in `checks` the loss on
    held-out rows is taken: `held_out` are these so far, `ended_by` is the rule that ended training by them.
    """

    def __init__(
        self,
        objective: Objective,
        recipe: Recipe,
        steps: int,
        folder: Path,
        *,
        planned: int = 0,
        key: str = "",
        heard: Heard | None = None,
    ) -> None:
        self.objective, self.recipe, self.steps, self.planned = objective, recipe, steps, planned or steps
        self.folder, self.key, self.heard = folder, key, heard
        self.checks = checks(self.planned, objective.lesson.changes.stopping)
        self.checkpoint, self.log = folder / CHECKPOINT, folder / LOSSES
        self.weights = objective.weights
        self.optimiser = torch.optim.AdamW(self.weights.values(), lr=recipe.lr, weight_decay=recipe.weight_decay)
        self.losses: list[float] = []
        self.held_out: list[float] = []
        self.ended_by = ""
        self.tokens, self.steered, self.seconds = 0, 0, 0.0

    def step(self, step: int, batch: StepRows) -> int:
        """Learns from the `batch` of 0-based `step` and says how many tokens it has."""
        mean, term = self._backward(step, batch)
        self.objective.change_gradients(step)
        if self.recipe.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(self.weights.values(), self.recipe.max_grad_norm)
        rate = learning_rate(step, self.planned, self.recipe)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        tokens = sum(len(row.ids) for micro in batch.micros for row in micro)
        self.losses.append(mean)
        self.tokens += tokens
        line = {"step": step + 1, "loss": mean, "lr": rate, "tokens": tokens}
        if self.objective.lesson.changes.loss is not None:
            line["term"] = term
        if self._is_checked(step + 1):
            self.held_out.append(self.objective.held_out_loss(step))
            line["held_out"] = self.held_out[-1]
        with self.log.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
        if self.heard is not None:
            self.heard(line)
        return tokens

    def ends(self, step: int) -> bool:
        """Whether the rule of the lesson ends training after `step` steps, by what its checks found so far."""
        rule = self.objective.lesson.changes.stopping
        if rule is None or not self._is_checked(step) or not rule.stops(tuple(self.held_out)):
            return False
        self.ended_by = rule.name
        return True

    def _is_checked(self, step: int) -> bool:
        return step in self.checks and step < self.steps

    def save(self, step: int, seconds: float) -> None:
        """Weights, both Adam moments and the random state after `step` steps, as one safetensors file."""
        state = {f"weight.{name}": weight.data for name, weight in self.weights.items()}
        for name, weight in self.weights.items():
            moments = self.optimiser.state[weight]
            state[f"first.{name}"] = moments["exp_avg"]
            state[f"second.{name}"] = moments["exp_avg_sq"]
        state["random"] = torch.get_rng_state()
        log = self.log.read_text().splitlines()
        about = _Progress(
            step=step, tokens=self.tokens, steered=self.steered, seconds=seconds, log=tuple(log), key=self.key
        )
        with writing(self.checkpoint, "a checkpoint") as part:
            save_file({k: v.contiguous() for k, v in state.items()}, part, {"about": json.dumps(as_json(about))})

    def resume(self) -> int:
        """Loads the last checkpoint, if there is one, and says after how many steps it was."""
        if not self.checkpoint.is_file():
            self.log.unlink(missing_ok=True)
            return 0
        with opened_tensors(self.checkpoint, otherwise="not ours", advice=WAY_OUT) as saved:
            about = self._about((saved.metadata() or {}).get("about", "null"))
            self._load(saved, about.step)
        self.tokens, self.steered, self.seconds = about.tokens, about.steered, about.seconds
        self.log.write_text("".join(f"{line}\n" for line in about.log[: about.step]))
        return about.step

    def _about(self, text: str) -> _Progress:
        """What a checkpoint says of itself; the losses that it has are taken over."""
        place = str(self.checkpoint)
        try:
            about = as_record(parsed(text), _Progress, place=place, what="checkpoint", way_out=WAY_OUT)
            lines = [parsed(line) for line in about.log[: about.step]]
        except NotJson as error:
            raise HarnessError(f"{place}: not a checkpoint ({error}); {WAY_OUT}") from None
        if self.key and about.key and about.key != self.key:
            raise Unfit(f"{place} is that of another run; {WAY_OUT}")
        losses: list[Any] = [line.get("loss") if isinstance(line, dict) else None for line in lines]
        held = [line["held_out"] for line in lines if isinstance(line, dict) and "held_out" in line]
        if not 0 < about.step < self.steps or len(losses) < about.step or not all(map(_is_number, losses + held)):
            raise HarnessError(f"{place}: not a checkpoint of this run of {self.steps} steps; {WAY_OUT}")
        self.losses = losses
        self.held_out = held
        return about

    def _backward(self, step: int, batch: StepRows) -> tuple[float, float]:
        """Adds up the gradients of the mean loss over all micro-batches, and gives that loss and the term beside it."""
        count = sum(sum(row.loss[1:]) for micro in batch.micros for row in micro)
        if count == 0:
            raise HarnessError(
                f"step {step + 1}: none of its rows ({batch.names}) has a token to learn from; raise max_length"
            )
        mean, term = self.objective.backward(step, batch.micros, count)
        if not math.isfinite(mean):
            raise HarnessError(
                f"loss is {mean} at step {step + 1} of {self.steps}, rows {batch.names}; lower the learning rate"
            )
        return mean, term

    def _load(self, saved: Any, step: int) -> None:
        for name, weight in self.weights.items():
            weight.data.copy_(saved.get_tensor(f"weight.{name}"))
            self.optimiser.state[weight] = {
                "step": torch.tensor(float(step)),
                "exp_avg": saved.get_tensor(f"first.{name}").to(weight.device),
                "exp_avg_sq": saved.get_tensor(f"second.{name}").to(weight.device),
            }
        torch.set_rng_state(saved.get_tensor("random"))
