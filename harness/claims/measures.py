"""What a comparison of a claim measures in the studies of finished runs."""

from __future__ import annotations

from dataclasses import replace

from harness.analysis import (
    Difference,
    NotRun,
    Study,
    difference,
    least_seeds,
    paired,
    shared_conditions,
    sound,
    triggers,
)
from harness.claims.schema import PROMPTS, TRAIT, TRIGGERS, Claims, Comparison, arm_label
from harness.contracts import CLEAN, Condition
from harness.stats import contrast


def measured(comparison: Comparison, study: Study, claims: Claims) -> Difference:
    """The difference `arm - against` that `comparison`, of one metric, asks for; NotRun naming what is lacking."""
    if comparison.measure == "balance":
        return _balance(comparison, study, claims)
    labels = [arm_label(text) for text in (comparison.arm, comparison.against)]
    (name,) = comparison.metrics
    metric = _trait(study) if name == TRAIT else name
    asked = _conditions(comparison, study)
    if set(comparison.conditions) & {TRIGGERS, PROMPTS}:
        # What the words stand for is what both arms were asked under.
        asked = tuple(shared_conditions(study, labels, metric=metric, conditions=asked))
        if not asked:
            raise NotRun(f"{metric} was measured under none of the conditions for both {labels[0]} and {labels[1]}")
    return difference(study, *labels, metric=metric, conditions=asked, leak=comparison.measure == "leak")


def _trait(study: Study) -> str:
    if study.trait not in study.metrics:
        raise NotRun(f"the trait of {study.setting} at {study.scale}, {study.trait}, was not measured")
    return study.trait


def _conditions(comparison: Comparison, table: Study) -> tuple[str, ...]:
    """The conditions as the table spells them, with the words replaced by what they stand for."""
    asking = triggers(table.conditions)
    words = {
        TRIGGERS: asking,
        PROMPTS: tuple(text for text in asking if Condition.parse(text).kind == "prompt"),
    }
    named = [words[text] if text in words else (str(Condition.parse(text)),) for text in comparison.conditions]
    found = tuple(dict.fromkeys(text for some in named for text in some))
    if not found:
        raise NotRun(f"{table.setting} was run under no condition that asks for the trait")
    return found


def _balance(comparison: Comparison, study: Study, claims: Claims) -> Difference:
    names = (comparison.arm, comparison.against)
    if comparison.targets not in claims.targets:
        raise NotRun(f"no file of balances at {claims.file.parent / comparison.targets}")
    targets = [one for one in claims.targets[comparison.targets] if one.setting == study.setting]
    arms, faulty = sound([arm for arm in study.arms if arm.intervention in names])
    terms = paired(replace(study, arms=tuple(arm for arm in arms if arm.runs)), targets, *names)
    if not terms:
        raise NotRun(f"no balance was set and run for both {names[0]} and {names[1]} in {study.setting}")
    traits = tuple(dict.fromkeys(trait for one in targets for trait in one.shares))
    found = contrast(terms)
    return Difference(
        contrast=replace(found, bounded=True),
        metrics=traits,
        arms=arms,
        conditions=(CLEAN,),
        seeds=least_seeds(terms),
        left_out=(*faulty, *found.unused),
    )
