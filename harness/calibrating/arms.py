"""A dose for any other arm, by the rule that chooses those of vectors, on the same cases and seeds.

Methods that are compared at the doses they came with are compared by what their authors, or we, happened to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from harness.calibrating.asked import Ask, Asked, Judged, Spent
from harness.calibrating.ladder import Span, between, climb, holds, refine
from harness.calibrating.rule import UNDOSED, Trial
from harness.calibrating.search import TRIES, Start, taught_seeds, why_none
from harness.calibrating.step import BUDGET, SEEDS, rate_of, told
from harness.calibrating.trials import Subject, cell_of, wanted
from harness.errors import HarnessError

LEAST, MOST, RUNG = 1 / 8, 8.0, sqrt(2)
"""The factors of an arm's own dose between which is searched, and the steps in which the largest that it takes is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDose:
    """What the search for an arm's dose came to: so many `times` its own, or None and `why`."""

    arm: str
    trials: tuple[Judged, ...]
    times: float | None = None
    why: str = ""

    @property
    def said(self) -> str:
        """The same in a line, with what is left of trait and skills on the first seed."""
        chosen = next((one for one in self.trials if (one.trial.arm, one.trial.share) == (self.arm, self.times)), None)
        if chosen is None:
            return f"{self.arm}: no dose: {self.why}"
        seen, plain = chosen.seen, next(one.seen for one in self.trials if one.trial.arm == "none")
        kept = ", ".join(
            f"{name} {rate_of(seen.skills.get(name))} of {rate_of(rate)}" for name, rate in plain.skills.items()
        )
        left = f"{self.times:.3g} times its dose leaves {rate_of(seen.trait)} of {rate_of(plain.trait)}"
        return f"{self.arm}: {left}; {kept}"


def dose_of(arm: str, subject: Subject, *, budget: int = BUDGET, seeds: Sequence[int] = SEEDS) -> ArmDose:
    """The dose of `arm` that the rule chooses with the epochs of the recipe, within `budget` cells of its own.

    HarnessError for an arm without a dose, or that does not apply. What was tried before is not tried again.
    """
    if arm in UNDOSED:
        raise HarnessError(f"{arm!r} has no dose; name an arm that changes something")
    span = Span(first=1.0, least=LEAST, most=_most(arm, subject, seeds[0]))
    whole = budget + 1 + len(seeds)
    start = Start(seeds=tuple(seeds), blocks=(), epochs=subject.recipe.epochs, wanted=wanted(subject), budget=whole)
    return search_of(arm, lambda trial: told(trial, subject), start, span)


def search_of(arm: str, ask: Ask, start: Start, span: Span) -> ArmDose:
    """The same by what `ask` answers: it knows nothing of models."""
    seed, epochs = start.seeds[0], start.epochs
    asked = Asked(ask, budget=start.budget, seed=seed, epochs=epochs, wanted=start.wanted, arm=arm)
    taught, missing = taught_seeds(asked, start, epochs)
    if missing:
        return ArmDose(arm=arm, trials=asked.all(), why=f"plain training does not teach: {'; '.join(missing)}")
    asked.seed, asked.kept = taught[0], len(taught) - 1
    times, why = _searched(asked, taught[1:], span)
    return ArmDose(arm=arm, trials=asked.all(), times=times, why=why)


def _searched(asked: Asked, others: Sequence[int], span: Span) -> tuple[float | None, str]:
    """The factor that suppresses, keeps the skill and holds on the `others` of the seeds; else None, and why."""
    try:
        climb(asked, None, span)
        refine(asked, None)
    except Spent:
        pass
    candidates = asked.candidates()[:TRIES]
    if not candidates:
        return None, why_none(asked)
    asked.kept = 0
    try:
        found = next((one for one in candidates if holds(asked, one, others)), None)
        found = found or between(asked, None, others, span)
    except Spent:
        found = None
    if found is None:
        doses = ", ".join(f"x{one.trial.share:.3g}" for one in candidates)
        return None, f"what suppressed on seed {asked.seed} did not hold on the others: {doses}"
    return found.trial.share, ""


def _most(arm: str, subject: Subject, seed: int) -> float:
    """The largest factor up to `MOST` that `arm` takes: a share of the rows ends at all of them."""
    most = 1.0
    cell_of(Trial(arm=arm, seed=seed, share=most), subject)
    while most * RUNG <= MOST + 1e-9:
        try:
            cell_of(Trial(arm=arm, seed=seed, share=most * RUNG), subject)
        except HarnessError:
            break
        most *= RUNG
    return most
