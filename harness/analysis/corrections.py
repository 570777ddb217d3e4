"""What labels say of a judge, arm by arm, and the rates, means and differences corrected by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.stats import (
    Bounds,
    Contrast,
    Estimate,
    Grid,
    Limits,
    Observation,
    Powered,
    Term,
    contrast,
    estimate,
    judged_share,
    mean_error,
    mover,
    powered_difference,
    powered_mean,
    powered_rate,
    predictive,
    rogan_gladen,
    rogan_gladen_difference,
    sensitivity,
    specificity,
)

SHARES = Bounds(0.0, 1.0)
SURE = 0.95
SURE_UNLIKE = 0.99
"""Few labels have wide tails, and few seeds too: at 95 % one in ten judges that err alike was told apart by arm."""
POOLED = "Rogan-Gladen, errors of all arms together"
POWERED = "prediction-powered, by the arm's own labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erring:
    """How a judge did in one arm, or in all (`arm` ""): None where it says no yes and no, or nothing shows it.

    `error` is the mean of label - judge.
    """

    arm: str
    labels: int
    sensitivity: Estimate | None
    specificity: Estimate | None
    error: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedFigure:
    """A figure as judged and as corrected: of one arm, or of its difference to `against`.

    `pooled` is Rogan and Gladen's with the errors of all arms together, None where it cannot be had; `powered` is
    prediction-powered, by the labels of the arms compared alone.
    """

    arm: str
    against: str
    plain: Estimate
    pooled: Estimate | None
    powered: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Replies as arrays: what the judge said, the label, its weight (one over its chance, 0 without), the clusters."""

    said: Grid
    label: Grid
    weight: Grid
    member: Grid
    observed: tuple[Observation, ...]
    bounds: Bounds | None
    trained: bool

    @property
    def labels(self) -> int:
        """How many have a label."""
        return int((self.weight > 0).sum())

    def powered(self, *, two_valued: bool) -> Powered:
        """The prediction-powered correction by these labels."""
        if two_valued:
            return powered_rate(self.said, self.label, self.weight, self.member)
        return powered_mean(self.said, self.label, self.weight, self.member, bounds=self.bounds)

    def errors(self, level: float = SURE) -> tuple[Limits, Limits]:
        """Sensitivity and specificity."""
        yes, no = predictive(self.said, self.label, self.weight, self.member, level)
        share = judged_share(self.said, self.member, level)
        return sensitivity(share, yes, no), specificity(share, yes, no)

    def error(self, level: float = SURE) -> Limits:
        """The mean of label - judge."""
        return mean_error(self.said, self.label, self.weight, self.member, bounds=self.bounds, level=level)

    def moved(self, by: Powered) -> list[Observation]:
        """The observations, each as corrected."""
        values = by.slope * self.said + by.shift
        pairs = zip(self.observed, values.tolist(), strict=True)
        return [Observation(one.cluster, one.seed, value) for one, value in pairs]


def sample(
    observed: Sequence[Observation],
    labels: Sequence[tuple[float, float] | None],
    *,
    bounds: Bounds | None,
    trained: bool,
) -> Sample:
    """The replies `observed`, each with its label and the chance that this had, or None; all of them have a value."""
    names = sorted({one.cluster for one in observed})
    at = {name: number for number, name in enumerate(names)}
    member = np.zeros((len(observed), len(names)))
    member[np.arange(len(observed)), [at[one.cluster] for one in observed]] = 1.0
    return Sample(
        said=np.array([one.value for one in observed], dtype=float),
        label=np.array([0.0 if one is None else one[0] for one in labels]),
        weight=np.array([0.0 if one is None else 1 / one[1] for one in labels]),
        member=member,
        observed=tuple(observed),
        bounds=bounds,
        trained=trained,
    )


def errors_of(samples: Mapping[str, Sample], *, two_valued: bool) -> Iterator[Erring]:
    """How the judge did in each arm that has a label."""
    for name, one in samples.items():
        if not one.labels:
            continue
        if two_valued:
            sensitive, specific = (_estimate(found, one, "by Bayes' rule from labels") for found in one.errors())
            yield Erring(arm=name, labels=one.labels, sensitivity=sensitive, specificity=specific, error=None)
        else:
            error = _estimate(one.error(), one, "weighted mean of label - judge")
            yield Erring(arm=name, labels=one.labels, sensitivity=None, specificity=None, error=error)


