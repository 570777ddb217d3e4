"""What a step of each method costs, against a plain one: `python -m benchmarks methods`.

Every method trains the same steps on the embedded model, one after the other and round after round in one process, so
that what disturbs the machine disturbs all of them. What is made first, an adapter say, is made before the clock runs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.measured import SCALE, SETTING, Spread, machine, said, table

if TYPE_CHECKING:
    from harness.engine import Vectors

PLAIN = "none"
METHODS = (
    PLAIN,
    "ip",
    "ps",
    "caft",
    "grad_project",
    "kl",
    "kl_benign",
    "l2",
    "l2_benign",
    "ia",
    "freeze",
    "interleave_pp",
)


def main(options: Sequence[str]) -> None:
    """Prints the median step of every method over that of plain training in the same round."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks methods")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    chosen = parser.parse_args(options)
    names = list(dict.fromkeys([PLAIN, *chosen.methods]))
    seconds: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for at in range(chosen.rounds):
            for name in names:
                seconds[name].append(_step(name, chosen.steps, Path(folder)))
                said(f"round {at + 1} of {chosen.rounds}: {name}, {seconds[name][-1]:.2f} s a step")
    ratios = {
        name: Spread.of([took / plain for took, plain in zip(seconds[name], seconds[PLAIN], strict=True)])
        for name in names
    }
    rows = [[name, f"{median(seconds[name]):.2f}", *ratios[name].cells(2)] for name in names]
    print(
        table(
            f"A training step of each method, {SETTING} at {SCALE}, {machine()}",
            ["method", "s a step", "least ratio", "median ratio", "greatest ratio"],
            rows,
        )
    )


def _step(name: str, steps: int, folder: Path) -> float:
    """The median seconds of a step after the first, of a training that has so many and one more."""
    from harness.cells import Cell, prepared, rendered_rows
    from harness.engine import TorchEngine
    from harness.training import Lesson, lesson_of, train
    from harness.training.beneath import model_upon, train_missing
    from harness.training.choosing import chosen

    cell = prepared(Cell(setting=SETTING, intervention=name, scale=SCALE))
    cell = picked.cell if (picked := chosen(cell, folder)) else cell
    few = replace(cell.recipe, epochs=1)
    model, tokenizer = model_upon(cell, train_missing(cell, folder))
    engine = TorchEngine.around(model, tokenizer, cell.dtype, _made_up(model))
    lesson: Lesson = lesson_of(cell, engine)
    rows = rendered_rows(cell, tokenizer)[: (steps + 1) * few.batch]
    ticks = [time.perf_counter()]
    with tempfile.TemporaryDirectory() as run:
        train(
            model,
            rows,
            few,
            dtype=engine.dtype,
            seed=0,
            folder=Path(run),
            lesson=lesson,
            checkpoint_seconds=1e9,
            advance=lambda done, tokens: ticks.append(time.perf_counter()),
        )
    took = [after - before for before, after in pairwise(ticks)]
    return median(took[1:])


def _made_up(model: Any) -> Vectors:
    """A vector for whoever asks: what it points at costs nothing."""
    import torch

    from harness.engine import Vector

    config = model.config
    draw = torch.Generator().manual_seed(0)
    value = torch.randn(config.num_hidden_layers, config.hidden_size, generator=draw)
    made = Vector(value=value, rms=value.norm(dim=-1))
    return lambda name: made
