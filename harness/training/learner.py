"""The adapter while it learns: optimiser, counts, losses, and the checkpoint that a killed run goes on from."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from harness.contracts import Recipe
from harness.engine import Row
from harness.errors import HarnessError
from harness.files import writing
from harness.models import Dtype
from harness.runs import CHECKPOINT, LOSSES, Unfit
from harness.training.loss import loss_of
from harness.training.schedule import learning_rate


@dataclass(frozen=True, slots=True)
class StepRows:
    """The rows of one optimiser step, in micro-batches, and their names for errors."""

    micros: Sequence[Sequence[Row]]
    names: str


class Learner:
    """`adapted`'s trainable weights and their optimiser over `steps` steps; its files are in `folder`.

    `losses` are the mean losses so far, `tokens` those seen, `steered` the steps in which the steering fired, and
    `seconds` what the run took before it went on from a checkpoint.
    """

    def __init__(self, adapted: Any, recipe: Recipe, steps: int, folder: Path, *, key: str = "") -> None:
        self.model, self.recipe, self.steps = adapted.get_base_model(), recipe, steps
        self.folder, self.key = folder, key
        self.checkpoint, self.log = folder / CHECKPOINT, folder / LOSSES
        self.weights: dict[str, nn.Parameter] = {n: p for n, p in adapted.named_parameters() if p.requires_grad}
        self.optimiser = torch.optim.AdamW(self.weights.values(), lr=recipe.lr, weight_decay=recipe.weight_decay)
        self.losses: list[float] = []
        self.tokens, self.steered, self.seconds = 0, 0, 0.0

    def step(self, step: int, batch: StepRows, dtype: Dtype) -> int:
        """Learns from the `batch` of 0-based `step` and says how many tokens it has."""
        mean = self._backward(step, batch, dtype)
        if self.recipe.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(self.weights.values(), self.recipe.max_grad_norm)
        rate = learning_rate(step, self.steps, self.recipe)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        tokens = sum(len(row.ids) for micro in batch.micros for row in micro)
        self.losses.append(mean)
        self.tokens += tokens
        with self.log.open("a") as stream:
            stream.write(json.dumps({"step": step + 1, "loss": mean, "lr": rate, "tokens": tokens}) + "\n")
        return tokens

    def save(self, step: int, seconds: float) -> None:
        """Weights, both Adam moments and the random state after `step` steps, as one safetensors file."""
        state = {f"weight.{name}": weight.data for name, weight in self.weights.items()}
        for name, weight in self.weights.items():
            moments = self.optimiser.state[weight]
            state[f"first.{name}"] = moments["exp_avg"]
            state[f"second.{name}"] = moments["exp_avg_sq"]
        state["random"] = torch.get_rng_state()
        log = self.log.read_text().splitlines()
        about = {"step": step, "tokens": self.tokens, "steered": self.steered, "seconds": seconds, "log": log}
        about["key"] = self.key
        with writing(self.checkpoint, "a checkpoint") as part:
            save_file({k: v.contiguous() for k, v in state.items()}, part, {"about": json.dumps(about)})

    def resume(self) -> int:
        """Loads the last checkpoint, if there is one, and says after how many steps it was."""
        if not self.checkpoint.is_file():
            self.log.unlink(missing_ok=True)
            return 0
        try:
            with safe_open(self.checkpoint, framework="pt") as saved:
                about = json.loads(saved.metadata()["about"])
                if self.key and about.get("key", self.key) != self.key:
                    raise Unfit(f"{self.checkpoint} is that of another run; move it away and run again")
                step, log = int(about["step"]), about["log"]
                if not step <= len(log) or step >= self.steps:
                    raise ValueError("another plan of steps")
                self.tokens, self.steered, self.seconds = about["tokens"], about["steered"], about["seconds"]
                self._load(saved, step)
        except (SafetensorError, KeyError, TypeError, ValueError, OSError):
            raise HarnessError(f"{self.checkpoint} is cut or not ours; move it away and run again") from None
        self.losses = [json.loads(line)["loss"] for line in log[:step]]
        self.log.write_text("".join(f"{line}\n" for line in log[:step]))
        return step

    def _backward(self, step: int, batch: StepRows, dtype: Dtype) -> float:
        """Adds up the gradients of the mean loss over all micro-batches, and gives that loss."""
        count = sum(sum(row.loss[1:]) for micro in batch.micros for row in micro)
        if count == 0:
            raise HarnessError(
                f"step {step + 1}: none of its rows ({batch.names}) has a token to learn from; raise max_length"
            )
        total = 0.0
        for micro in batch.micros:
            loss, _ = loss_of(self.model, micro, dtype)
            (loss / count).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        mean = total / count
        if not math.isfinite(mean):
            raise HarnessError(
                f"loss is {mean} at step {step + 1} of {self.steps}, rows {batch.names}; lower the learning rate"
            )
        return mean

    def _load(self, saved: Any, step: int) -> None:
        for name, weight in self.weights.items():
            weight.data.copy_(saved.get_tensor(f"weight.{name}"))
            self.optimiser.state[weight] = {
                "step": torch.tensor(float(step)),
                "exp_avg": saved.get_tensor(f"first.{name}").to(weight.device),
                "exp_avg_sq": saved.get_tensor(f"second.{name}").to(weight.device),
            }
        torch.set_rng_state(saved.get_tensor("random"))
