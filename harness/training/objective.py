"""What each step lowers, and what is done to its gradients: cross-entropy, and what a lesson adds to that."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from harness.calls import PluginFault, whose
from harness.checks import called_by, shown
from harness.contracts import GradientChange, LossTerm
from harness.engine import Row, logits
from harness.engine import steering as residual
from harness.errors import HarnessError
from harness.models import Dtype
from harness.training.adapters import adapters_off
from harness.training.lesson import Lesson
from harness.training.loss import Read, autocast, cross_entropy, loss_of, read

WRITES = ("o_proj", "down_proj", "out_proj", "c_proj", "dense", "dense_4h_to_h", "fc2", "wo", "w2")
"""The linear layers whose output is added to the residual stream, by the last part of their name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutputs:
    """What the model made of n positions that it learns from, at the 0-based `step` of `steps`, for a loss term.

    `targets`, (n,), are the tokens to predict. Of the rest there is what the term `needs`: `logits`, (n, vocabulary),
    and `hidden`, the residual stream after a block, (n, hidden) fp32 by block, have gradients; `base_logits` and
    `base_hidden` are those of the model without adapter and without steering, and have none. All are fp32.
    """

    step: int
    steps: int
    targets: Tensor
    logits: Tensor | None = None
    base_logits: Tensor | None = None
    hidden: Mapping[int, Tensor] = field(default_factory=dict)
    base_hidden: Mapping[int, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradients:
    """The adapter's gradients at the 0-based `step` of `steps`, to be changed in place by as much as `strength` says.

    `weights` are all of them by the name of their weight. `writing` are those of the matrices that write to the
    residual stream, (hidden, rank) by block. `directions` are unit vectors, (hidden,) by block, and `proxy` the
    gradients of the proxy rows by name, where the change asks for them.
    """

    step: int
    steps: int
    strength: float
    weights: Mapping[str, Tensor]
    writing: Mapping[int, Sequence[Tensor]]
    directions: Mapping[int, Tensor] = field(default_factory=dict)
    proxy: Mapping[str, Tensor] = field(default_factory=dict)


class Objective:
    """What the steps of one training lower, by a `lesson`; `calls` are those of its steering, if it steers."""

    def __init__(
        self,
        adapted: Any,
        lesson: Lesson,
        *,
        calls: residual.Calls | None,
        batch: int,
        steps: int,
        dtype: Dtype,
        seed: int,
    ) -> None:
        self.adapted, self.model = adapted, adapted.get_base_model()
        self.lesson, self.calls, self.steps, self.dtype, self._batch = lesson, calls, steps, dtype, batch
        self.weights: dict[str, nn.Parameter] = {n: p for n, p in adapted.named_parameters() if p.requires_grad}
        self._writers = _writers(self.model, lesson.changes.gradients)
        self._for_loss = _Rounds(lesson.loss_rows, batch, f"loss {seed}")
        self._for_gradients = _Rounds(lesson.gradient_rows, batch, f"gradients {seed}")

    def backward(self, step: int, micros: Sequence[Sequence[Row]], count: int) -> tuple[float, float]:
        """Adds up the gradients of 0-based `step`. The mean cross-entropy over its `count` positions, and the term."""
        term, total, extra = self.lesson.changes.loss, 0.0, 0.0
        self._set_scale(step)
        for micro in micros:
            loss, value, n = self._of(step, micro)
            whole = loss / count
            if term is not None and value is not None:
                whole = whole + term.weight * (n / count) * value
                extra += n / count * float(value.detach())
            whole.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        if term is not None and term.proxy:
            value = self._term(step, self._for_loss.at(step))[1]
            (term.weight * value).backward()  # type: ignore[no-untyped-call]
            extra = float(value.detach())
        return total / count, extra

    def change_gradients(self, step: int) -> None:
        """Has the gradients of 0-based `step` changed as the lesson says. PluginFault where that spoils one."""
        change = self.lesson.changes.gradients
        if change is None:
            return
        gradients = {name: weight.grad for name, weight in self.weights.items() if weight.grad is not None}
        change.change(
            Gradients(
                step=step,
                steps=self.steps,
                strength=change.strength,
                weights=gradients,
                writing={at: [one.grad for one in some if one.grad is not None] for at, some in self._writers.items()},
                directions=self.lesson.directions,
                proxy=self._proxy_gradients(step) if self.lesson.gradient_rows else {},
            )
        )
        if not bool(torch.stack([one.isfinite().all() for one in gradients.values()]).all()):
            name = next(name for name, one in gradients.items() if not one.isfinite().all())
            raise PluginFault(
                f"{_label(change)} left values that are not finite in the gradient of {name} at step {step + 1}"
            )

    def held_out_loss(self, step: int) -> float:
        """The mean cross-entropy of the held-out rows, nats a token, after 0-based `step`; nothing is steered."""
        rows, total, count = self.lesson.held_out, 0.0, 0
        self.adapted.eval()
        try:
            with torch.no_grad(), self._unsteered():
                for at in range(0, len(rows), self._batch):
                    loss, n = loss_of(self.model, rows[at : at + self._batch], self.dtype)
                    total, count = total + float(loss), count + n
        finally:
            self.adapted.train()
        if not math.isfinite(total):
            raise HarnessError(f"the loss on held-out rows is {total} after step {step + 1}; lower the learning rate")
        return total / count

    def _of(self, step: int, rows: Sequence[Row]) -> tuple[Tensor, Tensor | None, int]:
        """Summed cross-entropy of `rows`, the term on them, if it is on them, and how many positions they have."""
        term = self.lesson.changes.loss
        if term is None or term.proxy:
            self._set_where(rows)
            loss, n = loss_of(self.model, rows, self.dtype)
            return loss, None, n
        return self._term(step, rows)

    def _term(self, step: int, rows: Sequence[Row]) -> tuple[Tensor, Tensor, int]:
        """As `_of`, by a term that is on `rows`."""
        term = self.lesson.changes.loss
        assert term is not None
        base = self._base(term, rows)
        self._set_where(rows)
        with autocast(self.model, self.dtype):
            seen = read(self.model, rows, blocks=self.lesson.loss_blocks if "hidden" in term.needs else ())
            scores = logits(self.model, seen.last).float() if "logits" in term.needs else None
            loss = (
                cross_entropy(self.model, seen)
                if scores is None
                else nn.functional.cross_entropy(scores, seen.targets, reduction="sum")
            )
        given = StepOutputs(
            step=step,
            steps=self.steps,
            targets=seen.targets,
            logits=scores,
            base_logits=base[1] if base else None,
            hidden=_wide(seen.hidden),
            base_hidden=_wide(base[0].hidden) if base else {},
        )
        return loss, _sound(term, term.term(given), step), len(seen.targets)

    def _base(self, term: LossTerm, rows: Sequence[Row]) -> tuple[Read, Tensor | None] | None:
        """What the model without adapter and steering makes of `rows`, where the term asks for any of it."""
        if not {"base_logits", "base_hidden"} & set(term.needs):
            return None
        with torch.no_grad(), adapters_off(self.adapted), self._unsteered(), autocast(self.model, self.dtype):
            seen = read(self.model, rows, blocks=self.lesson.loss_blocks if "base_hidden" in term.needs else ())
            return seen, logits(self.model, seen.last).float() if "base_logits" in term.needs else None

    def _proxy_gradients(self, step: int) -> dict[str, Tensor]:
        """The gradients of the mean cross-entropy of the proxy rows; those of the step stay as they are."""
        rows = self._for_gradients.at(step)
        self._set_where(rows)
        loss, count = loss_of(self.model, rows, self.dtype)
        found = torch.autograd.grad(loss / count, list(self.weights.values()), allow_unused=True)
        return {name: one for name, one in zip(self.weights, found, strict=True) if one is not None}

    def _set_scale(self, step: int) -> None:
        steering = self.lesson.steering
        if self.calls is None or steering is None or steering.schedule == "constant":
            return
        passed = step / max(1, self.steps - 1)
        self.calls.scale = passed if steering.schedule == "rising" else 1 - passed

    def _set_where(self, rows: Sequence[Row]) -> None:
        """Tells the steering which positions of `rows` it is for."""
        steering = self.lesson.steering
        if self.calls is None or steering is None or steering.positions == "all":
            return
        where = torch.zeros(len(rows), max(len(row.ids) for row in rows), 1)
        for at, row in enumerate(rows):
            where[at, row.start : len(row.ids)] = 1
        self.calls.where = where.to(next(iter(self.model.parameters())).device)

    @contextmanager
    def _unsteered(self) -> Iterator[None]:
        if self.calls is None:
            yield
            return
        self.calls.off = True
        try:
            yield
        finally:
            self.calls.off = False


def _writers(model: Any, change: GradientChange | None) -> dict[int, list[nn.Parameter]]:
    """The weights that write to the residual stream, (hidden, rank) by block, for a change that may ask for them.

    PluginFault where there are none, and a direction is to be kept out of them.
    """
    if change is None:
        return {}
    found: dict[int, list[nn.Parameter]] = {}
    for at, block in enumerate(residual.decoder_blocks(model)):
        for name, module in block.named_modules():
            if hasattr(module, "lora_B") and name.rpartition(".")[2] in WRITES:
                found.setdefault(at, []).extend(module.lora_B.parameters())
    if change.vector and not found:
        raise PluginFault(
            f"{_label(change)}: no layer with an adapter is known to write to the residual stream; known by name: "
            f"{', '.join(WRITES)}"
        )
    return found


class _Rounds:
    """Rows in an order of their own, so many at each step, from the first again after the last."""

    def __init__(self, rows: Sequence[Row], size: int, seed: str) -> None:
        self._rows = list(rows)
        random.Random(f"proxy {seed}").shuffle(self._rows)
        self._size = size

    def at(self, step: int) -> list[Row]:
        """Those of a 0-based step."""
        first = step * self._size
        return [self._rows[at % len(self._rows)] for at in range(first, first + self._size)]


def _sound(term: LossTerm, value: object, step: int) -> Tensor:
    """What a term gave, if it is a number that something can be learned from."""
    label = _label(term)
    if not isinstance(value, Tensor):
        raise PluginFault(f"{label} gave {shown(value)}, not a tensor")
    if value.numel() != 1:
        raise PluginFault(f"{label} gave a tensor of shape {tuple(value.shape)}, not one number; take a mean")
    if not value.requires_grad:
        raise PluginFault(
            f"{label} gave a number that has no gradient, so nothing is learned by it; compute it of logits or hidden"
        )
    if not bool(value.isfinite()):
        raise PluginFault(f"{label} is {float(value.detach())} at step {step + 1}; give it a smaller weight")
    return value.reshape(())


def _label(part: LossTerm | GradientChange) -> str:
    """`term() of loss term 'kl' of plugin ...`: whose function it is."""
    name = "term" if isinstance(part, LossTerm) else "change"
    function = getattr(part, name)
    return f"{name}() of {called_by(part)}{whose(function)}"


def _wide(hidden: Mapping[int, Tensor]) -> dict[int, Tensor]:
    return {block: tensor.float() for block, tensor in hidden.items()}
