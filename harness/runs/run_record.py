"""run.json: what a cell was made from, what has been done of it, and what its gates saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from harness import documents
from harness.cells import Cell
from harness.checks import NAME
from harness.contracts import Positions, Recipe, Schedule, Unit, Way
from harness.documents import Json, Record, as_json, read_record, record, write_record
from harness.errors import HarnessError
from harness.files import digest_of
from harness.runs.products import RESULTS, Product

RUN, CALIBRATIONS = "run.json", "calibrations"  # the record of a run; the folder of calibrations and their trials
WAY_OUT = "move the folder away and give its 'harness run' command again"

Status = Literal["running", "done"]


@record
class Gate(Record):
    """What a gate saw and what it wanted, in words, and whether that is `ok`."""

    ok: bool
    seen: str = ""
    wanted: str = ""


@record
class Step(Record):
    """What one step took; None where the step counts no such thing. `usd` was paid to a grader."""

    SPARSE: ClassVar[bool] = True

    seconds: float | None = None
    tokens: int | None = None
    steps: int | None = None
    replies: int | None = None
    calls: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    usd: float | None = None


@record
class AskedGrader(Record):
    """The model that judges asked, and how it gave its numbers. `usd` is of records of format 1."""

    SPARSE: ClassVar[bool] = True

    model: str
    how: str | None = None
    usd: float | None = None


@record
class Untaken(Record):
    """The `replies` that a judge could not take, of all that it was asked `of`, and why not the first of them."""

    replies: int
    of: int
    first: str = ""

    def __str__(self) -> str:
        return f"{self.replies} of {self.of} replies not judged, the first because of: {self.first}"


@record
class Steered(Record):
    """What was added while training: `norm` by block (a number in words), `relative` over the residual RMS.

    Or what was removed, or added otherwise, where `way`, `positions` and `schedule` say so.
    """

    vector: str = ""
    coef: float = 0.0
    blocks: tuple[int, ...] = ()
    depth: float | None = None
    unit: Unit = "raw"
    expression: str = ""
    norm: Mapping[str, float] = field(default_factory=dict)
    relative: float | None = None
    way: Way = "add"
    positions: Positions = "all"
    schedule: Schedule = "constant"


@record
class Made(Record):
    """What the products of a run are: the model's `reference`, the files of its vectors, digests, the template.

    `plain` says that the setting's own rows were trained on with nothing changed. `under_sha256` is the digest of the
    adapter that was trained first and stood below, `taught_sha256` that of the one that rows were read with to choose
    among them, `rows_sha256` that of the rows of train.jsonl where replies were written, or rows chosen, first.
    """

    SPARSE: ClassVar[bool] = True

    reference: str = ""
    trains: bool = True
    dtype: str = "fp32"
    vectors: Mapping[str, str] = field(default_factory=dict)
    adapter_sha256: str | None = None
    template: str | None = None
    truncated_rows: int | None = None
    plain: bool | None = None
    under_sha256: str | None = None
    rows_sha256: str | None = None
    taught_sha256: str | None = None


@record
class Hardware(Record):
    """The machine: `threads` are those that torch computes with, None where it was not loaded."""

    processor: str = ""
    cores: int | None = None
    threads: int | None = None
    memory_bytes: int | None = None
    gpus: tuple[str, ...] = ()
    system: str = ""

    def __str__(self) -> str:
        """`2 x NVIDIA H100` or `AMD EPYC, 2 cores, 1 thread`; empty where nothing is known."""
        if self.gpus:
            return ", ".join(f"{self.gpus.count(name)} x {name}" for name in dict.fromkeys(self.gpus))
        threads = f"{self.threads} thread{'' if self.threads == 1 else 's'}" if self.threads else ""
        return ", ".join(filter(None, (self.processor, f"{self.cores} cores" if self.cores else "", threads)))


@record
class FittedBy(Record):
    """The calibration whose choice a run was made with, by the name of its file, and what its doses are worth."""

    SPARSE: ClassVar[bool] = True

    calibration: str | None = None
    note: str = ""


@record
class RunRecord(Record):
    """One cell's run.json. `inputs` are what its key is the hash of, `judges` the versions of those that graded.

    `untaken` says by judge which replies it could not take, where there are any. `logs_show` is the digest of the
    results and judges that the scores in the logs are of; empty where that is not known. `products` are the files that
    the run came to, by name, as they were written. `fit` says whether training and doses were chosen for the model;
    None where the setting itself chose them for it, or that is not known.
    """

    FORMAT: ClassVar[int] = 2
    SEALED: ClassVar[bool] = True

    cell: Cell
    key: str
    status: Status
    format: int = 2
    created: str = ""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    recipe: Recipe | None = None
    steering: Steered | None = None
    concept: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    judges: Mapping[str, str] = field(default_factory=dict)
    grader: AskedGrader | None = None
    untaken: Mapping[str, Untaken] = field(default_factory=dict)
    gates: Mapping[str, Gate] = field(default_factory=dict)
    made: Made = field(default_factory=Made)
    fit: FittedBy | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    hardware: Hardware = field(default_factory=Hardware)
    steps: Mapping[str, Step] = field(default_factory=dict)
    logs_show: str = ""
    products: Mapping[str, Product] = field(default_factory=dict, compare=False)

    @model_validator(mode="after")
    def _is_one_cell(self) -> RunRecord:
        """Its names are those of folders, and its cell and key are those of its inputs, where it has them."""
        for name in (self.cell.setting, self.cell.intervention):
            if not NAME.fullmatch(name):
                raise ValueError(f"cell of {name[:60]!r}, which is no name: small letters, digits and _")
        if "format" in self.inputs:  # they are all there, as a key is made of them
            self._check_key()
        return self

    def _check_key(self) -> None:
        if digest_of(as_json(self)["inputs"]) != self.key:
            raise ValueError("key is not that of the inputs: something in them was changed")
        spelled = self.inputs.get("cell")
        for name, value in spelled.items() if isinstance(spelled, Mapping) else ():
            if name != "model" and getattr(self.cell, name, value) != value:
                raise ValueError(f"cell.{name} is {getattr(self.cell, name)!r}, and {value!r} in the inputs")

    @property
    def model_digest(self) -> str:
        """What the model is, wherever it was read from; its reference in a record that does not say."""
        cell = self.inputs.get("cell")
        found = cell.get("model") if isinstance(cell, Mapping) else None
        return found if isinstance(found, str) else self.cell.model

    @property
    def respondent(self) -> str:
        """The digest of the model, and the engine that wrote its replies where that is not torch."""
        return self.cell.answered_by(self.model_digest)

    @property
    def dtype(self) -> str:
        """The number type that the key was made for."""
        found = self.inputs.get("dtype")
        return found if isinstance(found, str) else "fp32"

    @property
    def conditions(self) -> tuple[str, ...]:
        """The eval conditions, as they are spelled."""
        found = self.inputs.get("conditions")
        return tuple(map(str, found)) if isinstance(found, tuple) else ()

    @property
    def vector_keys(self) -> dict[str, str]:
        """The key of every vector that the run needs, by name."""
        found = self.inputs.get("vectors")
        return {name: str(key) for name, key in found.items()} if isinstance(found, Mapping) else {}

    @property
    def seconds(self) -> float | None:
        """All steps together; None where none says."""
        known = [step.seconds for step in self.steps.values() if step.seconds is not None]
        return sum(known) if known else None

    @property
    def usd(self) -> float | None:
        """What graders were paid; None where nothing says."""
        spent = (self.grader.usd if self.grader else None, *(step.usd for step in self.steps.values()))
        known = [usd for usd in spent if usd is not None]
        return sum(known) if known else None


def read_run(folder: Path) -> RunRecord | None:
    """The record of the run in `folder`, None where there is none yet; HarnessError with the field that is wrong."""
    file = folder / RUN
    found = read_record(file, RunRecord, what="run record", way_out=WAY_OUT, tidy=_of_format_1)
    if found is not None and "format" in found.inputs and not folder.resolve().name.endswith(f"-{found.key[:8]}"):
        raise HarnessError(f"{folder} holds another run than its name says, that of {found.key[:8]}; move it away")
    return found


def check_seal(folder: Path) -> None:
    """HarnessError where the record of the run in `folder` was changed since it was written."""
    documents.check_seal(folder / RUN, what="run record", way_out=f"restore it, or {WAY_OUT}")


def is_run(folder: Path) -> bool:
    """Whether `folder` is that of a run."""
    return (folder / RUN).exists()


def write_run(folder: Path, made: RunRecord) -> None:
    """Writes the record of the run in `folder`, in one step, in the format of now."""
    write_record(folder / RUN, made)


def is_finished(folder: Path, made: RunRecord | None) -> bool:
    """Whether the run that `made` tells of was carried to its end, and its results are still there."""
    return made is not None and made.status == "done" and (folder / RESULTS).is_file()


def _of_format_1(value: Any) -> Any:
    """Records of format 1 may hold an empty recipe, where nothing is known of it, and nulls in their cell."""
    if not isinstance(value, dict):
        return value
    kept = {name: part for name, part in value.items() if (name, part) != ("recipe", {})}
    if isinstance(cell := kept.get("cell"), dict):
        kept["cell"] = {name: part for name, part in cell.items() if part is not None}
    return kept
