"""Results to tables: arm by condition for every metric, and what each condition wakes beyond the base model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from harness.analysis.along import Course, courses
from harness.analysis.arms import Arm, plain_of
from harness.analysis.blocks import Block, leaks, means
from harness.analysis.doses import Dosed, DoseSweep, sweep
from harness.analysis.grouping import grouped
from harness.analysis.mixtures import cut_rows, fits, lacking_seeds, mixtures, untaken
from harness.analysis.needed_gates import all_gates
from harness.analysis.prompt_gains import PromptFit, prompt_fit
from harness.analysis.references import Published, published
from harness.analysis.results import Results, no_collection
from harness.analysis.scorecard import Scores, scorecard
from harness.analysis.studies import Study, studies
from harness.analysis.verdict_agreement import Agreement, agreement
from harness.contracts import CLEAN, Setting
from harness.registry import Registry
from harness.runs import Check, PooledGate, PromptCard, prompt_cards


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """How far `judge` and its second judge, `check`, agree on every reply of the arm; `arm` "" is all arms.

    `own` are the means of the scores that `check` alone gives, each over the replies where it gives a number.
    """

    judge: str
    check: str
    arm: str
    agreement: Agreement
    own: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Study):
    """A study with its figures, its gates, and what a reader must know about them."""

    gates: tuple[PooledGate, ...]
    blocks: tuple[Block, ...]
    sweeps: tuple[DoseSweep, ...]
    courses: tuple[Course, ...]
    published: tuple[Published, ...]
    agreed: tuple[Agreed, ...]
    prompts: PromptFit | None
    scores: tuple[Scores, ...]
    notes: tuple[str, ...]


def tables(results: Results, registry: Registry) -> tuple[Table, ...]:
    """A table for each setting, scale and model in `results`, sorted. A model is one by content, not by its path."""
    cards = prompt_cards(results.folder)
    with no_collection():
        return tuple(_table(one, registry.settings.get(one.setting), cards) for one in studies(results, registry))


def leaks_of(study: Study) -> Block | None:
    """What each condition wakes of the trait beyond what it does to the untrained model; None where that is unknown."""
    return leaks(study.trait, study.arms, study.conditions, study.metric(study.trait)) if study.known else None


def _table(study: Study, setting: Setting | None, cards: Sequence[PromptCard]) -> Table:
    gates = all_gates(study)
    study = replace(study, arms=tuple(_marked(arm, gates) for arm in study.arms))
    arms, conditions = study.arms, study.conditions
    blocks = [means(metric, arms, conditions, study.metric(metric)) for metric in study.metrics]
    cells = {(arm, at, block.metric): cell for block in blocks for (arm, at), cell in block.cells.items()}
    clean = {(arm, metric): cell for (arm, at, metric), cell in cells.items() if at == CLEAN}
    notes = [*mixtures(arms), *lacking_seeds(arms, conditions), *cut_rows(arms), *untaken(arms), *fits(arms)]
    if setting is None:
        notes.append(f"setting {study.setting!r} is not installed: conditions as found, no leak")
    else:
        leaking = leaks_of(study)
        blocks += [] if leaking is None else [leaking]
        if study.trait not in study.metrics:
            notes.append(_lacking(study.trait, setting))
        elif leaking is None and len(conditions) > 1:
            notes.append("no leak: the untrained base model has not been evaluated here")
    return Table(
        **{field.name: getattr(study, field.name) for field in fields(study)},
        gates=gates,
        blocks=tuple(blocks),
        sweeps=_sweeps(arms, study.metrics, setting),
        courses=courses(study),
        published=published(setting, study.scale, cells) if setting else (),
        agreed=tuple(_agreed(arms)),
        prompts=prompt_fit(study, cards),
        scores=scorecard(study, clean, gates, setting.overdose) if setting else (),
        notes=tuple(notes),
    )


def _marked(arm: Arm, gates: Sequence[PooledGate]) -> Arm:
    """The arm with a line for each gate that failed of its replies in clean."""
    own = [gate for gate in gates if gate.state == "failed" and (gate.arm, gate.condition) == (arm.label, CLEAN)]
    return replace(arm, failed=(*arm.failed, *(str(gate) for gate in own))) if own else arm


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
            first, other = [check.first for check in checks], [{**check.second, **check.own} for check in checks]
            told = agreement(first, other, names=names, clusters=[check.case for check in checks])
            yield Agreed(judge=judge, check=second, arm=label, agreement=told, own=_means(checks))


def _means(checks: Sequence[Check]) -> dict[str, float | None]:
    """The mean of each score that the second judge alone gave; None where it could nowhere tell."""
    given = {
        name: [told for check in checks if (told := check.own.get(name)) is not None]
        for name in dict.fromkeys(name for check in checks for name in check.own)
    }
    return {name: sum(told) / len(told) if told else None for name, told in given.items()}


def _sweeps(arms: Sequence[Arm], metrics: Sequence[str], setting: Setting | None) -> tuple[DoseSweep, ...]:
    """The curves of every intervention at two or more doses. Plain training stands for dose 0 where that is lacking."""
    families = grouped(arms, lambda arm: (arm.intervention, arm.weights, arm.prompt))
    plain = plain_of(arms)
    found = []
    for same in families.values():
        if len(same) > 1:
            doses = [Dosed(arm.dose, arm) for arm in same]
            if plain is not None and all(arm.dose > 0 for arm in same):
                doses.append(Dosed(0.0, plain))
            label = replace(same[0].runs[0].cell, dose=1.0).arm
            found.append(sweep(doses, label=label, metrics=metrics, setting=setting))
    return tuple(one for one in found if one is not None)
