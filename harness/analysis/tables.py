"""Results to tables: arm by condition for every metric, and what each condition wakes beyond the base model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.analysis.agreement import Agreement, agreement
from harness.analysis.doses import Dosed, Sweep, sweep
from harness.analysis.references import Published, published
from harness.analysis.results import Check, Results, Run, no_collection
from harness.contracts import Condition, Goal, Setting
from harness.files import digest_of
from harness.models import short_name
from harness.registry import Registry
from harness.stats import Estimate, Observation, estimate, leak

CLEAN = str(Condition())
PER_SEED = frozenset({"cell", "rows"})  # inputs that change with the seed
PER_ARM = PER_SEED | {"steering", "conditions"}  # inputs that may change with the arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One row of a table: an intervention with its weights at a dose, its seeds pooled.

    `failed` has a line per failed gate.
    """

    label: str
    intervention: str
    weights: str
    dose: float
    trains: bool
    control: bool
    runs: tuple[Run, ...]
    failed: tuple[str, ...]

    @property
    def concept(self) -> str:
        """What the arm's prompt or vector is about; "" where it has none, or was run before that was recorded."""
        return next((run.concept for run in self.runs if run.concept), "")

    @property
    def seeds(self) -> tuple[int, ...]:
        """The training seeds that are pooled, sorted."""
        return tuple(sorted(run.cell.seed for run in self.runs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The figures of one metric, by (arm label, condition). `percent` says that all values are shares."""

    metric: str
    kind: Literal["mean", "leak"]
    goal: Goal | None
    summary: str
    percent: bool
    cells: Mapping[tuple[str, str], Estimate]


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
    sweeps: tuple[Sweep, ...]
    published: tuple[Published, ...]
    agreed: tuple[Agreed, ...]
    notes: tuple[str, ...]


def tables(results: Results, registry: Registry) -> tuple[Table, ...]:
    """A table for each setting, scale and model in `results`, sorted. A model is one by content, not by its path."""
    names = _model_names(results.runs)
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in results.runs:
        groups.setdefault((run.cell.setting, run.cell.scale, names[run.model]), []).append(run)
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
    arms = _arms(runs, registry)
    conditions = _conditions(runs, setting, first.scale)
    metrics = _metrics(runs, setting)
    blocks = [_means(metric, arms, conditions, setting) for metric in metrics]
    means = {(arm, at, block.metric): cell for block in blocks for (arm, at), cell in block.cells.items()}
    trait = _trait(setting, first.scale, blocks)
    notes = [*_mixtures(arms), *_missing(arms, conditions)]
    if setting is None:
        notes.append(f"setting {first.setting!r} is not installed: conditions as found, no leak")
    else:
        leaks = _leaks(trait, arms, conditions, setting)
        blocks += leaks
        if trait not in metrics:
            notes.append(_lacking(trait, setting))
        elif not leaks and len(conditions) > 1:
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
        published=published(setting, first.scale, means) if setting else (),
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
        "`harness rejudge RUNS` lets it, with --grader MODEL where it asks one"
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


def _arms(runs: Sequence[Run], registry: Registry) -> tuple[Arm, ...]:
    groups: dict[tuple[str, str, float], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.cell.intervention, run.cell.weights, run.cell.dose), []).append(run)
    arms = [_arm(name, weights, dose, same, registry) for (name, weights, dose), same in groups.items()]
    return tuple(sorted(arms, key=_rank))


def _arm(name: str, weights: str, dose: float, runs: Sequence[Run], registry: Registry) -> Arm:
    record = registry.interventions.get(name)
    ordered = tuple(sorted(runs, key=lambda run: run.cell.seed))
    return Arm(
        label=ordered[0].cell.arm,
        intervention=name,
        weights=weights,
        dose=dose,
        trains=record.trains if record else name != "base",
        control=record.control if record else False,
        runs=ordered,
        failed=tuple(
            f"seed {run.cell.seed}: gate {gate.name} failed: saw {gate.seen}, wanted {gate.wanted}"
            for run in ordered
            for gate in run.failed
        ),
    )


def _rank(arm: Arm) -> tuple[bool, bool, bool, str, str, bool, float]:
    plain = arm.intervention != "none"
    return (arm.trains, plain, arm.control, arm.intervention, arm.weights, arm.dose != 1, arm.dose)


def _sweeps(arms: Sequence[Arm], metrics: Sequence[str], setting: Setting | None) -> tuple[Sweep, ...]:
    """The curves of every intervention at two or more doses. Plain training stands for dose 0 where that is lacking."""
    families: dict[tuple[str, str], list[Arm]] = {}
    for arm in arms:
        families.setdefault((arm.intervention, arm.weights), []).append(arm)
    plain = next((arm for arm in arms if arm.intervention == "none"), None)
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


def _pooled(arm: Arm, condition: str, metric: str) -> list[Observation]:
    return [seen for run in arm.runs for seen in run.values.get((condition, metric), ())]


def _means(name: str, arms: Sequence[Arm], conditions: Sequence[str], setting: Setting | None) -> Block:
    pooled = {(arm.label, condition): _pooled(arm, condition, name) for arm in arms for condition in conditions}
    return _block(name, "mean", pooled, {key: estimate(rows) for key, rows in pooled.items() if rows}, setting)


def _leaks(name: str, arms: Sequence[Arm], conditions: Sequence[str], setting: Setting) -> list[Block]:
    base = next((arm for arm in arms if not arm.trains), None)
    if base is None or CLEAN not in conditions or len(conditions) == 1:
        return []
    pooled = {(arm.label, condition): _pooled(arm, condition, name) for arm in arms for condition in conditions}
    cells: dict[tuple[str, str], Estimate] = {}
    for arm in arms:
        for condition in conditions:
            parts = [pooled[row.label, at] for row in (arm, base) for at in (condition, CLEAN)]
            if arm.trains and condition != CLEAN and all(parts):
                own, own_clean, untrained, untrained_clean = parts
                cells[arm.label, condition] = leak(
                    arm=own, arm_clean=own_clean, base=untrained, base_clean=untrained_clean
                )
    return [_block(name, "leak", pooled, cells, setting)] if cells else []


def _block(
    name: str,
    kind: Literal["mean", "leak"],
    pooled: Mapping[tuple[str, str], Sequence[Observation]],
    cells: Mapping[tuple[str, str], Estimate],
    setting: Setting | None,
) -> Block:
    metric = next((one for one in setting.metrics if one.name == name), None) if setting else None
    values = [seen.value for rows in pooled.values() for seen in rows if seen.value is not None]
    return Block(
        metric=name,
        kind=kind,
        goal=metric.goal if metric else None,
        summary=metric.summary if metric else "",
        percent=all(0 <= value <= 1 for value in values),
        cells=cells,
    )


def _mixtures(arms: Sequence[Arm]) -> list[str]:
    """A line for each input that differs where it should not: between an arm's seeds, or between arms."""
    notes = []
    for arm in arms:
        for name in sorted({name for run in arm.runs for name in run.inputs} - PER_SEED):
            kinds = _kinds(name, arm.runs)
            if len(kinds) > 1:
                notes.append(f"{arm.label} averages over runs with different {name}: {_by_seed(kinds)}")
    everything = [run for arm in arms for run in arm.runs]
    for name in sorted({name for run in everything for name in run.inputs} - PER_ARM):
        kinds = _kinds(name, everything)
        if len(kinds) > 1 and not any(f"different {name}:" in note for note in notes):
            groups = "; ".join(
                ", ".join(dict.fromkeys(run.cell.intervention for run in same)) for same in kinds.values()
            )
            notes.append(f"arms differ in {name}; compare only within: {groups}")
    return notes


def _kinds(name: str, runs: Iterable[Run]) -> dict[str, list[Run]]:
    kinds: dict[str, list[Run]] = {}
    for run in runs:
        if name in run.inputs:
            kinds.setdefault(json.dumps(run.inputs[name], sort_keys=True), []).append(run)
    return kinds


def _by_seed(kinds: Mapping[str, Sequence[Run]]) -> str:
    return " against ".join("seeds " + ", ".join(str(run.cell.seed) for run in same) for same in kinds.values())


def _missing(arms: Sequence[Arm], conditions: Sequence[str]) -> list[str]:
    notes = []
    for arm in arms:
        for condition in conditions:
            lacking = [run.cell.seed for run in arm.runs if not any(at == condition for at, _ in run.values)]
            if 0 < len(lacking) < len(arm.runs):
                notes.append(f"{arm.label}: {condition} lacks seed {', '.join(map(str, lacking))}")
    return notes
