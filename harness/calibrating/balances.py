"""Weights for balances of traits: a few trainings on selection cases, and a line through what they reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis import Model, Point, Target, choose, distance, fit
from harness.authoring import weights
from harness.calibrating.rule import mean_of
from harness.calibrating.step import SEEDS
from harness.calibrating.trials import Subject, on_selection, rates_of
from harness.cells import Cell
from harness.errors import HarnessError, unknown
from harness.registry import installed
from harness.screen import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A target with the weights that should come nearest to it, the shares that these should give, and how far off."""

    setting: str
    intervention: str
    weights: str
    target: Mapping[str, float]
    expected: Mapping[str, float]
    error: float


def weigh(subject: Subject, targets: Sequence[Target], *, size: float, budget: int) -> list[Weighed]:
    """The weights for `targets` of the subject's setting, each arm's model fitted to a few trainings of it.

    `size` is the largest weight of a vector, raw; that of a prompt is 1. HarnessError where the trainings are more than
    the budget, or an arm takes no weights.
    """
    traits = _traits(subject, targets)
    arms = {name: _bounds(subject, name, size) for name in dict.fromkeys(one.intervention for one in targets)}
    needed = sum(len(designs(traits, *bounds)) for bounds in arms.values())
    if needed > budget:
        raise HarnessError(
            f"a budget of {budget} cells is too small for weights of {', '.join(arms)}: {needed} trainings, one for "
            f"each balance that the line is fitted to; give --budget {needed}"
        )
    found = []
    for name, bounds in arms.items():
        points = [_point(subject, name, balance, traits) for balance in designs(traits, *bounds)]
        model = fit(points)
        say(f"{name}: the line leaves {model.rms:.2f} unexplained, in log-ratio")
        found += [_weighed(subject, model, one, *bounds) for one in targets if one.intervention == name]
    return found


def designs(traits: Sequence[str], low: float, high: float) -> list[dict[str, float]]:
    """The balances that are trained, nothing first.

    Prompts: each trait alone, and all. Vectors: each trait against the others, and the first the other way round; their
    weights sum to 0, because what all traits have in common (not being English, say) would drive all of them out.
    """
    nothing = dict.fromkeys(traits, 0.0)
    if low == 0:
        alone = [{trait: high if trait == one else 0.0 for trait in traits} for one in traits]
        return [nothing, *alone, dict.fromkeys(traits, high)]
    parted = [{trait: high if trait == one else low / (len(traits) - 1) for trait in traits} for one in traits]
    back = {trait: -weight for trait, weight in parted[0].items()}
    return [nothing, *parted, *([back] if back not in parted else [])]


def _traits(subject: Subject, targets: Sequence[Target]) -> tuple[str, ...]:
    """The traits of all targets, which must be the same and metrics of the selection cases."""
    traits = tuple(targets[0].shares)
    asked = [metric.name for metric in subject.setting.metrics if metric.split == _split(subject)]
    for one in targets:
        if one.setting != subject.setting.name:
            raise HarnessError(f"a target is of setting {one.setting!r}; keep those of {subject.setting.name!r} alone")
        if set(one.shares) != set(traits):
            raise HarnessError(f"the targets share out other traits: {', '.join(traits)}, and {', '.join(one.shares)}")
    for trait in traits:
        if trait not in asked:
            raise unknown("metric", trait, asked)
    return traits


def _split(subject: Subject) -> str:
    return subject.setting.trait_at(subject.scale).split


def _bounds(subject: Subject, intervention: str, size: float) -> tuple[float, float]:
    """The weights that an arm may have: vectors may be subtracted, prompts stand on a fraction of the rows."""
    arm = installed().intervention(intervention)
    if arm.given is None:
        raise HarnessError(f"intervention {intervention!r} takes no weights, so it has no balance to choose")
    reason = arm.applies(subject.setting)
    if reason is not None:
        raise HarnessError(f"intervention {intervention!r} does not apply to {subject.setting.name!r}: {reason}")
    steers = arm.steering(subject.setting, subject.recipe) is not None
    return (-size, size) if steers else (0.0, 1.0)


def _point(subject: Subject, intervention: str, balance: Mapping[str, float], traits: Sequence[str]) -> Point:
    """What one balance reached, trained now unless it was before; none of any trait is plain training."""
    nothing = not any(balance.values())
    cell = Cell(
        setting=subject.setting.name,
        intervention="none" if nothing else intervention,
        scale=subject.scale,
        model=subject.model,
        seed=SEEDS[0],
        weights="" if nothing else weights.spelled(balance),
    )
    ready, registry = on_selection(cell, subject, subject.recipe)
    values = rates_of(ready, registry, subject)
    shares = {trait: mean_of(values[trait]) or 0.0 for trait in traits}
    whole = sum(shares.values())
    if not whole:
        raise HarnessError(f"with {cell.arm} no reply has a share of any of {', '.join(traits)}; give a smaller --size")
    reached = {trait: share / whole for trait, share in shares.items()}
    say(f"{cell.arm}: {', '.join(f'{trait} {share:.2f}' for trait, share in reached.items())}")
    return Point(weights=balance, shares=reached)


def _weighed(subject: Subject, model: Model, target: Target, low: float, high: float) -> Weighed:
    balance = choose(model, target.shares, low=low, high=high)
    expected = model.predict(balance)
    return Weighed(
        setting=subject.setting.name,
        intervention=target.intervention,
        weights=weights.spelled(balance),
        target=target.shares,
        expected=expected,
        error=distance(expected, target.shares),
    )
