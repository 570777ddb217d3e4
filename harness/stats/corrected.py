"""Rates and means corrected for a judge that errs, by labels that a person gave to some of the replies.

The labels are a second phase of sampling: every reply has the judge's word, and those that were drawn, each with a
known chance, have a person's too (Tenenbein 1970). Chances may depend on what the judge said, so every label counts as
one over its chance.

For a judge of yes and no, with the share p of its yes, and the shares v1 and v0 of yes by a person among its yes and
among its no, an arm's corrected rate is p v1 + (1 - p) v0. This is prediction-powered inference (Angelopoulos et al.
2023), tuned as in PPI++ (Angelopoulos, Duchi and Zrnic 2023), where predictions take two values, and Rogan and Gladen's
estimator (1978) with sensitivity and specificity of that arm. It holds whatever the judge does in other arms. With
sensitivity and specificity pooled over arms, Rogan and Gladen's needs fewer labels, and a judge that errs alike in all.

Few labels agree by chance, and a standard error of 0 is none. So limits are put together, not variances: Wilson's for
v1 and v0, at the effective size that clusters and weights leave, joined by MOVER (Zou and Donner 2008), for ratios by
Donner and Zou (2012). Labels cluster by question, whatever the seed: their noise is far larger than what a seed adds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.stats.contrasts import agreed_half_width
from harness.stats.crossing import NO_SPREAD, two_sided_t, two_sided_z
from harness.stats.intervals import wilson_limits
from harness.stats.records import Grid

LEAST = 1e-9  # se + sp - 1 below it is rounding: the judge tells nothing
STEPS = 2001  # values of a rate, or of a difference, that are tried: 0.05 or 0.1 points apart


@dataclass(frozen=True, slots=True)
class Limits:
    """A figure with the ends of its interval, each an array over the same leading axes; NaN where there is none."""

    value: Grid
    low: Grid
    high: Grid

    @property
    def below(self) -> Grid:
        """How far the interval goes down from the figure."""
        return self.value - self.low

    @property
    def above(self) -> Grid:
        """How far it goes up."""
        return self.high - self.value

    def turned(self) -> Limits:
        """The same of one minus the figure."""
        return Limits(1 - self.value, 1 - self.high, 1 - self.low)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the greatest value of a score."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Powered:
    """A prediction-powered mean: `slope` x what the judge said + `shift`, and what the labels leave open of that.

    `below` and `above` are the labels' own parts of the interval, without that of questions and seeds.
    """

    slope: Grid
    shift: Grid
    below: Grid
    above: Grid

    def limits(self, said: Limits) -> Limits:
        """The corrected mean, from that of what the judge `said` with its own interval."""
        value = self.slope * said.value + self.shift
        down = np.where(self.slope > 0, said.below, said.above) * np.abs(self.slope)
        up = np.where(self.slope > 0, said.above, said.below) * np.abs(self.slope)
        return Limits(value, value - np.hypot(down, self.below), value + np.hypot(up, self.above))


def powered_difference(first: Powered, second: Powered, mean: Grid, half: Grid) -> Limits:
    """The difference of two corrected means, `mean`, its `half` width of questions and seeds joined with the labels'.

    What labels leave open adds up as of two samples, which is too much where both arms' labels are on like questions.
    """
    low = mean - _norm(half, first.below, second.above)
    return Limits(mean, low, mean + _norm(half, first.above, second.below))


def labelled_share(label: Grid, weight: Grid, member: Grid, level: float = 0.95) -> Limits:
    """The weighted share of labels that are 1, with Wilson's interval (1927) for new clusters.

    `label` and `weight` are (..., replies), a weight 0 where there is no label, and `member` (replies, clusters) is 1
    where a reply is of a cluster. The size is what the clustered variance leaves, and at most Kish's (1965) for the
    weights; where all labels agree it is Kish's of the clusters. NaN without labels.
    """
    total, count = (label * weight) @ member, weight @ member
    whole, squares = weight.sum(-1), (weight**2).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = total.sum(-1) / whole
        number = (count > 0).sum(-1)
        apart = (total - share[..., None] * count) / whole[..., None]
        variance = (apart**2).sum(-1) * number / np.maximum(number - 1, 1)
        spread = (variance > NO_SPREAD) & (number > 1)
        agreed = whole**2 / (count**2).sum(-1)
        size = np.where(spread, np.minimum(share * (1 - share) / variance, whole**2 / squares), agreed)
        low, high = wilson_limits(share, size, np.where(spread, _t(level, number), two_sided_z(level)))
    return Limits(share, low, high)


def powered_rate(said: Grid, label: Grid, weight: Grid, member: Grid, level: float = 0.95) -> Powered:
    """What labels make of a judge's yes (1) and no (0); arrays as of `labelled_share`.

    Where a word of the judge has no label, it is taken for true, and the interval leaves open that it is always wrong.
    """
    yes, no = predictive(said, label, weight, member, level)
    share = said.mean(-1)
    return Powered(
        slope=yes.value - no.value,
        shift=no.value,
        below=np.hypot(share * yes.below, (1 - share) * no.below),
        above=np.hypot(share * yes.above, (1 - share) * no.above),
    )


def predictive(said: Grid, label: Grid, weight: Grid, member: Grid, level: float = 0.95) -> tuple[Limits, Limits]:
    """The share of yes by a person among the judge's yes, and among its no; from 0 to 1 where there is no label."""
    found = []
    for word in (1.0, 0.0):
        one = labelled_share(label, np.where(said == word, weight, 0.0), member, level)
        none = np.isnan(one.value)
        found.append(
            Limits(np.where(none, word, one.value), np.where(none, 0.0, one.low), np.where(none, 1.0, one.high))
        )
    return found[0], found[1]


