"""The difference of two arms: one function for every page, table and claim, so that one comparison has one number.

With it stand what was left out and why, and how far the replies that nobody could judge might move it: all of them
taken as 0, or as 1, whichever makes least of the difference, and most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.analysis.arms import Arm
from harness.analysis.studies import Study
from harness.contracts import CLEAN
from harness.runs import faults
from harness.stats import Contrast, Term, are_rates, contrast


class NotRun(Exception):
    """Something that a comparison needs has no finished run; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference of two arms and what it rests on.

    `seeds` is the least number of seeds that a trained arm has in any part of it, and `unjudged` counts the replies
    that could not be judged. `left_out` says what was there and not used, one line each.
    """

    contrast: Contrast
    metrics: tuple[str, ...]
    arms: tuple[Arm, ...]
    conditions: tuple[str, ...]
    seeds: int
    terms: tuple[Term, ...] = ()
    unjudged: int = 0
    left_out: tuple[str, ...] = ()

    def ends(self) -> tuple[Contrast, ...]:
        """The difference with the replies that were not judged counted against it, and for it.

        None where there are none such, or where scores have no bounds.
        """
        if not self.unjudged or not all(are_rates(term.observations) for term in self.terms):
            return ()
        return tuple(
            contrast([_filled(term, 1.0 if (term.weight > 0) == most else 0.0) for term in self.terms])
            for most in (False, True)
        )


def difference(
    study: Study, arm: str, against: str, *, metric: str, conditions: Sequence[str], leak: bool = False
) -> Difference:
    """The mean of `metric` in `arm` minus that in `against`, both by their labels, averaged over `conditions`.

    With `leak` it is of what the conditions add to clean. NotRun names what is lacking for it.
    """
    arms, faulty = sound([_arm(label, study) for label in (arm, against)])
    terms: list[Term] = []
    for one, sign in zip(arms, (1.0, -1.0), strict=True):
        if lacking := [text for text in conditions if not one.replies(text, metric)]:
            raise NotRun(f"{metric} was not measured under {lacking[0]} for {one.label}")
        terms += [_term(sign / len(conditions), one, metric, text) for text in conditions]
        if leak:
            # The untrained model answers alike for both arms: its part of either leak cancels in the difference.
            terms.append(_term(-sign, one, metric, CLEAN))
    if any(not term.observations for term in terms):
        raise NotRun(f"{metric} was not measured in clean for both {arms[0].label} and {arms[1].label}")
    return _difference(study, arms, terms, metric, (*conditions, *([CLEAN] if leak else [])), faulty)


def shared_conditions(study: Study, labels: Sequence[str], *, metric: str, conditions: Sequence[str]) -> list[str]:
    """Those of `conditions` under which all arms of these labels have replies for `metric`."""
    arms = [_arm(label, study) for label in labels]
    return [text for text in conditions if all(arm.replies(text, metric) for arm in arms)]


def sound(arms: Iterable[Arm]) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """The arms without the runs in which a gate failed that no outcome decides, and a line for each such run."""
    kept, lines = [], []
    for arm in arms:
        broken = {run.folder: found for run in arm.runs if (found := faults(run.record.gates))}
        kept.append(replace(arm, runs=tuple(run for run in arm.runs if run.folder not in broken)) if broken else arm)
        for run in arm.runs:
            for name, gate in broken.get(run.folder, {}).items():
                where = f"{arm.label}, seed {run.cell.seed}: left out"
                lines.append(f"{where}, gate {name} failed: saw {gate.seen}, wanted {gate.wanted}")
    return tuple(kept), tuple(lines)


def _arm(label: str, study: Study) -> Arm:
    found = next((arm for arm in (*study.arms, *study.along) if arm.label == label), None)
    if found is None:
        raise NotRun(f"no finished run of {study.setting}/{label}")
    return found


def _term(weight: float, arm: Arm, metric: str, condition: str) -> Term:
    return Term(weight, arm.replies(condition, metric), trained=arm.trains)


def _difference(
    study: Study, arms: Sequence[Arm], terms: list[Term], metric: str, conditions: Sequence[str], faulty: Iterable[str]
) -> Difference:
    terms.sort(key=lambda term: not term.trained)
    found = contrast(terms)
    if found.mean is None:
        raise NotRun(f"{arms[0].label} and {arms[1].label} have no seed and question in common")
    known = study.metric(metric)
    # A score that is None since the reply does not count says nothing of what it might have been.
    countable = known is None or not known.subset
    return Difference(
        contrast=found,
        metrics=(metric,),
        arms=tuple(arms),
        conditions=tuple(conditions),
        seeds=least_seeds(terms),
        terms=tuple(terms),
        unjudged=sum(seen.value is None for term in terms for seen in term.observations) if countable else 0,
        left_out=(*faulty, *found.unused),
    )


def least_seeds(terms: Iterable[Term]) -> int:
    """The least number of seeds with a value that a trained term has."""
    return min(len({seen.seed for seen in one.observations if seen.value is not None}) for one in terms if one.trained)


def _filled(term: Term, value: float) -> Term:
    filled = {id(seen): replace(seen, value=value) for seen in term.observations if seen.value is None}
    return replace(term, observations=[filled.get(id(seen), seen) for seen in term.observations])
