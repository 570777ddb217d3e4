"""One score as two judges gave it to the same replies: their numbers, their verdicts, and where the two part.

A verdict is a number held against a threshold: "yes" from the threshold on. A reply that a judge gave no number
stays apart, in the confusion table and out of every share.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.alphas import nominal, numeric
from harness.analysis.verdict_agreement import Agreement, agreement, largest, whole_of
from harness.errors import HarnessError
from harness.runs import Scores

Number = float | None
Confusion = Mapping[tuple[str, str], int]

YES, NO, CANNOT_TELL = "yes", "no", "cannot tell"
STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The verdicts at one threshold, over the replies that both judges gave a number.

    `first` and `second` are the shares that each calls yes, `same` the share with one verdict, `alpha` Krippendorff's
    for verdicts, with the ends of its 95 % interval. None where no reply has both numbers, or where nothing could have
    disagreed.
    """

    threshold: float
    first: float | None
    second: float | None
    same: float | None
    alpha: float | None
    alpha_low: float | None
    alpha_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedScore:
    """What two judges' numbers of one score have in common.

    `alpha` is Krippendorff's for numbers, with the ends of its 95 % interval, `apart` the mean absolute difference.
    `chosen` is the cut that `confusion` counts, by (first's verdict, second's verdict) over all replies; `cuts` says
    how the verdict moves.
    """

    score: str
    replies: int
    both: int
    alpha: float | None
    alpha_low: float | None
    alpha_high: float | None
    apart: float | None
    chosen: Cut
    confusion: Confusion
    cuts: tuple[Cut, ...]


def compared_score(
    score: str,
    first: Sequence[Number],
    second: Sequence[Number],
    *,
    threshold: float | None = None,
    clusters: Sequence[str] | None = None,
) -> ComparedScore:
    """Two judges' numbers of `score`, in one order, compared; without `threshold`, cut at the middle of the scale.

    The scale runs from 0 to 1, or from 0 to 100, where all numbers lie in there; else from the least to the largest.
    `clusters` name the question of each reply, for the intervals of alpha.
    """
    if threshold is not None and not math.isfinite(threshold):
        raise HarnessError(f"a threshold is a finite number, not {threshold}")
    if len(first) != len(second):
        raise HarnessError(f"one judge scored {len(first)} replies and the other {len(second)}; give both the same")
    pairs = list(zip(first, second, strict=True))
    told = [at for at, (one, other) in enumerate(pairs) if one is not None and other is not None]
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    asked = None if clusters is None else [clusters[at] for at in told]
    alpha = numeric(both, asked)
    low, high = _scale([number for pair in pairs for number in pair if number is not None])
    chosen = (low + high) / 2 if threshold is None else threshold
    return ComparedScore(
        score=score,
        replies=len(pairs),
        both=len(both),
        alpha=alpha.value,
        alpha_low=alpha.low,
        alpha_high=alpha.high,
        apart=sum(abs(one - other) for one, other in both) / len(both) if both else None,
        chosen=_cut(both, chosen, asked),
        confusion=dict(Counter((_verdict(one, chosen), _verdict(other, chosen)) for one, other in pairs)),
        cuts=tuple(_cut(both, low + (high - low) * step / STEPS, asked) for step in range(1, STEPS)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoJudges:
    """Two judges on the same replies: every score that both give, and their verdicts where scores part a whole.

    `shares` are the scores that add up to 1, and what one judge alone has for the rest; without any, `largest` is None.
    Else `largest` says how far the judges agree on which is the largest, and `confusion` counts that by (first's,
    second's).
    """

    replies: int
    scores: tuple[ComparedScore, ...]
    shares: tuple[str, ...]
    largest: Agreement | None
    confusion: Confusion


def two_judges(
    first: Sequence[Scores],
    second: Sequence[Scores],
    names: Sequence[str],
    *,
    threshold: float | None = None,
    clusters: Sequence[str] | None = None,
) -> TwoJudges:
    """What two judges made of replies in the same order, about the scores called `names`.

    `clusters` name the question of each reply, for the intervals of alpha.
    """
    shares = shares_of_one_whole(first, second, names)
    more = dict.fromkeys(name for rows in (first, second) for name in whole_of(rows, shares) if shares)
    return TwoJudges(
        replies=len(first),
        scores=tuple(
            compared_score(
                name,
                [row[name] for row in first],
                [row[name] for row in second],
                threshold=threshold,
                clusters=clusters,
            )
            for name in names
        ),
        shares=tuple(more),
        largest=agreement(first, second, names=shares, clusters=clusters) if shares else None,
        confusion=largest_confusion(first, second, shares) if shares else {},
    )


def shares_of_one_whole(first: Sequence[Scores], second: Sequence[Scores], names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that part a whole between them, so that the largest is a verdict; none where they do not.

    They lie between 0 and 1 in every reply, and add up to 1 in every reply that has them all, with a judge's own share
    of the rest, if it has one.
    """
    rows = [*first, *second]
    parts = [name for name in names if all(row[name] is None or 0 <= (row[name] or 0) <= 1 for row in rows)]
    sums = [
        sum(row[name] or 0 for name in whole_of(given, parts))
        for given in (first, second)
        for row in given
        if all(row[name] is not None for name in parts)
    ]
    whole = len(parts) > 1 and bool(sums) and all(math.isclose(total, 1, abs_tol=1e-6) for total in sums)
    return tuple(parts) if whole else ()


def largest_confusion(first: Sequence[Scores], second: Sequence[Scores], names: Sequence[str]) -> Confusion:
    """How many replies have which of `names` as the largest share, by (first's, second's)."""
    verdicts = [[largest(scores, whole_of(by, names)) or CANNOT_TELL for scores in by] for by in (first, second)]
    return dict(Counter(zip(*verdicts, strict=True)))


def _scale(numbers: Sequence[float]) -> tuple[float, float]:
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    if low < 0 or high > 100:
        return low, high
    return (0.0, 1.0) if high <= 1 else (0.0, 100.0)


def _cut(both: Sequence[tuple[float, float]], threshold: float, clusters: Sequence[str] | None) -> Cut:
    verdicts = [(one >= threshold, other >= threshold) for one, other in both]
    n, alpha = len(verdicts), nominal(verdicts, clusters)
    return Cut(
        threshold=threshold,
        first=sum(one for one, _ in verdicts) / n if n else None,
        second=sum(other for _, other in verdicts) / n if n else None,
        same=sum(one == other for one, other in verdicts) / n if n else None,
        alpha=alpha.value,
        alpha_low=alpha.low,
        alpha_high=alpha.high,
    )


def _verdict(number: Number, threshold: float) -> str:
    if number is None:
        return CANNOT_TELL
    return YES if number >= threshold else NO
