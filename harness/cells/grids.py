"""Grids of cells, and the untrained models that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import prod
from pathlib import Path

from harness import laws
from harness.cells.cell import Cell, Prepared
from harness.cells.preparing import prepare, scales, worded
from harness.cells.questions import asked
from harness.cells.wordings import texts_of
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
    return prepared(replace(cell.cell.untrained, intervention=BASE, seed=0, dose=1.0, weights=""))


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
    epochs: int = 0,
    untils: Sequence[float] = (1.0,),
    lora_targets: str = "",
    engine: str = "",
    prompts: Sequence[str] = (),
) -> list[Cell]:
    """Every combination, seeds fastest. An arm with nothing to scale is there once, at dose 1; `base` once, at seed 0.

    Likewise an arm that takes no weights, or no prompt, is there once, without them, beside one that does. `prompts`
    are texts, or names of a setting's prompts. HarnessError for more than `MOST_CELLS`, before any is made.
    """
    check_count(prod(map(len, (settings, interventions, weights, prompts or ("",), doses, untils, seeds))))
    texts = {name: _texts(name, interventions, prompts) for name in settings}
    like = Cell(
        setting="",
        intervention="",
        scale=scale,
        model=model,
        vector_grader=vector_grader,
        epochs=epochs,
        lora_targets=lora_targets,
        engine=engine,
    )
    cells = [
        replace(like, setting=setting, intervention=name, weights=given, prompt=text, dose=dose, until=until, seed=seed)
        for setting, words in texts.items()
        for name, given, text, dose, until, seed in product(interventions, weights, words, doses, untils, seeds)
    ]
    return _each_once([_worded(cell) for cell in cells])


def _each_once(cells: Sequence[Cell]) -> list[Cell]:
    """`cells` without what means nothing to an arm, each once."""
    takes = {cell.intervention for cell in cells if installed().intervention(cell.intervention).given is not None}
    if takes:
        cells = [cell if cell.intervention in takes else replace(cell, weights="") for cell in cells]
    if any(cell.dose != 1 for cell in cells) and any(map(scales, cells)):
        cells = [cell if scales(cell) else replace(cell, dose=1.0) for cell in cells]
    untrained = (replace(c.untrained, seed=0) if c.intervention == BASE else c for c in cells)
    return list(dict.fromkeys(untrained))


def _texts(setting: str, interventions: Sequence[str], prompts: Sequence[str]) -> tuple[str, ...]:
    """The texts that `prompts` mean on `setting`, "" for none; HarnessError where no arm would take one."""
    if not prompts:
        return ("",)
    check_takers(interventions)
    return texts_of(prompts, installed().setting(setting))


def check_takers(interventions: Sequence[str]) -> None:
    """HarnessError where none of these puts a prompt on rows that another could stand for."""
    if all(installed().intervention(name).prompt is None for name in interventions):
        raise HarnessError(
            f"none of the interventions takes a prompt: {', '.join(interventions)}; leave the prompts out"
        )


def _worded(cell: Cell) -> Cell:
    """`cell` with its prompt, if its intervention takes one, and that is not its own."""
    intervention = installed().intervention(cell.intervention)
    if intervention.prompt is None or not cell.prompt:
        return replace(cell, prompt="")
    return worded(cell, intervention, installed().setting(cell.setting))
