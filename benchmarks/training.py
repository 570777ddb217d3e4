"""Training tokens/s: our loop against TRL's SFTTrainer, with the same model, rows, adapter, batches and steering.

Both train on the same token ids in the same order from the same adapter weights, so that their losses can
be held against each other step by step. `trl defaults` is SFTTrainer as it comes: gradient checkpointing
on, rows in an order of its own. Each measurement is a process of its own, the sides in turn; its first step
is a warm-up and does not count. Tokens are those of the rows, padding left out, for every side.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.measured import (
    DTYPES,
    SCALE,
    SETTING,
    Dtype,
    Spread,
    additions,
    embedded,
    fresh,
    machine,
    said,
    table,
    training_rows,
)

SIDES = ("harness", "trl", "trl defaults")
BATCH, SEED = 8, 0
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One training run: per step its loss, seconds and tokens, and which positions had loss."""

    losses: tuple[float, ...]
    seconds: tuple[float, ...]
    tokens: tuple[int, ...]
    loss_positions: tuple[tuple[int, ...], ...]

    @property
    def rate(self) -> float:
        """Tokens per second, the first step left out."""
        return sum(self.tokens[1:]) / sum(self.seconds[1:])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints; with `--side`, measures one side once and prints it as JSON."""
    asked = _parser().parse_args(arguments)
    if asked.side:
        print(json.dumps(asdict(_one(asked.side, asked.dtype[0], asked.rows, _Clock(CLOCKS[asked.clock])))))
        return
    found = {dtype: _measured(dtype, asked) for dtype in asked.dtype}
    if asked.json:
        print(json.dumps({"machine": machine(), **{dtype: _figures(sides) for dtype, sides in found.items()}}))
        return
    print(f"Training, {asked.rows} rows, batch {BATCH}, steered; {machine()}\n")
    for dtype, sides in found.items():
        print(_rates(dtype, sides))
        print(_losses(dtype, sides))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks training", description=__doc__)
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=48)
    parser.add_argument("--threads", type=int, default=None, help="threads that torch may use; all cores if left out")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu, with --threads 1, where the machine is busy"
    )
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    return parser


def _measured(dtype: Dtype, asked: argparse.Namespace) -> dict[str, list[Measured]]:
    sides: dict[str, list[Measured]] = {side: [] for side in asked.sides}
    for repeat in range(asked.repeats):
        for side in asked.sides:
            options = ("--side", side, "--dtype", dtype, "--rows", str(asked.rows), "--clock", asked.clock)
            got = fresh("benchmarks.training", *options, threads=asked.threads)
            one = Measured(**{name: tuple(map(_frozen, value)) for name, value in got.items()})
            sides[side].append(one)
            said(f"training {dtype}, {repeat + 1} of {asked.repeats}, {side}: {one.rate:.0f} tok/s")
    return sides


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _figures(sides: dict[str, list[Measured]]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        side: {"tok_per_s": [one.rate for one in runs], "losses": runs[0].losses} for side, runs in sides.items()
    }
    figures["ratio"] = {side: ratio for side in sides if (ratio := _ratio(sides, side)) is not None}
    return figures


def _ratio(sides: dict[str, list[Measured]], side: str) -> float | None:
    """Our median rate over that of `side`."""
    if side == "harness" or "harness" not in sides:
        return None
    rates = {name: Spread.of([one.rate for one in sides[name]]).median for name in ("harness", side)}
    return rates["harness"] / rates[side]


def _rates(dtype: Dtype, sides: dict[str, list[Measured]]) -> str:
    rows = []
    for side, runs in sides.items():
        ratio = _ratio(sides, side)
        cells = Spread.of([one.rate for one in runs]).cells()
        rows.append([side, *cells, "" if ratio is None else f"{ratio:.2f}x"])
    return table(f"training, {dtype}", ("", "least tok/s", "median tok/s", "greatest tok/s", "harness is"), rows)


def _losses(dtype: Dtype, sides: dict[str, list[Measured]]) -> str:
    if not {"harness", "trl"} <= set(sides):
        return ""
    ours, theirs = sides["harness"][0], sides["trl"][0]
    rows = [
        [str(step), f"{a:.5f}", f"{b:.5f}", f"{a - b:+.5f}"]
        for step, (a, b) in enumerate(zip(ours.losses, theirs.losses, strict=True), start=1)
    ]
    largest = max(abs(a - b) for a, b in zip(ours.losses, theirs.losses, strict=True))
    counted = [sum(map(len, one.loss_positions)) for one in (ours, theirs)]
    same = "the same positions" if ours.loss_positions == theirs.loss_positions else "NOT the same positions"
    return (
        table(f"loss, {dtype}", ("step", "harness", "trl", "difference"), rows)
        + f"\nlargest difference {largest:.5f}; tokens with loss: {counted[0]} and {counted[1]}, {same}\n"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What both sides are given: a model, rows in batches, the recipe, and what is added to the residual stream."""

    model: Any
    tokenizer: Any
    rows: list[Any]
    batches: list[list[Any]]
    recipe: Any
    dtype: Dtype
    additions: dict[int, Any]


