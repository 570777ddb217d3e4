"""`harness export`: a run as a folder that others can load without the harness."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.analysis import Run, load_run
from harness.errors import HarnessError
from harness.exporting.cards import base_of, card_of, licence_of
from harness.files import file_sha256, replacing
from harness.notebooks import framed_results
from harness.registry import installed
from harness.runs import ADAPTER, CONFIG, WEIGHTS, is_finished, offer_kept, read_run
from harness.runs import card_of as vector_card_of
from harness.serving import read_adapter_config

CARD, RESULTS, VECTORS = "README.md", "results.parquet", "vectors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written, in which folder."""

    folder: Path
    files: tuple[Path, ...]


def check_export(run: Path, folder: Path) -> None:
    """HarnessError where `run` is no finished run of a trained model, or something is at `folder`."""
    record = read_run(run)
    if record is None:
        raise HarnessError(f"no run at {run}; name the folder of one, as 'harness report --json' lists them")
    if not record.made.trains:
        raise HarnessError(f"{run} is of the untrained model, which has no adapter; name the run of an arm")
    if not is_finished(run, record):
        raise HarnessError(f"{run} is not finished; give its 'harness run' command again")
    if folder.exists() or folder.is_symlink():
        raise HarnessError(f"{folder} is there already; name a new folder")


def export(run: Path, folder: Path, *, licence: str = "") -> Exported:
    """Writes the adapter of `run` in PEFT's layout with its card, its vectors and its results, in one step.

    The adapter names its base model by its hub id. `licence` is a name of the hub's; left out it is that of the base
    model, as far as it is known here. HarnessError as `check_export`, and for an adapter that is not the one that was
    trained.
    """
    check_export(run, folder)
    offer_kept(_runs_of(run))
    found = load_run(run)
    setting = installed().settings.get(found.cell.setting)
    card = card_of(found, setting, licence=licence or licence_of(found.cell.model))
    with replacing(folder, "the export") as part:
        part.mkdir()
        _put_adapter(found, part)
        (part / CARD).write_text(card, encoding="utf-8")
        for vector in _vectors(found):
            (part / VECTORS).mkdir(exist_ok=True)
            for file in (vector, vector_card_of(vector)):
                shutil.copyfile(file, part / VECTORS / file.name)
        framed_results([found]).to_parquet(part / RESULTS, index=False)
    return Exported(folder=folder, files=tuple(sorted(file for file in folder.rglob("*") if file.is_file())))


def _runs_of(run: Path) -> Path:
    """The folder of runs that `run` lies in: below it are a setting, an intervention and the run."""
    return run.absolute().parents[2]


def _put_adapter(found: Run, part: Path) -> None:
    """The adapter with the name that others know its base model by."""
    adapter = found.folder / ADAPTER
    if file_sha256(adapter / WEIGHTS) != found.record.made.adapter_sha256:
        raise HarnessError(f"{adapter / WEIGHTS} is not what was trained; 'harness verify' says what can be made again")
    config = read_adapter_config(adapter)
    config["base_model_name_or_path"] = base_of(found.cell.model)
    (part / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    shutil.copyfile(adapter / WEIGHTS, part / WEIGHTS)


def _vectors(found: Run) -> list[Path]:
    """The vectors that training or evaluation added."""
    files = [_runs_of(found.folder) / name for name in found.record.made.vectors.values()]
    return [file for file in dict.fromkeys(files) if file.is_file()]
