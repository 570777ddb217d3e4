"""An experiment file: which cells, under which conditions, with which claims. Every mistake in it has its line.

    settings: [two_languages]
    interventions: [none, ip, ps]
    seeds: [0, 1, 2]
    grids:
      - {}                                  # what stands above
      - interventions: [neg_ip, neg_ps]     # the same, but for these
        seeds: [0]

Reading it imports no torch and loads no model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness import authoring
from harness.authoring import check_condition
from harness.cells import Cell, check_count, check_takers, model_meant, texts_of, weighted
from harness.cells import grid as combinations
from harness.contracts import CLEAN, Condition
from harness.documents import Place, Source, read_source
from harness.errors import HarnessError, unknown
from harness.files import digest_of, file_sha256
from harness.models import named_layers, resolve
from harness.registry import Calibration, Registry, installed
from harness.runs import chosen_in, setting_named
from harness.serving import EngineChoice
from harness.sweep.experiment_file import ExperimentFile, Filled, filled, validated

FORMAT = "1"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Cells to compare. `conditions` stand for the settings' own where there are any.

    `left_out` says which arms do not apply to which setting, and why; `chosen` is what calibrations put in the place of
    what recipes say; `engine` writes the replies where it is not torch.
    """

    name: str
    file: Path
    summary: str
    cells: tuple[Cell, ...]
    conditions: tuple[str, ...]
    claims: Path | None
    left_out: tuple[str, ...]
    chosen: tuple[Calibration, ...] = ()
    engine: EngineChoice | None = None

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings of its cells, each once."""
        return tuple(dict.fromkeys(cell.setting for cell in self.cells))

    def registry(self, found: Registry) -> Registry:
        """`found`, with the experiment's conditions in its settings, and what was chosen by calibrations."""
        return replace(with_conditions(found, self.settings, self.conditions), chosen=self.chosen)

    def calibrated(self, runs: Path, *, use: bool = True) -> Experiment:
        """The experiment by what was calibrated beside these `runs`; by the recipes unless told to `use` that."""
        return replace(self, chosen=chosen_in(installed(), runs, self.settings)) if use else self

    def of(self, setting: str) -> Experiment:
        """What the experiment does of one setting."""
        return replace(self, cells=tuple(cell for cell in self.cells if cell.setting == setting))

    def by(self, engine: EngineChoice | None) -> Experiment:
        """The experiment with its replies written by `engine`, None for torch."""
        if engine is None:
            return self
        return replace(self, engine=engine, cells=tuple(replace(cell, engine=engine.name) for cell in self.cells))

    def key(self, cells: Sequence[str]) -> str:
        """sha256 over the keys of its `cells`, which cover all their inputs, and the content of its claims file."""
        claims = file_sha256(self.claims) if self.claims is not None else None
        return digest_of({"format": FORMAT, "cells": sorted(cells), "claims": claims})


def with_conditions(found: Registry, settings: Iterable[str], conditions: Sequence[str]) -> Registry:
    """`found`, where `settings` are evaluated under `conditions` at every scale; unchanged without conditions."""
    if not conditions:
        return found
    given = tuple(conditions)
    changed = {
        name: replace(found.settings[name], conditions=dict.fromkeys(found.settings[name].conditions, given))
        for name in settings
    }
    return replace(found, settings={**found.settings, **changed})


def load(file: Path) -> Experiment:
    """The experiment in `file`, every name in it looked up; HarnessError with file and line for the first mistake."""
    document = read_source(file)
    written = validated(document)
    cells: dict[Cell, Place] = {}
    left_out: dict[str, None] = {}
    _check_count(document, written)
    for at, grid in enumerate(written.grids):
        path: Place = ("grids", at) if "grids" in written.model_fields_set else ()
        found = _cells(_Places(document, path), filled(grid, written), left_out)
        _add(cells, found, path, document)
    settings = tuple(dict.fromkeys(cell.setting for cell in cells))
    return Experiment(
        name=written.name or file.stem,
        file=file,
        summary=written.summary,
        cells=tuple(cells),
        conditions=_conditions(document, written.conditions, settings),
        claims=_claims(document, written.claims),
        left_out=tuple(left_out),
    )