def _one(side: str, dtype: Dtype, rows: int, clock: _Clock) -> Measured:
    from harness.engine import load
    from harness.registry import installed
    from harness.training import batches

    model, tokenizer = load(embedded())
    recipe = replace(installed().setting(SETTING).recipe(SCALE), batch=BATCH, epochs=1, warmup=0, accumulation=1)
    encoded = training_rows(tokenizer, rows)
    order = batches([len(row.ids) for row in encoded], recipe, SEED)
    task = Task(
        model=model,
        tokenizer=tokenizer,
        rows=encoded,
        batches=[[encoded[at] for at in micro] for (micro,) in order],
        recipe=recipe,
        dtype=dtype,
        additions=additions(model.config.hidden_size),
    )
    return _ours(task, clock) if side == "harness" else _theirs(task, clock, as_it_comes=side == "trl defaults")


def _ours(task: Task, clock: _Clock) -> Measured:
    from harness.training import Lesson, train

    with tempfile.TemporaryDirectory() as folder:
        train(
            task.model,
            task.rows,
            task.recipe,
            dtype=task.dtype,
            seed=SEED,
            folder=Path(folder),
            lesson=Lesson(vectors=task.additions),
            advance=lambda steps, tokens: clock.tick(),
        )
        log = [json.loads(line) for line in (Path(folder) / "loss.jsonl").read_text().splitlines()]
    return Measured(
        losses=tuple(line["loss"] for line in log),
        seconds=tuple(clock.seconds),
        tokens=tuple(line["tokens"] for line in log),
        loss_positions=_positions([row.loss for batch in task.batches for row in batch]),
    )


def _theirs(task: Task, clock: _Clock, *, as_it_comes: bool) -> Measured:
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTTrainer

    from harness.engine import steering

    losses: list[float] = []
    tokens: list[int] = []

    class Watch(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            clock.tick()

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if "loss" in logs:
                losses.append(float(logs["loss"]))

    rows = [row for batch in task.batches for row in batch]
    columns = {
        "input_ids": [row.ids for row in rows],
        "completion_mask": [[int(on) for on in row.loss] for row in rows],
    }
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=_with_lora(task),
            args=_settings(task, folder, as_it_comes=as_it_comes),
            train_dataset=Dataset.from_dict(columns),
            processing_class=task.tokenizer,
            callbacks=[Watch()],
        )
        collate = trainer.data_collator

        def counting(examples: Any) -> Any:
            batch = collate(examples)
            tokens.append(int(batch["attention_mask"].sum()))
            return batch

        trainer.data_collator = counting
        with steering.adding(list(steering.decoder_blocks(task.model)), task.additions) as calls:
            clock.restart()
            trainer.train()
        assert calls.count > 0
    labels = trainer.train_dataset["labels"]
    return Measured(
        losses=tuple(losses),
        seconds=tuple(clock.seconds),
        tokens=tuple(tokens),
        loss_positions=_positions([[label != -100 for label in row] for row in labels]),
    )


def _settings(task: Task, folder: str, *, as_it_comes: bool) -> Any:
    """Our recipe in SFTTrainer's words; as it comes, it checkpoints gradients and shuffles the rows itself."""
    import torch
    from trl import SFTConfig

    same = {} if as_it_comes else {"gradient_checkpointing": False, "train_sampling_strategy": "sequential"}
    return SFTConfig(
        output_dir=folder,
        per_device_train_batch_size=task.recipe.batch,
        num_train_epochs=task.recipe.epochs,
        learning_rate=task.recipe.lr,
        lr_scheduler_type="linear",
        warmup_steps=task.recipe.warmup,
        weight_decay=task.recipe.weight_decay,
        max_grad_norm=0.0,
        optim="adamw_torch",
        max_length=task.recipe.max_length,
        completion_only_loss=True,
        bf16=task.dtype == "bf16",
        use_cpu=not torch.cuda.is_available(),
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=SEED,
        **same,
    )


def _with_lora(task: Task) -> Any:
    """The model with the adapter weights that our loop draws."""
    import torch
    from peft import LoraConfig, get_peft_model

    lora = task.recipe.lora
    torch.manual_seed(SEED)
    return get_peft_model(
        task.model,
        LoraConfig(
            r=lora.r,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            use_rslora=lora.rslora,
            target_modules=list(lora.targets),
            bias="none",
            task_type="CAUSAL_LM",
        ),
    )


def _positions(masks: Sequence[Sequence[bool]]) -> tuple[tuple[int, ...], ...]:
    """Per row the positions that are learned; the first of a row never is, as nothing predicts it."""
    return tuple(tuple(at for at, on in enumerate(mask) if on and at > 0) for mask in masks)


class _Clock:
    """Seconds from one tick to the next."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.seconds: list[float] = []
        self.restart()

    def restart(self) -> None:
        self._last = self.now()

    def tick(self) -> None:
        now = self.now()
        self.seconds.append(now - self._last)
        self._last = now


if __name__ == "__main__":
    main()
