"""What a comparison of a claim measures in the tables of finished runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.analysis import Arm, Table, paired, pooled, triggers
from harness.claims.schema import PROMPTS, TRAIT, TRIGGERS, Claims, Comparison, arm_label
from harness.contracts import CLEAN, Condition
from harness.stats import Contrast, Term, contrast


class NotRun(Exception):
    """Something that a comparison needs has no finished run; the message names it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two arms, the metrics that it is of, and the arms with the runs that it rests on."""

    contrast: Contrast
    metrics: tuple[str, ...]
    arms: tuple[Arm, ...]


def measured(comparison: Comparison, table: Table, claims: Claims) -> Difference:
    """The difference `arm - against` that `comparison` asks for; NotRun naming what is lacking."""
    if comparison.measure == "balance":
        return _balance(comparison, table, claims)
    arms = [_arm(text, table) for text in (comparison.arm, comparison.against)]
    metric = _trait(table) if comparison.metric == TRAIT else comparison.metric
    asked = _conditions(comparison, table)
    shared = [text for text in asked if all(pooled(arm.runs, text, metric) for arm in arms)]
    lacking = [text for text in asked if text not in shared]
    if lacking and not set(comparison.conditions) & {TRIGGERS, PROMPTS}:
        raise NotRun(f"{metric} was not measured under {lacking[0]} for both {arms[0].label} and {arms[1].label}")
    if not shared:
        raise NotRun(f"{metric} was measured under none of the conditions for both {arms[0].label} and {arms[1].label}")
    terms: list[Term] = []
    for arm, sign in zip(arms, (1.0, -1.0), strict=True):
        terms += [_term(sign / len(shared), arm, metric, text) for text in shared]
        if comparison.measure == "leak":
            # The untrained model answers alike for both arms: its part of either leak cancels in the difference.
            terms.append(_term(-sign, arm, metric, CLEAN))
    if any(not term.observations for term in terms):
        raise NotRun(f"{metric} was not measured in clean for both {arms[0].label} and {arms[1].label}")
    found = contrast(_trained_first(terms))
    if found.spread is None:
        raise NotRun(f"{arms[0].label} and {arms[1].label} have no seed and question in common")
    return Difference(found, (metric,), tuple(arms))


def _term(weight: float, arm: Arm, metric: str, condition: str) -> Term:
    return Term(weight, pooled(arm.runs, condition, metric), trained=arm.trains)


def _trained_first(terms: Sequence[Term]) -> list[Term]:
    return sorted(terms, key=lambda term: not term.trained)


def _arm(text: str, table: Table) -> Arm:
    label = arm_label(text)
    found = next((arm for arm in table.arms if arm.label == label), None)
    if found is None:
        raise NotRun(f"no finished run of {table.setting}/{label}")
    return found


def _trait(table: Table) -> str:
    if all(block.metric != table.trait for block in table.blocks):
        raise NotRun(f"the trait of {table.setting} at {table.scale}, {table.trait}, was not measured")
    return table.trait


def _conditions(comparison: Comparison, table: Table) -> tuple[str, ...]:
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


def _balance(comparison: Comparison, table: Table, claims: Claims) -> Difference:
    names = (comparison.arm, comparison.against)
    if comparison.targets not in claims.targets:
        raise NotRun(f"no file of balances at {claims.file.parent / comparison.targets}")
    targets = [one for one in claims.targets[comparison.targets] if one.setting == table.setting]
    terms = paired(table, targets, *names)
    if not terms:
        raise NotRun(f"no balance was set and run for both {names[0]} and {names[1]} in {table.setting}")
    arms = tuple(arm for arm in table.arms if arm.intervention in names)
    traits = tuple(dict.fromkeys(trait for one in targets for trait in one.shares))
    return Difference(replace(contrast(terms), bounded=True), traits, arms)
