"""What an experiment file may say: its keys, their kinds, and what stands for those that are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.checks import MOST_EPOCHS
from harness.documents import Source
from harness.errors import unknown

Seed = Annotated[int, Field(ge=0, lt=10**18)]
Epochs = Annotated[int, Field(ge=0, le=MOST_EPOCHS)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Dose = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Prompts = Annotated[list[str], Field(min_length=1)]

Kind = TypeVar("Kind")


class WrittenGrid(BaseModel):
    """Every combination of these is a cell. What a grid leaves out is taken from the top of the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    settings: list[str] | None = None
    interventions: list[str] | None = None
    scale: str | None = None
    models: list[str] | None = None
    doses: list[Dose] | None = None
    seeds: list[Seed] | None = None
    weights: list[str] | None = None
    epochs: Epochs | None = None
    untils: list[Share] | None = None
    lora_targets: list[str] | None = None
    prompts: Prompts | None = None


class ExperimentFile(WrittenGrid):
    """A grid for all grids, and what the experiment is called, evaluated under and held against."""

    name: str | None = None
    summary: str = ""
    conditions: list[str] | None = None
    claims: str | None = None
    grids: list[WrittenGrid] = Field(default_factory=lambda: [WrittenGrid()], min_length=1)


def validated(document: Source) -> ExperimentFile:
    """What `document` says; HarnessError with the line of the first thing that it may not say."""
    try:
        return ExperimentFile.model_validate(document.data)
    except ValidationError as error:
        first = error.errors()[0]
    path = first["loc"]
    if first["type"] == "extra_forbidden":
        fields = WrittenGrid.model_fields if path[0] == "grids" else ExperimentFile.model_fields
        raise document.wrong(path, str(unknown("key", str(path[-1]), fields)))
    said = first["msg"].removeprefix("Input should be ")
    shown = ".".join(str(step + 1) if isinstance(step, int) else step for step in path)
    raise document.wrong(path, f"{shown:.200} should be {said}, not {first['input']!r:.60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A grid with nothing left out."""

    settings: list[str]
    interventions: list[str]
    scale: str
    models: list[str]
    doses: list[float]
    seeds: list[int]
    weights: list[str]
    epochs: int
    untils: list[float]
    lora_targets: list[str]
    prompts: list[str]


def filled(grid: WrittenGrid, top: ExperimentFile) -> Filled:
    """What `grid` says, and `top` where it says nothing."""
    return Filled(
        settings=_given(grid.settings, top.settings, []),
        interventions=_given(grid.interventions, top.interventions, []),
        scale=_given(grid.scale, top.scale, "mini"),
        models=_given(grid.models, top.models, [""]),
        doses=_given(grid.doses, top.doses, [1.0]),
        seeds=_given(grid.seeds, top.seeds, [0]),
        weights=_given(grid.weights, top.weights, [""]),
        epochs=_given(grid.epochs, top.epochs, 0),
        untils=_given(grid.untils, top.untils, [1.0]),
        lora_targets=_given(grid.lora_targets, top.lora_targets, []),
        prompts=_given(grid.prompts, top.prompts, []),
    )


def _given(own: Kind | None, above: Kind | None, otherwise: Kind) -> Kind:
    if own is not None:
        return own
    return above if above is not None else otherwise
