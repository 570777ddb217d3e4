"""adapter/training.json: what training an adapter took, and the digest of its weights."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.documents import Record, read_record, record, write_record
from harness.errors import HarnessError
from harness.files import file_sha256
from harness.runs.run_record import Steered

ADAPTER, WEIGHTS, FILE = "adapter", "adapter_model.safetensors", "training.json"
WAY_OUT = "move the folder 'adapter' away and give the same 'harness run' command again"


@record
class TrainingRecord(Record):
    """What a training run did: optimiser steps, tokens seen, seconds, mean loss at first and over the last 3 steps.

    `steered_steps` counts the steps in which the steering hook fired. `template` is the digest of how a chat looked,
    `truncated_rows` counts rows that were cut, and `sha256` is that of the adapter's weights.
    """

    FORMAT: ClassVar[int] = 2

    steps: int
    tokens: int
    seconds: float
    first_loss: float
    last_loss: float
    steered_steps: int
    sha256: str
    format: int = 2
    template: str = ""
    truncated_rows: int = 0
    steering: Steered | None = None


def is_trained(folder: Path) -> bool:
    """Whether the run in `folder` has an adapter with its record."""
    return (folder / ADAPTER / FILE).is_file()


def read_training(folder: Path) -> TrainingRecord:
    """The training record of the run in `folder`, once its adapter is found whole; HarnessError where it is not."""
    adapter = folder / ADAPTER
    found = read_record(adapter / FILE, TrainingRecord, what="training record", way_out=WAY_OUT)
    if found is None or not (adapter / WEIGHTS).is_file():
        raise HarnessError(f"{folder} holds no adapter, or not the whole of it; give its 'harness run' command again")
    if file_sha256(adapter / WEIGHTS) != found.sha256:
        raise HarnessError(f"the adapter in {adapter} is cut or was changed; {WAY_OUT}")
    return found


def write_training(adapter: Path, made: TrainingRecord) -> None:
    """Writes the record, in the format of now, into the folder `adapter`, beside the weights that are there."""
    write_record(adapter / FILE, made)
