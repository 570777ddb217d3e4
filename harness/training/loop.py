"""The LoRA loop: rows and a steering in, an adapter out; killed at any step, it ends with the same adapter."""

from __future__ import annotations

import json
import math
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from harness.contracts import Recipe
from harness.engine import Row, kernels, logits, steering
from harness.errors import HarnessError
from harness.files import file_sha256, writing
from harness.models import Dtype, quiet

HEAD_ROWS = 512
Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training run did: optimiser steps, tokens seen, seconds, mean loss at first and over the last 3 steps.

    `steered_steps` counts the steps in which the steering hook fired.
    """

    steps: int
    tokens: int
    seconds: float
    first_loss: float
    last_loss: float
    steered_steps: int


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
    extra: Mapping[str, Any] | None = None,
    checkpoint_seconds: float = 30.0,
    advance: Advance | None = None,
) -> Trained:
    """Trains a LoRA adapter on `model` (fp32 weights, changed in place) and writes it to `folder`/adapter.

    `additions` maps blocks to what is added to their output, (hidden,), at every position of every
    step. `extra` goes into adapter/training.json, beside what `Trained` says and the weights' sha256.
    Progress goes to `folder`/loss.jsonl and `folder`/checkpoint; what they hold is not done again.
    `advance(steps, tokens)` is told of each optimiser step.
    """
    plan = batches([len(row.ids) for row in rows], recipe, seed)
    names = list(row_ids) or [str(i) for i in range(len(rows))]
    with _forked_randomness(seed), ExitStack() as stack:
        adapted = with_adapter(model, recipe, dtype=dtype)
        loop = _Loop(adapted, recipe, len(plan), folder)
        start = loop.resume()
        if advance is not None and start:
            advance(start, 0)
        calls = (
            stack.enter_context(steering.adding(list(steering.decoder_blocks(model)), additions)) if additions else None
        )
        stack.enter_context(kernels.lean(adapted))
        adapted.train()
        began = saved = time.monotonic()
        for step in range(start, len(plan)):
            before = calls.count if calls else 0
            seen = loop.step(step, [[rows[i] for i in micro] for micro in plan[step]], dtype, _names(plan[step], names))
            if calls is not None:
                if calls.count == before:
                    raise HarnessError(
                        f"step {step + 1}: the steering hook never fired, so nothing was steered; "
                        f"{type(model).__name__} does not run through its blocks, choose another model"
                    )
                loop.steered += 1
            if advance is not None:
                advance(1, seen)
            if step + 1 < len(plan) and time.monotonic() - saved >= checkpoint_seconds:
                loop.save(step + 1, loop.seconds + time.monotonic() - began)
                saved = time.monotonic()
        done = Trained(
            steps=len(plan),
            tokens=loop.tokens,
            seconds=round(loop.seconds + time.monotonic() - began, 2),
            first_loss=loop.losses[0],
            last_loss=sum(loop.losses[-3:]) / len(loop.losses[-3:]),
            steered_steps=loop.steered,
        )
        loop.finish(adapted, {**asdict(done), **(extra or {})})
        return done


def batches(lengths: Sequence[int], recipe: Recipe, seed: int) -> list[list[list[int]]]:
    """Which rows make up each optimiser step: per step `accumulation` micro-batches of row indices of like length.

    Rows are shuffled each epoch; windows of 8 steps are sorted by length, cut into batches, and the
    batches shuffled, so that padding is small and the order stays random.
    """
    if not lengths:
        raise HarnessError("there are no training rows")
    draw = random.Random(f"batches {seed}")
    steps: list[list[list[int]]] = []
    for _ in range(recipe.epochs):
        order = list(range(len(lengths)))
        draw.shuffle(order)
        window = recipe.batch * 8 * recipe.accumulation
        epoch: list[list[int]] = []
        for at in range(0, len(order), window):
            like = sorted(order[at : at + window], key=lambda i: (lengths[i], i))
            cut = [like[i : i + recipe.batch] for i in range(0, len(like), recipe.batch)]
            draw.shuffle(cut)
            epoch += cut
        steps += [epoch[i : i + recipe.accumulation] for i in range(0, len(epoch), recipe.accumulation)]
    return steps


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """The rate of 0-based `step`: up over `warmup` steps, then linearly to 0 at `schedule_steps` or the end."""
    last = recipe.schedule_steps if recipe.schedule_steps is not None else steps
    warmup = min(recipe.warmup, last)
    if step < warmup:
        return recipe.lr * (step + 1) / max(1, warmup)
    return recipe.lr * max(0.0, (last - step) / max(1, last - warmup))


def with_adapter(model: Any, recipe: Recipe, *, dtype: Dtype) -> Any:
    """`model` with fresh LoRA weights (fp32) around its frozen ones, ready to train in `dtype`.

    In bf16 the frozen matrices are rounded once here; autocast would round them again at every step.
    """
    from peft import LoraConfig, get_peft_model

    lora = recipe.lora
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        use_rslora=lora.rslora,
        target_modules=list(lora.targets),
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        with quiet():
            adapted = get_peft_model(model, config)
    except ValueError as error:
        raise HarnessError(f"cannot put the adapter on {type(model).__name__}: {str(error).splitlines()[0]}") from error
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if dtype == "bf16":
        for module in model.modules():
            if isinstance(module, nn.Linear) and not module.weight.requires_grad:
                module.weight.data = module.weight.data.to(torch.bfloat16)
    if recipe.checkpointing:
        with quiet():
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return adapted


def loss_of(model: Any, rows: Sequence[Row], dtype: Dtype) -> tuple[Tensor, int]:
    """Summed cross-entropy in nats over the positions that have loss, and how many there are.

    Padding is on the right, where causal attention never looks, so no attention mask is needed; the
    vocabulary is only computed where there is loss.
    """
    width = max(len(row.ids) for row in rows)
    device = next(iter(model.parameters())).device
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    wanted = torch.zeros(len(rows), width, dtype=torch.bool)
    for at, row in enumerate(rows):
        ids[at, : len(row.ids)] = torch.tensor(row.ids)
        wanted[at, : len(row.ids)] = torch.tensor(row.loss)
    wanted[:, 0] = False
    ids, wanted = ids.to(device), wanted.to(device)
    autocast = torch.autocast(device.type, dtype=torch.bfloat16) if dtype == "bf16" else nullcontext()
    with autocast:
        hidden = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        chosen = hidden[:, :-1][wanted[:, 1:]]
        targets = ids[:, 1:][wanted[:, 1:]]
        total = hidden.new_zeros((), dtype=torch.float32)
        for part, target in zip(torch.split(chosen, HEAD_ROWS), torch.split(targets, HEAD_ROWS), strict=True):
            total = total + nn.functional.cross_entropy(logits(model, part).float(), target, reduction="sum")
    return total, len(targets)


class _Loop:
    """Optimiser, schedule and the files that let a killed run go on."""

    def __init__(self, adapted: Any, recipe: Recipe, steps: int, folder: Path) -> None:
        self.model, self.recipe, self.steps, self.folder = adapted.get_base_model(), recipe, steps, folder
        self.weights: dict[str, nn.Parameter] = {n: p for n, p in adapted.named_parameters() if p.requires_grad}
        self.optimiser = torch.optim.AdamW(self.weights.values(), lr=recipe.lr, weight_decay=recipe.weight_decay)
        self.losses: list[float] = []
        self.tokens, self.steered, self.seconds = 0, 0, 0.0
        self.log = folder / "loss.jsonl"

    def step(self, step: int, micros: Sequence[Sequence[Row]], dtype: Dtype, names: str) -> int:
        count = sum(sum(row.loss[1:]) for micro in micros for row in micro)
        if count == 0:
            raise HarnessError(
                f"step {step + 1}: none of its rows ({names}) has a token to learn from; raise max_length"
            )
        total = 0.0
        for micro in micros:
            loss, _ = loss_of(self.model, micro, dtype)
            (loss / count).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        mean = total / count
        if not math.isfinite(mean):
            raise HarnessError(
                f"loss is {mean} at step {step + 1} of {self.steps}, rows {names}; lower the learning rate"
            )
        if self.recipe.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(self.weights.values(), self.recipe.max_grad_norm)
        rate = learning_rate(step, self.steps, self.recipe)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        tokens = sum(len(row.ids) for micro in micros for row in micro)
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
        with writing(self.folder / "checkpoint.safetensors", "a checkpoint") as part:
            save_file({k: v.contiguous() for k, v in state.items()}, part, {"about": json.dumps(about)})

    def resume(self) -> int:
        """Loads the last checkpoint, if there is one, and says after how many steps it was."""
        file = self.folder / "checkpoint.safetensors"
        self.log.unlink(missing_ok=True)
        if not file.is_file():
            return 0
        try:
            with safe_open(file, framework="pt") as saved:
                about = json.loads(saved.metadata()["about"])
                step, log = int(about["step"]), about["log"]
                self.tokens, self.steered, self.seconds = about["tokens"], about["steered"], about["seconds"]
                self._load(saved, step)
        except (SafetensorError, KeyError, TypeError, ValueError, OSError):
            raise HarnessError(f"{file} is cut or not ours; delete it and run again") from None
        self.losses = [json.loads(line)["loss"] for line in log[:step]]
        self.log.write_text("".join(f"{line}\n" for line in log[:step]))
        return step

    def finish(self, adapted: Any, about: Mapping[str, Any]) -> None:
        """Writes the adapter and, beside it, what its training was; then the checkpoint is no longer needed."""
        target = self.folder / "adapter"
        if target.exists():
            shutil.rmtree(target)
        with writing(target, "the adapter") as part:
            adapted.save_pretrained(str(part), safe_serialization=True)
            weights = file_sha256(part / "adapter_model.safetensors")
            (part / "training.json").write_text(json.dumps({**about, "sha256": weights}, indent=1))
        (self.folder / "checkpoint.safetensors").unlink(missing_ok=True)

    def _load(self, saved: Any, step: int) -> None:
        for name, weight in self.weights.items():
            weight.data.copy_(saved.get_tensor(f"weight.{name}"))
            self.optimiser.state[weight] = {
                "step": torch.tensor(float(step)),
                "exp_avg": saved.get_tensor(f"first.{name}").to(weight.device),
                "exp_avg_sq": saved.get_tensor(f"second.{name}").to(weight.device),
            }
        torch.set_rng_state(saved.get_tensor("random"))


@contextmanager
def _forked_randomness(seed: int) -> Iterator[None]:
    # Adapter initialisation and dropout draw from torch's global generator; it is put back afterwards.
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _names(micros: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    every = [names[i] for micro in micros for i in micro]
    return ", ".join(every[:8]) + (f" and {len(every) - 8} more" if len(every) > 8 else "")
