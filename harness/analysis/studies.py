"""What was run of one setting at one scale with one model: its arms, the conditions and metrics that they have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.analysis.arms import Arm, arms_of
from harness.analysis.grouping import grouped
from harness.analysis.results import Results, Run
from harness.cells import BASE
from harness.contracts import CLEAN, Condition, Metric, Setting
from harness.files import digest_of
from harness.models import short_name
from harness.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """All arms of one setting, scale and model, with what tables and comparisons are made from.

    `along` are those of which training was stopped before its end; `epochs` is how long it was to be where that is not
    what the recipe says, else 0, and is said after the model's name, as are the layers that get an adapter where they
    are named.
    `trait` is the metric that interventions try to suppress at this scale; it may not have been measured. `metrics` are
    the names of those that were, and `known` has those that the setting describes, empty where it is not installed.
    `categories` has the kind of each condition that has one: a prompt's as the setting says, `vector`, `random vector`.
    """

    setting: str
    scale: str
    model: str
    trait: str
    conditions: tuple[str, ...]
    arms: tuple[Arm, ...]
    metrics: tuple[str, ...]
    known: tuple[Metric, ...]
    along: tuple[Arm, ...] = ()
    epochs: int = 0
    categories: Mapping[str, str] = field(default_factory=dict)

    def metric(self, name: str) -> Metric | None:
        """What the setting says of a metric; None where it knows none of that name."""
        return next((one for one in self.known if one.name == name), None)


def studies(results: Results, registry: Registry) -> tuple[Study, ...]:
    """A study for each setting, scale, model, named layers and number of epochs in `results`, sorted.

    A model is one by content, not by its path. The untrained one stands in all that are of it.
    """
    names = _model_names(results.runs)
    own = {run.folder: (run.cell.setting, run.cell.scale, names[run.model]) for run in results.runs}
    groups = grouped(results.runs, lambda run: (*own[run.folder], run.cell.lora_targets, run.cell.epochs))
    untrained = grouped(_untrained(results.runs), lambda run: own[run.folder])
    return tuple(
        _study(
            [*groups[key], *(untrained.get(key[:3], ()) if any(key[3:]) else ())],
            groups[key][0].cell.trained_on(key[2]),
            key[-1],
            registry,
        )
        for key in sorted(groups)
    )


def _untrained(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run.cell.intervention == BASE]


def _study(runs: Sequence[Run], model: str, epochs: int, registry: Registry) -> Study:
    first = runs[0].cell
    arms = arms_of(runs, registry)
    setting = registry.settings.get(first.setting)
    conditions = _conditions(runs, setting, first.scale)
    return Study(
        setting=first.setting,
        scale=first.scale,
        model=f"{model}, {epochs} epochs" if epochs else model,
        trait="" if setting is None else setting.trait_at(first.scale).name,
        conditions=conditions,
        categories={text: kind for text in conditions if (kind := _category(text, setting))},
        arms=tuple(arm for arm in arms if arm.until == 1),
        along=tuple(arm for arm in arms if arm.until != 1),
        epochs=epochs,
        metrics=tuple(_metrics(runs, setting)),
        known=() if setting is None else setting.metrics,
    )


def _category(text: str, setting: Setting | None) -> str:
    condition = Condition.parse(text)
    if condition.kind == "vector":
        return "random vector" if "random(" in condition.name else "vector" if condition.coef > 0 else ""
    prompt = setting.prompts.get(condition.name) if setting and condition.kind == "prompt" else None
    return prompt.category or "" if prompt else ""


def _model_names(runs: Sequence[Run]) -> dict[str, str]:
    """A name for each digest: the shortest form that tells all models of a report apart."""
    engines = {run.model: f" by {run.cell.engine}" if run.cell.engine else "" for run in runs}
    models = {run.model: run.cell.model + engines[run.model] for run in runs}
    short = {run.model: short_name(run.cell.model) + engines[run.model] for run in runs}
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
