"""Grids of cells, and the untrained models that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import prod
from pathlib import Path

from harness import laws
from harness.cells.cell import Cell, Prepared
from harness.cells.preparing import prepare, scales
from harness.cells.questions import asked
from harness.contracts import Condition, Setting
from harness.errors import HarnessError
from harness.models import resolve_dtype
from harness.registry import installed

BASE = "base"

MOST_CELLS = 10_000
"""The most cells that are planned at once: each is checked, keyed and held in memory before the first one starts."""


def check_count(count: int) -> None:
    """HarnessError for more cells than are planned at once."""
    if count > MOST_CELLS:
        raise HarnessError(f"these are {count:,} cells, and at most {MOST_CELLS:,} are planned at once; ask for fewer")


def base_folders(cells: Sequence[Cell], root: Path) -> list[Path]:
    """The run folders of `bases_of` these cells."""
    return [base.folder(root) for base in bases_of([prepared(cell) for cell in cells])]


def prepared(cell: Cell) -> Prepared:
    """`cell` checked and keyed for this machine, the judges of its setting tried."""
    recipe = installed().setting(cell.setting).recipe(cell.scale)
    made = prepare(cell, dtype=resolve_dtype(recipe.dtype))
    _try_judges(made.setting, cell.scale)
    return made


def _try_judges(setting: Setting, scale: str) -> None:
    """HarnessError for a judge that breaks a law on the first case of a split that it grades."""
    first = {split: cases[0] for split, cases in asked(setting, scale, Condition()).items() if cases}
    pairs = dict.fromkeys((metric.judge, metric.split) for metric in setting.metrics if metric.split in first)
    for name, split in pairs:
        laws.try_once(installed().judge(name), first[split])


def bases_of(cells: Sequence[Prepared]) -> list[Prepared]:
    """The untrained models that `cells` are compared with, each once, without those that are among `cells`."""
    bases = {base.key: base for cell in cells if (base := _base_of(cell)) is not None}
    return [base for key, base in bases.items() if key not in {cell.key for cell in cells}]


def _base_of(cell: Prepared) -> Prepared | None:
    if BASE not in installed().interventions or not cell.intervention.trains:
        return None
    return prepared(replace(cell.cell, intervention=BASE, seed=0, dose=1.0, weights=""))


def grid(
    settings: Sequence[str],
    interventions: Sequence[str],
    *,
    scale: str = "mini",
    model: str = "",
    seeds: Sequence[int] = (0,),
    doses: Sequence[float] = (1.0,),
    weights: Sequence[str] = ("",),
    vector_grader: str = "",
) -> list[Cell]:
    """Every combination, seeds fastest. An arm with nothing to scale is there once, at dose 1; `base` at seed 0.

    Likewise an arm that takes no weights is there once, without them, beside one that does. HarnessError for more than
    `MOST_CELLS`, before any is made.
    """
    check_count(prod(map(len, (settings, interventions, weights, doses, seeds))))
    cells = [
        Cell(
            setting=setting,
            intervention=name,
            scale=scale,
            model=model,
            seed=seed,
            dose=dose,
            weights=balance,
            vector_grader=vector_grader,
        )
        for setting, name, balance, dose, seed in product(settings, interventions, weights, doses, seeds)
    ]
    takes = {name for name in interventions if installed().intervention(name).given is not None}
    if takes:
        cells = [cell if cell.intervention in takes else replace(cell, weights="") for cell in cells]
    if any(scales(cell) for cell in cells):
        cells = [cell if scales(cell) else replace(cell, dose=1.0) for cell in cells]
    return list(dict.fromkeys(replace(c, seed=0) if c.intervention == BASE else c for c in cells))
