"""Results to tables: arm by condition for every metric, and what each condition wakes beyond the base model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.analysis.arms import Arm, arms_of, plain_of
from harness.analysis.blocks import Block, leaks, means
from harness.analysis.doses import Dosed, DoseSweep, sweep
from harness.analysis.grouping import grouped
from harness.analysis.mixtures import fits, lacking_seeds, mixtures, untaken
from harness.analysis.references import Published, published
from harness.analysis.results import Results, Run, no_collection
from harness.analysis.verdict_agreement import Agreement, agreement
from harness.contracts import CLEAN, Condition, Setting
from harness.files import digest_of
from harness.models import short_name
from harness.registry import Registry
from harness.runs import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """How far `judge` and its second judge, `check`, agree on every reply of the arm; `arm` "" is all arms."""

    judge: str
    check: str
    arm: str
    agreement: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All arms of one setting, scale and model under all conditions, and what a reader must know about them.

    `trait` is the metric that interventions try to suppress at this scale; it may not have been measured.
    """

    setting: str
    scale: str
    model: str
    trait: str
    conditions: tuple[str, ...]
    arms: tuple[Arm, ...]
    blocks: tuple[Block, ...]
    sweeps: tuple[DoseSweep, ...]
    published: tuple[Published, ...]
    agreed: tuple[Agreed, ...]
    notes: tuple[str, ...]


def tables(results: Results, registry: Registry) -> tuple[Table, ...]:
    """A table for each setting, scale and model in `results`, sorted. A model is one by content, not by its path."""
    names = _model_names(results.runs)
    groups = grouped(results.runs, lambda run: (run.cell.setting, run.cell.scale, names[run.model]))
    with no_collection():
        return tuple(_table(groups[key], key[2], registry) for key in sorted(groups))


def _model_names(runs: Sequence[Run]) -> dict[str, str]:
    """A name for each digest: the shortest form that tells all models of a report apart."""
    models = {run.model: run.cell.model for run in runs}
    short = {digest: short_name(reference) for digest, reference in models.items()}
    if len(set(short.values())) == len(models):
        return short
    if len(set(models.values())) == len(models):
        return models
    return {digest: f"{reference} {digest_of(digest)[:8]}" for digest, reference in models.items()}


def _table(runs: Sequence[Run], model: str, registry: Registry) -> Table:
    first = runs[0].cell
    setting = registry.settings.get(first.setting)
    arms = arms_of(runs, registry)
    conditions = _conditions(runs, setting, first.scale)
    metrics = _metrics(runs, setting)
    blocks = [means(metric, arms, conditions, setting) for metric in metrics]
    cells = {(arm, at, block.metric): cell for block in blocks for (arm, at), cell in block.cells.items()}
    trait = _trait(setting, first.scale, blocks)
    notes = [*mixtures(arms), *lacking_seeds(arms, conditions), *untaken(arms), *fits(arms)]
    if setting is None:
        notes.append(f"setting {first.setting!r} is not installed: conditions as found, no leak")
    else:
        leaking = leaks(trait, arms, conditions, setting)
        blocks += [] if leaking is None else [leaking]
        if trait not in metrics:
            notes.append(_lacking(trait, setting))
        elif leaking is None and len(conditions) > 1:
            notes.append("no leak: the untrained base model has not been evaluated here")
    return Table(
        setting=first.setting,
        scale=first.scale,
        model=model,
        trait=trait,
        conditions=conditions,
        arms=arms,
        blocks=tuple(blocks),
        sweeps=_sweeps(arms, metrics, setting),
        published=published(setting, first.scale, cells) if setting else (),
        agreed=tuple(_agreed(arms)),
        notes=tuple(notes),
    )


def _trait(setting: Setting | None, scale: str, blocks: Sequence[Block]) -> str:
    if setting is not None:
        return setting.trait_at(scale).name
    return next((block.metric for block in blocks if block.goal == "suppress"), "")


def _lacking(trait: str, setting: Setting) -> str:
    (judge,) = (metric.judge for metric in setting.metrics if metric.name == trait)
    return (
        f"the trait at this scale, {trait}, was not measured: its judge {judge} has not graded; "
        "'harness rejudge RUNS' lets it, with --grader MODEL where it asks one"
    )


def _agreed(arms: Sequence[Arm]) -> Iterator[Agreed]:
    """Every pair of judges, over all arms and then arm by arm."""
    found: dict[tuple[str, str, tuple[str, ...]], dict[str, list[Check]]] = {}
    for arm in arms:
        for check in (check for run in arm.runs for check in run.checks):
            pair = found.setdefault((check.judge, check.check, tuple(check.first)), {})
            for label in ("", arm.label):
                pair.setdefault(label, []).append(check)
    for (judge, second, names), by_arm in found.items():
        for label, checks in by_arm.items():
            told = agreement([check.first for check in checks], [check.second for check in checks], names=names)
            yield Agreed(judge=judge, check=second, arm=label, agreement=told)


def _sweeps(arms: Sequence[Arm], metrics: Sequence[str], setting: Setting | None) -> tuple[DoseSweep, ...]:
    """The curves of every intervention at two or more doses. Plain training stands for dose 0 where that is lacking."""
    families = grouped(arms, lambda arm: (arm.intervention, arm.weights))
    plain = plain_of(arms)
    found = []
    for same in families.values():
        if len(same) > 1:
            doses = [Dosed(arm.dose, arm.label, arm.runs) for arm in same]
            if plain is not None and all(arm.dose > 0 for arm in same):
                doses.append(Dosed(0.0, plain.label, plain.runs))
            label = replace(same[0].runs[0].cell, dose=1.0).arm
            found.append(sweep(doses, label=label, metrics=metrics, setting=setting))
    return tuple(one for one in found if one is not None)


def _metrics(runs: Iterable[Run], setting: Setting | None) -> list[str]:
    seen = dict.fromkeys(metric for run in runs for _, metric in run.values)
    known = [metric.name for metric in setting.metrics] if setting else []
    return [name for name in known if name in seen] + [name for name in seen if name not in known]


def _conditions(runs: Iterable[Run], setting: Setting | None, scale: str) -> tuple[str, ...]:
    seen = dict.fromkeys(condition for run in runs for condition, _ in run.values)
    known = [str(Condition.parse(text)) for text in (setting.conditions.get(scale, ()) if setting else ())]
    ordered = dict.fromkeys([CLEAN, *known, *seen])
    return tuple(name for name in ordered if name in seen)
