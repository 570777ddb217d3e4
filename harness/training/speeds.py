"""How many tokens a second this machine trains and writes with a model: measured when asked, then remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from harness.cells import Prepared
from harness.contracts import Example
from harness.documents import Record, read_record, record, write_record
from harness.engine import Request, chat, load, open_model
from harness.errors import HarnessError
from harness.files import cache_folder, digest_of
from harness.models import as_dtype
from harness.runs import hardware, versions
from harness.training.adapters import with_adapter
from harness.training.loss import loss_of


@record
class Speed(Record):
    """Tokens per second, training and writing, and when that was measured, UTC; "" where it was not."""

    train: float
    generate: float
    measured: str


def measured(local: Path, cell: Prepared) -> Speed | None:
    """One training step on a few rows, and a short batch of replies, each by the model as a run would hold it.

    What is found is kept in the cache folder, for this model on this machine. None where there are no rows.
    """
    examples = cell.rows or cell.setting.examples(cell.cell.seed, cell.cell.scale)  # the base model trains on none
    if not examples:
        return None
    found = Speed(
        train=_training(local, cell, examples),
        generate=_generating(cell),
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with suppress(HarnessError):  # the cache may be another user's: then it is measured again
        write_record(_kept(cell), found)
    return found


def remembered(cell: Prepared) -> Speed | None:
    """What was measured for the cell's model on this machine, None where nothing was."""
    return read_record(_kept(cell), Speed, what="measured speed", way_out="move it away, and measure again")


def speed_key(cell: Prepared) -> str:
    """sha256 of what a speed depends on: the model by content, its number type and adapter, the batch, the machine."""
    recipe = cell.recipe
    return digest_of(
        {
            "model": cell.model.digest,
            "dtype": cell.dtype,
            "lora": asdict(recipe.lora),
            "batch": recipe.batch,
            "machine": _machine(),
        }
    )


@cache
def _machine() -> str:
    """sha256 of what this process computes on."""
    return digest_of({**asdict(hardware()), "torch": versions()["torch"]})


def _kept(cell: Prepared) -> Path:
    return cache_folder() / "speeds" / f"{speed_key(cell)}.json"


def _training(local: Path, cell: Prepared, examples: Sequence[Example]) -> float:
    model, tokenizer = load(local)
    recipe = replace(cell.recipe, checkpointing=False)
    rows = [
        chat.training_row(
            tokenizer, row.messages, loss_on=recipe.loss_on, max_length=recipe.max_length, system=recipe.system
        )
        for row in examples[: min(recipe.batch, 16)]
    ]
    with_adapter(model, recipe, dtype=as_dtype(cell.dtype))

    def step() -> int:
        loss, _ = loss_of(model, rows, as_dtype(cell.dtype))
        loss.backward()  # type: ignore[no-untyped-call]
        return sum(len(row.ids) for row in rows)

    return _rate(step)


def _generating(cell: Prepared) -> float:
    engine = open_model(cell.model, dtype=as_dtype(cell.dtype))
    case = cell.setting.cases(cell.setting.trait_at(cell.cell.scale).split, 0, cell.cell.scale)[0]
    ids = tuple(chat.prompt_ids(engine.tokenizer, case.messages, system=cell.recipe.system))
    return _rate(lambda: sum(r.tokens for r in engine.generate([Request(tokens=ids, max_tokens=12)] * 32)))


def _rate(work: Callable[[], int]) -> float:
    work()  # the first time pays for buffers and kernels
    began = time.monotonic()
    tokens = work()
    return float(tokens / max(1e-6, time.monotonic() - began))