def _check_count(document: Source, written: ExperimentFile) -> None:
    """All grids together, before any cell is made."""
    grids = [filled(grid, written) for grid in written.grids]
    counts = [
        len(one.settings)
        * len(one.interventions)
        * len(one.models)
        * len(one.doses)
        * len(one.seeds)
        * len(one.weights)
        * len(one.untils)
        * max(1, len(one.prompts))
        for one in grids
    ]
    try:
        check_count(sum(counts))
    except HarnessError as error:
        raise document.wrong((), str(error)) from None


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the keys of one grid stand: in the grid, or else at the top of the file."""

    document: Source
    grid: Place

    def wrong(self, key: str, at: int, message: object) -> HarnessError:
        """An error about the entry `at` of the list under `key`."""
        grid = self.document.data
        for step in self.grid:
            grid = grid[step]
        own = isinstance(grid, dict) and key in grid
        return self.document.wrong((*(self.grid if own else ()), key, at), str(message))


def _cells(places: _Places, grid: Filled, left_out: dict[str, None]) -> list[Cell]:
    """The cells of a grid; an arm that does not apply to one of several settings is noted in `left_out`."""
    folder = places.document.file.parent
    named = [partial(setting_named, text, folder) for text in grid.settings]
    grid = replace(grid, settings=[_looked_up(places, "settings", at, look) for at, look in enumerate(named)])
    _no_entry_twice(places, grid)
    registry = installed()
    for at, name in enumerate(grid.settings):
        _looked_up(places, "settings", at, partial(registry.setting, name))
        if grid.scale not in registry.settings[name].recipes:
            raise places.wrong("scale", 0, unknown(f"scale of {name}", grid.scale, registry.settings[name].recipes))
    arms = [
        _looked_up(places, "interventions", at, partial(registry.intervention, name))
        for at, name in enumerate(grid.interventions)
    ]
    for at, model in enumerate(grid.models):
        if model:
            _looked_up(places, "models", at, partial(resolve, model))
    balances = [
        _looked_up(places, "weights", at, partial(authoring.weights.canonical, text))
        for at, text in enumerate(grid.weights)
    ]
    if grid.lora_targets:
        layers = _looked_up(places, "lora_targets", 0, partial(named_layers, ",".join(grid.lora_targets)))
        grid = replace(grid, lora_targets=layers.split(","))
    if any(balances) and all(arm.given is None for arm in arms):
        raise places.wrong("weights", 0, "none of the interventions takes weights; leave them out")
    if grid.prompts:
        _looked_up(places, "prompts", 0, partial(check_takers, grid.interventions))
    return [cell for setting in grid.settings for cell in _of_setting(places, grid, setting, balances, left_out)]


def _of_setting(
    places: _Places, grid: Filled, setting: str, balances: Sequence[str], left_out: dict[str, None]
) -> list[Cell]:
    record = installed().setting(setting)
    applying = []
    for at, name in enumerate(grid.interventions):
        reason = installed().intervention(name).applies(record)
        if reason is None:
            applying.append(name)
        elif len(grid.settings) == 1:
            raise places.wrong("interventions", at, f"{name!r} does not apply to setting {setting!r}: {reason}")
        else:
            left_out[f"{name} does not apply to {setting}: {reason}"] = None
    takers = [arm for arm in map(installed().intervention, applying) if arm.given is not None]
    for at, balance in enumerate(balances):
        for arm in takers:
            _looked_up(places, "weights", at, partial(weighted, arm, record, balance))
    worded = any(installed().intervention(name).prompt is not None for name in applying)
    for at in range(len(grid.prompts) if worded else 0):
        _looked_up(places, "prompts", at, partial(texts_of, grid.prompts[: at + 1], record))
    return [
        cell
        for model in grid.models
        for cell in combinations(
            [setting],
            applying,
            scale=grid.scale,
            model=model,
            seeds=grid.seeds,
            doses=grid.doses,
            weights=balances if takers else [""],
            epochs=grid.epochs,
            untils=grid.untils,
            lora_targets=",".join(grid.lora_targets),
            prompts=grid.prompts if worded else (),
        )
    ]


def _no_entry_twice(places: _Places, grid: Filled) -> None:
    for key in ("settings", "interventions", "models", "doses", "seeds", "weights", "untils", "prompts"):
        values = getattr(grid, key)
        if not values and key != "prompts":
            raise places.wrong(key, 0, f"{key} names none; write {key}: [...]")
        seen = set()
        for at, value in enumerate(values):
            if value in seen:
                raise places.wrong(key, at, f"{key} names {value!r} twice, so its cells would be there twice; keep one")
            seen.add(value)


def _looked_up(places: _Places, key: str, at: int, look: Callable[[], T]) -> T:
    try:
        return look()
    except HarnessError as error:
        raise places.wrong(key, at, error) from None
    except OSError as error:  # a name that no file can have
        raise places.wrong(key, at, error.strerror) from None


def _add(cells: dict[Cell, Place], found: Sequence[Cell], path: Place, document: Source) -> None:
    same = {_content(cell): at for cell, at in cells.items()}
    for cell in found:
        content = _content(cell)
        if content in same:
            what = f"the cell {cell.setting}/{cell.arm} s{cell.seed} is there already"
            raise document.wrong(path, f"{what}, by the grid at {document.place(same[content])}; leave it out of one")
        cells[cell] = same[content] = path


def _content(cell: Cell) -> Cell:
    """`cell` with its model by content, so that two spellings of one model are one."""
    return replace(cell, model=model_meant(cell).digest)


def _conditions(document: Source, written: list[str] | None, settings: Sequence[str]) -> tuple[str, ...]:
    if written is None:
        return ()
    spelled: list[str] = []
    for at, text in enumerate(written):
        try:
            for setting in settings:
                check_condition(text, installed().setting(setting))
            spelled.append(str(Condition.parse(text)))
        except HarnessError as error:
            raise document.wrong(("conditions", at), str(error)) from None
        if spelled[-1] in spelled[:-1]:
            raise document.wrong(("conditions", at), f"the condition {spelled[-1]} is there twice; keep one")
    if CLEAN not in spelled:
        raise document.wrong(("conditions",), f"without the condition {CLEAN} nothing can be compared; add it")
    return tuple(spelled)


def _claims(document: Source, written: str | None) -> Path | None:
    if written is None:
        return None
    file = document.file.parent / written
    if not file.is_file():
        raise document.wrong(("claims",), f"no claims file at {file}; paths count from the experiment's folder")
    return file