def figures(samples: Mapping[str, Sample], together: Sample, *, two_valued: bool) -> Iterator[CorrectedFigure]:
    """The mean of each arm, as judged and as corrected."""
    errors = together.errors() if two_valued else None
    for name, one in samples.items():
        plain = estimate(one.observed)
        said = _limits(plain)
        pooled = _estimate(rogan_gladen(said, *errors), together, POOLED) if errors is not None else None
        powered = one.powered(two_valued=two_valued).limits(said)
        yield CorrectedFigure(
            arm=name,
            against="",
            plain=plain,
            pooled=pooled,
            powered=_estimate(_within(powered, one), one, POWERED) if one.labels else None,
        )


def differences(
    samples: Mapping[str, Sample], together: Sample, against: str, *, two_valued: bool
) -> Iterator[CorrectedFigure]:
    """The difference of each other arm to the one called `against`, as judged and as corrected."""
    errors = together.errors() if two_valued else None
    for name, one in samples.items():
        if name == against or against not in samples:
            continue
        other = samples[against]
        plain = contrast([Term(1.0, one.observed, one.trained), Term(-1.0, other.observed, other.trained)])
        pooled = None
        if errors is not None:
            pooled = _estimate(rogan_gladen_difference(_limits(plain.estimate()), *errors), together, POOLED)
        yield CorrectedFigure(
            arm=name,
            against=against,
            plain=plain.estimate(),
            pooled=pooled,
            powered=_powered_difference(one, other, two_valued=two_valued) if one.labels and other.labels else None,
        )


def _powered_difference(one: Sample, other: Sample, *, two_valued: bool) -> Estimate | None:
    """The difference of what labels make of two arms: their parts of the interval add up, as those of two samples."""
    first, second = one.powered(two_valued=two_valued), other.powered(two_valued=two_valued)
    terms = [Term(1.0, one.moved(first), one.trained), Term(-1.0, other.moved(second), other.trained)]
    found: Contrast = contrast(terms)
    half = found.half_width(SURE)
    if found.mean is None or half is None:
        return None
    limits = powered_difference(first, second, np.asarray(found.mean), np.asarray(half))
    return _estimate(limits, one, POWERED, labels=one.labels + other.labels)


def unlike(samples: Mapping[str, Sample], *, two_valued: bool) -> Iterator[str]:
    """The pairs of arms in which the judge was shown to err differently, at 99 % for all of them (Bonferroni)."""
    known = {name: one for name, one in samples.items() if one.labels}
    pairs = list(combinations(known, 2))
    named = ("sensitivity", "specificity") if two_valued else ("label - judge",)
    level = 1 - (1 - SURE_UNLIKE) / (len(named) * max(len(pairs), 1))
    found = {name: one.errors(level) if two_valued else (one.error(level),) for name, one in known.items()}
    for first, second in pairs:
        scale = 100 if known[first].bounds == SHARES else 1
        for what, mine, theirs in zip(named, found[first], found[second], strict=True):
            apart = mover(mine, theirs)
            if apart.low > 0 or apart.high < 0:
                yield (
                    f"{what} differs: {scale * mine.value:.3g} in {first}, {scale * theirs.value:.3g} in {second} "
                    f"({scale * apart.value:+.3g} [{scale * apart.low:+.3g}, {scale * apart.high:+.3g}])"
                )


def _limits(found: Estimate) -> Limits:
    ends = [np.asarray(np.nan if end is None else end) for end in (found.mean, found.low, found.high)]
    return Limits(*ends)


def _within(found: Limits, of: Sample) -> Limits:
    """The limits of a share, kept in [0, 1]; others as they are."""
    if of.bounds != SHARES:
        return found
    return Limits(*(np.clip(one, 0, 1) for one in (found.value, found.low, found.high)))


def _estimate(found: Limits, of: Sample, method: str, *, labels: int | None = None) -> Estimate | None:
    """The limits as an estimate that rests on the labels of a sample, None where there is no figure."""
    if np.isnan(found.value):
        return None
    low, high = (None if np.isnan(end) else float(end) for end in (found.low, found.high))
    labelled = of.weight > 0
    return Estimate(
        mean=float(found.value),
        low=low,
        high=high,
        n=len(of.observed),
        judged=of.labels if labels is None else labels,
        clusters=int((of.member[labelled].sum(0) > 0).sum()),
        seeds=len({one.seed for one, has in zip(of.observed, labelled, strict=True) if has}),
        method=method,
    )
