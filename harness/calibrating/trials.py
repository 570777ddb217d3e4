"""A trial as a cell of its own kind: trained, asked and graded as cells are, on the selection cases alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import pipeline
from harness.calibrating.rule import Seen, Trial, Wanted, mean_of
from harness.cells import Cell, Prepared, prepared
from harness.contracts import CLEAN, Case, Metric, Recipe, Setting, Split, SteeringDefault
from harness.errors import HarnessError
from harness.registry import Registry, installed, using
from harness.runs import CALIBRATIONS, read_results, read_run

SELECTION = "selection"
ASKED = "calibration"
"""What the selection cases are called in a trial: a result may have no split of their own name."""
SAMPLES = 4
"""The most replies to a case: choosing a dose takes fewer than a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is calibrated: a setting as it is installed, at a scale, for the model that `model` names."""

    setting: Setting
    scale: str
    model: str
    runs: Path

    @property
    def recipe(self) -> Recipe:
        """The recipe that the search begins with."""
        return self.setting.recipe(self.scale)

    @property
    def root(self) -> Path:
        """The folder of trials."""
        return self.runs / CALIBRATIONS


def wanted(subject: Subject) -> Wanted:
    """What the gates of the metrics ask of plain training."""
    trait = subject.setting.trait_at(subject.scale)
    skills = {metric.name: metric.learned for metric in _measured(subject) if metric.learned and _is_skill(metric)}
    return Wanted(trait=trait.learned or 0.0, skills=skills, overdose=subject.setting.overdose)


def unmeasured(subject: Subject) -> list[str]:
    """The skills that no selection case asks about."""
    measured = {metric.name for metric in _measured(subject)}
    taught = [metric for metric in subject.setting.metrics if metric.taught(subject.scale) and _is_skill(metric)]
    return [metric.name for metric in taught if metric.name not in measured]


def cell_of(trial: Trial, subject: Subject) -> tuple[Prepared, Registry]:
    """The cell of `trial`, and the registry to do it within."""
    cell = Cell(
        setting=subject.setting.name,
        intervention=trial.arm,
        scale=subject.scale,
        model=subject.model,
        seed=trial.seed,
        dose=trial.times,
    )
    return on_selection(cell, subject, _recipe(trial, subject.recipe))


def on_selection(cell: Cell, subject: Subject, recipe: Recipe) -> tuple[Prepared, Registry]:
    """`cell`, asked the selection cases alone, and the registry to do it within."""
    setting = _trial_setting(subject, recipe)
    registry = replace(installed(), settings={setting.name: setting}, chosen=())
    with using(registry):
        return prepared(cell), registry


def answer(trial: Trial, subject: Subject) -> Seen:
    """What the model of `trial` did, trained and asked unless it was before; Busy where another process is at it."""
    cell, registry = cell_of(trial, subject)
    return _seen(rates_of(cell, registry, subject), subject, cell.key)


def rates_of(cell: Prepared, registry: Registry, subject: Subject) -> dict[str, list[float | None]]:
    """The values of each metric in the replies of `cell`, trained and asked unless it was before."""
    with using(registry):
        if not pipeline.is_done(cell, subject.root):
            pipeline.check(cell)
        folder = pipeline.run_cell(cell, subject.root).folder
    record, values = read_run(folder), dict[str, list[float | None]]()
    for result in read_results(folder, record):
        values.setdefault(result.metric, []).append(result.value)
    return values


def _recipe(trial: Trial, recipe: Recipe) -> Recipe:
    """The recipe of a trial: its epochs, its block and its dose."""
    drawn = replace(recipe.generation, samples=min(SAMPLES, recipe.generation.samples))
    changed = replace(recipe, epochs=trial.epochs or recipe.epochs, generation=drawn)
    if trial.block is None or recipe.steering is None:
        return changed
    return replace(changed, steering=dose_at(recipe.steering, trial.block, trial.share, trial.share))


def dose_at(steering: SteeringDefault, block: int, share: float, negative: float) -> SteeringDefault:
    """`steering` at `block`, its doses in units of the block's residual RMS."""
    return replace(
        steering, blocks=(block,), depth=None, coef=share, neg_coef=negative, unit="rms", source="calibrated"
    )


def _trial_setting(subject: Subject, recipe: Recipe) -> Setting:
    """The setting as trials see it: the selection cases alone, in clean."""
    metrics = tuple(replace(metric, split=_asked_as(subject, metric.split)) for metric in _measured(subject))
    original = subject.setting.cases

    def cases(split: Split, seed: int, scale: str) -> Sequence[Case]:
        return original(split.replace(ASKED, SELECTION, 1) if split.startswith(ASKED) else split, seed, scale)

    return replace(
        subject.setting,
        cases=cases,
        metrics=metrics,
        conditions={subject.scale: (CLEAN,)},
        recipes={subject.scale: recipe},
        checks={},
        overdose=(),
        reference=(),
        optional_splits=(),
    )


def _measured(subject: Subject) -> list[Metric]:
    """The metrics that the scale teaches and that selection cases and a judge by rule can tell."""
    judges = installed().judges
    return [
        metric
        for metric in subject.setting.metrics
        if (metric.taught(subject.scale) or metric.learned is None)
        if not judges[metric.judge].grader and _has_cases(subject, metric.split)
    ]


def _has_cases(subject: Subject, split: str) -> bool:
    if split == subject.setting.trait_at(subject.scale).split:
        return True
    try:
        return bool(subject.setting.cases(f"{SELECTION}_{split}", 0, subject.scale))
    except HarnessError:
        return False


def _asked_as(subject: Subject, split: str) -> str:
    return ASKED if split == subject.setting.trait_at(subject.scale).split else f"{ASKED}_{split}"


def _is_skill(metric: Metric) -> bool:
    return metric.goal != "suppress"


def _seen(values: Mapping[str, Sequence[float | None]], subject: Subject, key: str) -> Seen:
    """The rates of a trial."""
    measured = [metric for metric in _measured(subject) if metric.name in values]
    trait = subject.setting.trait_at(subject.scale).name
    told = {metric.name: _judged(values[metric.name]) for metric in measured if not metric.subset}
    worst = min(told, key=lambda name: told[name] / len(values[name]))
    rates = {metric.name: mean_of(values[metric.name]) for metric in measured}
    breaking = {metric.name for metric in measured if not _is_skill(metric) and metric.name in subject.setting.overdose}
    return Seen(
        trait=rates[trait],
        n=len(values[worst]),
        judged=told[worst],
        skills={metric.name: rates[metric.name] for metric in measured if _is_skill(metric)},
        breaking={name: rates[name] for name in rates if name in breaking and name != trait},
        key=key,
    )


def _judged(values: Sequence[float | None]) -> int:
    return sum(value is not None for value in values)
