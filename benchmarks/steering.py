"""What steering costs: the same step with and without a vector added to one block's output, in turn.

`forward` is the loss of a batch without gradients; `training step` adds backward and the optimiser, as
`harness.train` does them. The ratio is the median over pairs of steps that follow one another, so that a
machine that slows down slows both; which of the two comes first changes from pair to pair.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from statistics import median
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

KINDS = ("forward", "training step")
BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Seconds of each step, pair by pair."""

    plain: tuple[float, ...]
    steered: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Steered over plain: the median over pairs."""
        return median(b / a for a, b in zip(self.plain, self.steered, strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints; with `--kind`, measures one kind of step and prints it as JSON."""
    asked = _parser().parse_args(arguments)
    if asked.kind:
        print(json.dumps(asdict(_one(asked.kind, asked.dtype[0], asked.pairs))))
        return
    found: dict[tuple[str, str], Measured] = {}
    for dtype in asked.dtype:
        for kind in KINDS:
            options = ("--kind", kind, "--dtype", dtype, "--pairs", str(asked.pairs))
            got = fresh("benchmarks.steering", *options, threads=asked.threads)
            found[dtype, kind] = Measured(plain=tuple(got["plain"]), steered=tuple(got["steered"]))
            said(f"steering {dtype}, {kind}: {found[dtype, kind].ratio:.3f}x")
    if asked.json:
        figures = {f"{kind}, {dtype}": {**asdict(one), "ratio": one.ratio} for (dtype, kind), one in found.items()}
        print(json.dumps({"machine": machine(), **figures}))
        return
    print(f"Steering one block, batch {BATCH}, {asked.pairs} pairs; {machine()}\n")
    rows = [
        [f"{kind}, {dtype}", *Spread.of(one.plain).cells(3), *Spread.of(one.steered).cells(3), f"{one.ratio:.3f}x"]
        for (dtype, kind), one in found.items()
    ]
    columns = [f"{word}, {side}" for side in ("plain s", "steered s") for word in ("least", "median", "greatest")]
    print(table("steering", ("", *columns, "steered is"), rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks steering", description=__doc__)
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--threads", type=int, help="threads that torch may use; all cores if left out")
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    return parser


def _one(kind: str, dtype: Dtype, pairs: int) -> Measured:
    import torch

    from harness.engine import kernels, load, steering
    from harness.registry import installed
    from harness.training import with_adapter

    model, tokenizer = load(embedded())
    recipe = replace(installed().setting(SETTING).recipe(SCALE), batch=BATCH)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        adapted = with_adapter(model, recipe, dtype=dtype).train()
    blocks = list(steering.decoder_blocks(model))
    added = additions(model.config.hidden_size)
    step = _step(kind, model, adapted, training_rows(tokenizer, BATCH), dtype, recipe.lr)

    def seconds(steered: bool) -> float:
        with ExitStack() as stack:
            if steered:
                stack.enter_context(steering.adding(blocks, added))
            began = time.perf_counter()
            step()
            return time.perf_counter() - began

    with kernels.lean(adapted):
        for steered in (False, True):
            seconds(steered)
        timed: dict[bool, list[float]] = {False: [], True: []}
        for pair in range(pairs):
            for steered in (False, True) if pair % 2 else (True, False):
                timed[steered].append(seconds(steered))
    return Measured(plain=tuple(timed[False]), steered=tuple(timed[True]))


def _step(kind: str, model: Any, adapted: Any, rows: list[Any], dtype: Dtype, rate: float) -> Callable[[], None]:
    import torch

    from harness.training import loss_of

    optimiser = torch.optim.AdamW([one for one in adapted.parameters() if one.requires_grad], lr=rate)

    def forward() -> None:
        with torch.no_grad():
            float(loss_of(model, rows, dtype)[0])

    def training() -> None:
        loss, count = loss_of(model, rows, dtype)
        (loss / count).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        float(loss.detach())

    return forward if kind == "forward" else training


if __name__ == "__main__":
    main()