def judged_share(said: Grid, member: Grid, level: float = 0.95) -> Limits:
    """The share of the judge's yes among these replies, exact; where it is 0 or 1, as far off as clusters allow."""
    share = said.mean(-1)
    none_of = agreed_half_width(int((member.sum(0) > 0).sum()), level)
    return Limits(share, np.where(share >= 1, 1 - none_of, share), np.where(share <= 0, none_of, share))


def sensitivity(share: Limits, yes: Limits, no: Limits) -> Limits:
    """The share of the judge's yes among what a person calls yes, by Bayes' rule from `predictive`.

    `share` is that of its yes (`judged_share`). The limits are those of the ratio no / yes; NaN where nothing is a yes.
    """
    ratio = _ratio(no, yes)
    known = share.value * yes.value + (1 - share.value) * no.value > 0
    value, low, high = (
        np.where(known, _found(part, one), np.nan)
        for part, one in ((share.value, ratio.value), (share.low, ratio.high), (share.high, ratio.low))
    )
    return Limits(value, low, high)


def _found(share: Grid, ratio: Grid) -> Grid:
    """A judge that always says yes misses nothing, and one that never does finds nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Grid = 1 / (1 + ratio * (1 - share) / share)
    return np.where(share >= 1, 1.0, np.where(share <= 0, 0.0, found))


def specificity(share: Limits, yes: Limits, no: Limits) -> Limits:
    """The share of the judge's no among what a person calls no; as `sensitivity`."""
    return sensitivity(share.turned(), no.turned(), yes.turned())


def rogan_gladen(said: Limits, sensitive: Limits, specific: Limits) -> Limits:
    """A rate corrected as (p + sp - 1) / (se + sp - 1), kept in [0, 1] (Rogan and Gladen 1978).

    Its interval holds every rate x at which x se + (1 - x) (1 - sp) may be the judge's p, as Fieller (1954) does for a
    ratio: a judge that may be no better than chance leaves all of 0 to 1 open.
    """
    se, sp = sensitive.value, specific.value
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(se + sp > 1 + LEAST, np.clip((said.value + sp - 1) / (se + sp - 1), 0, 1), np.nan)
    rate = np.linspace(0, 1, STEPS)
    apart = _last(said.value) - rate * _last(se) - (1 - rate) * (1 - _last(sp))
    down = _norm(_last(said.below), rate * _last(sensitive.above), (1 - rate) * _last(specific.below))
    up = _norm(_last(said.above), rate * _last(sensitive.below), (1 - rate) * _last(specific.above))
    return _held(value, rate, (apart - down <= 0) & (apart + up >= 0))


def rogan_gladen_difference(said: Limits, sensitive: Limits, specific: Limits) -> Limits:
    """A difference of two rates over se + sp - 1, kept in [-1, 1]; its interval as that of `rogan_gladen`."""
    told = sensitive.value + specific.value - 1
    less, more = np.hypot(sensitive.below, specific.below), np.hypot(sensitive.above, specific.above)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(told > LEAST, np.clip(said.value / told, -1, 1), np.nan)
    size = np.linspace(-1, 1, STEPS)
    apart = _last(said.value) - size * _last(told)
    down = _norm(_last(said.below), size * np.where(size > 0, _last(more), _last(less)))
    up = _norm(_last(said.above), size * np.where(size > 0, _last(less), _last(more)))
    return _held(value, size, (apart - down <= 0) & (apart + up >= 0))


