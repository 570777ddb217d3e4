"""What a calibration tried and chose: one sealed record for each setting, scale and model, beside the runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import ClassVar, Literal

from harness.cells import recipe_digest
from harness.contracts import SteeringDefault
from harness.documents import Record, read_record, record, write_record
from harness.files import digest_of, inside
from harness.models import ModelRef
from harness.registry import Calibration, Registry
from harness.runs.run_record import CALIBRATIONS

WHAT = "calibration"
WAY_OUT = "move it away and give its 'harness calibrate' command again, or do without it by --no-calibration"

Came = Literal["chosen", "no dose", "no training"]


@record
class TrialRecord(Record):
    """One trained model, or the untrained one, as its replies to the selection cases were judged.

    `share` is the dose in units of the block's residual RMS, below 0 where the vector was subtracted. `trait` is the
    trait's rate among the `judged` of `n` replies, `rates` are the other metrics, and `against` says what speaks
    against such a dose; empty for one that is sound. `key` is that of the trial's run.
    """

    SPARSE: ClassVar[bool] = True

    arm: str
    seed: int
    key: str
    epochs: int | None = None
    block: int | None = None
    share: float | None = None
    trait: float | None = None
    n: int = 0
    judged: int = 0
    rates: Mapping[str, float | None] = field(default_factory=dict)
    against: tuple[str, ...] = ()


@record
class CalibrationRecord(Record):
    """What was chosen for `model` (a digest, `reference` on the command line), by which `rule`, from which `trials`.

    `recipe` is the digest of the recipe that it began with, `inputs` that of all that decides the choice. `outcome` is
    `chosen`, or what could not be found; `said` is the same in a line. `steering` has the chosen block, dose and
    negative dose, `overdose` the least dose tried at that block that broke the model, and how it showed.
    """

    FORMAT: ClassVar[int] = 1
    SEALED: ClassVar[bool] = True

    setting: str
    scale: str
    model: str
    reference: str
    recipe: str
    inputs: str
    outcome: Came
    said: str
    format: int = 1
    created: str = ""
    rule: tuple[str, ...] = ()
    budget: int = 0
    seeds: tuple[int, ...] = ()
    blocks: tuple[int, ...] = ()
    trials: tuple[TrialRecord, ...] = ()
    epochs: int | None = None
    steering: SteeringDefault | None = None
    overdose: str = ""
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None


def calibration_file(runs: Path, setting: str, scale: str, model: ModelRef) -> Path:
    """Where the calibration of a setting at a scale for a model is kept."""
    return inside(runs / CALIBRATIONS, f"{setting}-{scale}-{model.name}-{_short(model.digest)}.json")


def read_calibration(file: Path) -> CalibrationRecord | None:
    """The calibration in `file`, None where there is none; HarnessError where it is broken or was changed."""
    return read_record(file, CalibrationRecord, what=WHAT, way_out=WAY_OUT, seal=True)


def write_calibration(file: Path, made: CalibrationRecord) -> None:
    """Writes `made` to `file` in one step."""
    write_record(file, made)


def calibrations(runs: Path) -> dict[Path, CalibrationRecord]:
    """Every calibration beside these runs, by its file."""
    files = sorted((runs / CALIBRATIONS).glob("*.json"))
    return {file: found for file in files if (found := read_calibration(file)) is not None}


def chosen_in(found: Registry, runs: Path, settings: Iterable[str]) -> tuple[Calibration, ...]:
    """What the calibrations beside these runs chose for `settings`.

    One that began with another recipe than is installed chose nothing, and says so.
    """
    wanted = set(settings)
    return tuple(
        _as_chosen(found, file, made) for file, made in calibrations(runs).items() if _is_of(found, wanted, made)
    )


def with_calibrations(found: Registry, runs: Path, settings: Iterable[str], *, use: bool = True) -> Registry:
    """`found`, with what the calibrations beside these runs chose for `settings`; unchanged unless told to `use` it."""
    chosen = chosen_in(found, runs, settings) if use else ()
    return replace(found, chosen=chosen) if chosen else found


def _is_of(found: Registry, settings: set[str], made: CalibrationRecord) -> bool:
    return (
        made.setting in settings
        and made.setting in found.settings
        and (made.scale in found.settings[made.setting].recipes)
    )


def _as_chosen(found: Registry, file: Path, made: CalibrationRecord) -> Calibration:
    stale = made.recipe != recipe_digest(found.settings[made.setting].recipes[made.scale])
    use = made.outcome == "chosen" and not stale
    said = f"{file.name} began with another recipe of {made.setting} than is installed" if stale else made.said
    return Calibration(
        setting=made.setting,
        scale=made.scale,
        model=made.model,
        record=file.name,
        said=said,
        epochs=made.epochs if use else None,
        steering=made.steering if use else None,
    )


def _short(digest: str) -> str:
    return digest_of(digest)[:8]
