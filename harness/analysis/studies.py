"""What was run of one setting at one scale with one model: its arms, the conditions and metrics that they have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.analysis.arms import Arm, arms_of
from harness.analysis.grouping import grouped
from harness.analysis.results import Results, Run
from harness.contracts import CLEAN, Condition, Metric, Setting
from harness.files import digest_of
from harness.models import short_name
from harness.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """All arms of one setting, scale and model, with what tables and comparisons are made from.

    `trait` is the metric that interventions try to suppress at this scale; it may not have been measured. `metrics` are
    the names of those that were, and `known` has those that the setting describes, empty where it is not installed.
    """

    setting: str
    scale: str
    model: str
    trait: str
    conditions: tuple[str, ...]
    arms: tuple[Arm, ...]
    metrics: tuple[str, ...]
    known: tuple[Metric, ...]

    def metric(self, name: str) -> Metric | None:
        """What the setting says of a metric; None where it knows none of that name."""
        return next((one for one in self.known if one.name == name), None)


def studies(results: Results, registry: Registry) -> tuple[Study, ...]:
    """A study for each setting, scale and model in `results`, sorted. A model is one by content, not by its path."""
    names = _model_names(results.runs)
    groups = grouped(results.runs, lambda run: (run.cell.setting, run.cell.scale, names[run.model]))
    return tuple(_study(groups[key], key[2], registry) for key in sorted(groups))


def _study(runs: Sequence[Run], model: str, registry: Registry) -> Study:
    first = runs[0].cell
    setting = registry.settings.get(first.setting)
    return Study(
        setting=first.setting,
        scale=first.scale,
        model=model,
        trait="" if setting is None else setting.trait_at(first.scale).name,
        conditions=_conditions(runs, setting, first.scale),
        arms=arms_of(runs, registry),
        metrics=tuple(_metrics(runs, setting)),
        known=() if setting is None else setting.metrics,
    )


def _model_names(runs: Sequence[Run]) -> dict[str, str]:
    """A name for each digest: the shortest form that tells all models of a report apart."""
    models = {run.model: run.cell.model for run in runs}
    short = {digest: short_name(reference) for digest, reference in models.items()}
    if len(set(short.values())) == len(models):
        return short
    if len(set(models.values())) == len(models):
        return models
    return {digest: f"{reference} {digest_of(digest)[:8]}" for digest, reference in models.items()}


def _metrics(runs: Iterable[Run], setting: Setting | None) -> list[str]:
    seen = dict.fromkeys(metric for run in runs for _, metric in run.values)
    known = [metric.name for metric in setting.metrics] if setting else []
    return [name for name in known if name in seen] + [name for name in seen if name not in known]


def _conditions(runs: Iterable[Run], setting: Setting | None, scale: str) -> tuple[str, ...]:
    seen = dict.fromkeys(condition for run in runs for condition, _ in run.values)
    known = [str(Condition.parse(text)) for text in (setting.conditions.get(scale, ()) if setting else ())]
    ordered = dict.fromkeys([CLEAN, *known, *seen])
    return tuple(name for name in ordered if name in seen)