def powered_mean(
    said: Grid, label: Grid, weight: Grid, member: Grid, *, bounds: Bounds | None, level: float = 0.95
) -> Powered:
    """What labels make of a judge's numbers: their weighted regression on what it said, its slope from 0 to 1.

    PPI++ (Angelopoulos, Duchi and Zrnic 2023) with the labelled replies among all others, so that the best slope is
    that of regression. Arrays as of `labelled_share`, interval as of `mean_error`.
    """
    about_said, about_label = _mean(said, weight), _mean(label, weight)
    said_apart, label_apart = said - about_said[..., None], label - about_label[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        square = (weight * said_apart**2).sum(-1)
        slope = np.clip(np.where(square > 0, (weight * said_apart * label_apart).sum(-1) / square, 1.0), 0, 1)
    left = label_apart - slope[..., None] * said_apart
    below, above = _open(left, said, weight, member, bounds, level)
    return Powered(slope=slope, shift=about_label - slope * about_said, below=below, above=above)


def mean_error(
    said: Grid, label: Grid, weight: Grid, member: Grid, *, bounds: Bounds | None, level: float = 0.95
) -> Limits:
    """The mean of label - judge; arrays as of `labelled_share`.

    Interval: t x the clustered standard error. Errors that are rare and large may be in no label, so neither end is
    nearer than Wilson's upper bound for a share of 0 x how far the mean reply is from the end of the score's `bounds`.
    NaN with fewer than two clusters, or where all labels agree and there are no bounds.
    """
    value = _mean(label - said, weight)
    below, above = _open(label - said - value[..., None], said, weight, member, bounds, level)
    return Limits(value, value - below, value + above)


def _open(left: Grid, said: Grid, weight: Grid, member: Grid, bounds: Bounds | None, level: float) -> tuple[Grid, Grid]:
    """How far down and up the weighted mean of `left` may be from 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        sums, count = (left * weight) @ member / weight.sum(-1, keepdims=True), weight @ member
        number = (count > 0).sum(-1)
        variance = (sums**2).sum(-1) * number / (number - 1.0)
        half = np.where(number > 1, _t(level, number) * np.sqrt(variance), np.nan)
        if bounds is None:
            half = np.where(variance > NO_SPREAD, half, np.nan)
            return half, half
        none_of = agreed_half_width(count.sum(-1) ** 2 / (count**2).sum(-1), level)
    middle = said.mean(-1)
    return np.maximum(half, none_of * (middle - bounds.low)), np.maximum(half, none_of * (bounds.high - middle))


def _mean(values: Grid, weight: Grid) -> Grid:
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Grid = (values * weight).sum(-1) / weight.sum(-1)
    return mean


def mover(first: Limits, second: Limits) -> Limits:
    """The difference of two independent figures (Zou and Donner 2008)."""
    value = first.value - second.value
    low = value - np.hypot(first.below, second.above)
    return Limits(value, low, value + np.hypot(first.above, second.below))


def _ratio(over: Limits, under: Limits) -> Limits:
    """The ratio of two independent shares (Donner and Zou 2012, their formula 9); infinite over what may be 0."""
    product = over.value * under.value
    with np.errstate(invalid="ignore", divide="ignore"):
        most, least = (one * (2 * under.value - one) for one in (under.high, under.low))
        down = np.sqrt(np.maximum(product**2 - over.low * (2 * over.value - over.low) * most, 0))
        up = np.sqrt(np.maximum(product**2 - over.high * (2 * over.value - over.high) * least, 0))
        low = np.where(most == 0, 0.0, (product - down) / most)
        high = np.where(least > 0, (product + up) / least, np.inf)
        return Limits(over.value / under.value, np.maximum(low, 0.0), high)


def _held(value: Grid, tried: Grid, fits: np.typing.NDArray[np.bool_]) -> Limits:
    """The least and the greatest of what fits, no narrower than the figure itself."""
    some = fits.any(-1)
    low = np.where(some, np.where(fits, tried, np.inf).min(-1), np.nan)
    high = np.where(some, np.where(fits, tried, -np.inf).max(-1), np.nan)
    return Limits(value, np.fmin(low, value), np.fmax(high, value))


def _last(values: Grid) -> Grid:
    return np.asarray(values, dtype=float)[..., None]


def _norm(*parts: Grid) -> Grid:
    length: Grid = np.sqrt(sum(np.square(part) for part in parts))
    return length


def _t(level: float, clusters: np.typing.NDArray[np.int_]) -> Grid:
    return two_sided_t(level, np.maximum(clusters - 1.0, 1.0))
