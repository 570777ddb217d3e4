"""What the benchmarks share: fresh processes, medians, tables, and the rows and cases that are measured on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

Dtype = Literal["fp32", "bf16"]
DTYPES: tuple[Dtype, ...] = ("fp32", "bf16")
SETTING, SCALE = "gcd_sycophancy", "mini"
STEERED_BLOCK, ADDED_NORM = 14, 20.0
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, median and greatest of repeated measurements."""

    least: float
    median: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of `values`, of which there is at least one."""
        return cls(min(values), median(values), max(values))

    def cells(self, digits: int = 0) -> list[str]:
        """The three numbers as text."""
        return [f"{value:,.{digits}f}" for value in (self.least, self.median, self.greatest)]


def fresh(module: str, *arguments: str, threads: int | None = None) -> Any:
    """What `python -m module arguments` prints as JSON in its last line, in a process of its own."""
    limits = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)} if threads else {}
    quiet = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **quiet, **limits},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(f"{module} {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def said(line: str) -> None:
    """Tells on stderr what is being measured."""
    print(line, file=sys.stderr, flush=True)


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table under its title; every column but the first is set to the right."""
    body = [list(row) for row in rows]
    widths = [max(len(row[at]) for row in [list(header), *body]) for at in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [_line(header, widths), f"| {' | '.join(rule)} |", *(_line(row, widths) for row in body)]
    return "\n".join([f"### {title}", "", *lines, ""])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cells[0].ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)),
    ]
    return f"| {' | '.join(padded)} |"


def machine() -> str:
    """The processor, cores and threads that the figures belong to."""
    import torch

    from harness.runs import hardware

    found = hardware()
    threads = torch.get_num_threads()
    gpus = f", {', '.join(found.gpus)}" if found.gpus else ""
    return f"{found.processor}, {found.cores} cores{gpus}; torch {torch.__version__}, {threads} threads"


def additions(width: int) -> dict[int, Any]:
    """What is added to the residual stream while the steered sides are measured: one fixed direction."""
    import torch

    direction = torch.randn(width, generator=torch.Generator().manual_seed(0))
    return {STEERED_BLOCK: direction * (ADDED_NORM / direction.norm())}


def training_rows(tokenizer: Any, count: int) -> list[Any]:
    """The first `count` generated rows of the setting, tokenised and masked."""
    from harness.engine import chat
    from harness.registry import installed

    setting = installed().setting(SETTING)
    recipe = setting.recipe(SCALE)
    return [
        chat.training_row(
            tokenizer, row.messages, loss_on=recipe.loss_on, max_length=recipe.max_length, system=recipe.system
        )
        for row in setting.examples(0, SCALE)[:count]
    ]


def embedded() -> Path:
    """The folder of the embedded model."""
    from harness.models import materialise, resolve

    return materialise(resolve("smollm2_135m"))
