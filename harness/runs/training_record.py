"""adapter/training.json: what training an adapter took, and the digest of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from harness.contracts import Recipe
from harness.documents import Record, check_seal, read_json, read_record, record, write_record
from harness.errors import HarnessError
from harness.files import file_sha256
from harness.runs.products import Unfit
from harness.runs.run_record import RunRecord, Steered

ADAPTER, WEIGHTS, CONFIG = "adapter", "adapter_model.safetensors", "adapter_config.json"
TRAINING, LOSSES, CHECKPOINT = "training.json", "loss.jsonl", "checkpoint.safetensors"
WAY_OUT = "move the folder 'adapter' away and give the same 'harness run' command again"


@record
class TrainingRecord(Record):
    """What a training run did: optimiser steps, tokens seen, seconds, mean loss at first and over the last 3 steps.

    `steered_steps` counts the steps in which the steering hook fired. `template` is the digest of how a chat looked,
    `truncated_rows` counts rows that were cut, and `sha256` is that of the adapter's weights. `key` is the run's,
    `config_sha256` that of adapter_config.json, `loss_sha256` that of loss.jsonl: empty where that is not known.
    `targets` are the layers that got an adapter, by the names that the model's family has for them. `held_out` are the
    losses that a rule was given, nats a token, and `ended_by` is the rule that ended training, empty where none did.
    """

    FORMAT: ClassVar[int] = 2
    SEALED: ClassVar[bool] = True

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
    key: str = ""
    config_sha256: str = ""
    loss_sha256: str = ""
    targets: tuple[str, ...] = ()
    held_out: tuple[float, ...] = ()
    ended_by: str = ""


def is_trained(folder: Path) -> bool:
    """Whether the run in `folder` has an adapter with its record."""
    return (folder / ADAPTER / TRAINING).is_file()


def read_training(folder: Path, of: RunRecord | None = None) -> TrainingRecord:
    """The training record of the run in `folder`, once its adapter is found whole; HarnessError where it is not.

    Unfit where the adapter is not that of the record `of` the run, as far as that is known.
    """
    adapter = folder / ADAPTER
    found = read_record(adapter / TRAINING, TrainingRecord, what="training record", way_out=WAY_OUT)
    if found is None or not (adapter / WEIGHTS).is_file():
        raise HarnessError(f"{folder} holds no adapter, or not the whole of it; give its 'harness run' command again")
    if file_sha256(adapter / WEIGHTS) != found.sha256:
        raise HarnessError(f"the adapter in {adapter} is cut or was changed; {WAY_OUT}")
    check_seal(adapter / TRAINING, what="training record", way_out=WAY_OUT)
    if found.config_sha256 and _content_sha256(adapter / CONFIG) != found.config_sha256:
        raise Unfit(f"{adapter / CONFIG} is not that of its adapter: it was changed since; {WAY_OUT}")
    if of is not None and (fault := _of_another(adapter, found, of)):
        raise Unfit(f"the adapter in {adapter} does not belong to its run: {fault}; {WAY_OUT}")
    return found


def _of_another(adapter: Path, found: TrainingRecord, of: RunRecord) -> str:
    """What says that an adapter is that of another run than `of`; empty where nothing does."""
    if found.key and found.key != of.key:
        return f"it is that of the run {found.key[:8]}"
    if of.made.adapter_sha256 not in (None, found.sha256):
        return "it was changed since the run was made"
    steered = of.inputs.get("steering")
    coef = steered.get("coef") if isinstance(steered, Mapping) else None
    if "format" in of.inputs and coef != (found.steering.coef if found.steering else None):
        return "it was steered otherwise"
    if found.config_sha256 or of.recipe is None:
        return ""
    told = read_json(adapter / CONFIG, what="configuration of an adapter", way_out=WAY_OUT)
    other = [name for name, value in _configured(of.recipe).items() if _plain(told, name) != value]
    return f"{CONFIG} has another {other[0]} than the recipe" if other else ""


def _configured(recipe: Recipe) -> dict[str, object]:
    """What peft's configuration says of an adapter that is trained by `recipe`."""
    lora = recipe.lora
    return {
        "r": lora.r,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "use_rslora": lora.rslora,
        "target_modules": sorted(lora.targets),
    }


def _plain(told: object, name: str) -> object:
    value = told.get(name) if isinstance(told, dict) else None
    return sorted(map(str, value)) if isinstance(value, list) else value


def _content_sha256(file: Path) -> str:
    return file_sha256(file) if file.is_file() else ""


def write_training(adapter: Path, made: TrainingRecord) -> None:
    """Writes the record, in the format of now, into the folder `adapter`, beside the weights that are there."""
    write_record(adapter / TRAINING, made)
