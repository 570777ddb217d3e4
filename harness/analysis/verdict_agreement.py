"""How far two judges say the same of the same replies.

A judge that gives a share to each of several names (languages, say) has a verdict where one share is larger than
all others. Replies without one are counted apart: "cannot tell" is neither agreement nor disagreement. A judge may have
a share for what the names leave (other languages), which can be the largest as well.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.alphas import nominal
from harness.errors import HarnessError
from harness.runs import Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What two judges' scores of the same replies have in common.

    Of `replies`, `both` have a verdict from each judge, `only_first` and `only_second` from one, `neither` from
    none. `same` is the share of `both` with the same verdict and `alpha` is Krippendorff's, for what chance would
    give, with the ends of its 95 % interval. `differences` are mean absolute differences of each name's share over the
    replies where both give one. None stands where there is nothing to divide by.
    """

    replies: int
    both: int
    only_first: int
    only_second: int
    neither: int
    same: float | None
    alpha: float | None
    alpha_low: float | None
    alpha_high: float | None
    differences: Mapping[str, float | None]


def agreement(
    first: Sequence[Scores],
    second: Sequence[Scores],
    *,
    names: Sequence[str],
    clusters: Sequence[str] | None = None,
) -> Agreement:
    """The agreement of two judges on replies in the same order, about the shares called `names`.

    `clusters` name the question of each reply, for the interval of alpha; without it each is a question of its own.
    """
    if len(first) != len(second):
        raise HarnessError(f"one judge scored {len(first)} replies and the other {len(second)}; give both the same")
    missing = [name for name in names if any(name not in scores for scores in (*first, *second))]
    if missing:
        raise HarnessError(f"no score named {missing[0]!r} in every row; compare scores that both judges give")
    parts, others = (whole_of(rows, names) for rows in (first, second))
    verdicts = [(largest(one, parts), largest(other, others)) for one, other in zip(first, second, strict=True)]
    told = Counter((one is not None, other is not None) for one, other in verdicts)
    both = told[True, True]
    alpha = nominal(verdicts, clusters)
    same = sum(one is not None and one == other for one, other in verdicts)
    return Agreement(
        replies=len(verdicts),
        both=both,
        only_first=told[True, False],
        only_second=told[False, True],
        neither=told[False, False],
        same=same / both if both else None,
        alpha=alpha.value,
        alpha_low=alpha.low,
        alpha_high=alpha.high,
        differences={name: _difference(first, second, name) for name in names},
    )


def whole_of(rows: Sequence[Scores], names: Sequence[str]) -> tuple[str, ...]:
    """`names`, and the one share of this judge that makes them a whole where they alone are none, if it has one."""
    told = [row for row in rows if all(row[name] is not None for name in names)]
    left = [1 - sum(row[name] or 0.0 for name in names) for row in told]
    if all(math.isclose(rest, 0, abs_tol=1e-6) for rest in left):
        return tuple(names)
    for name in (name for name in told[0] if name not in names):
        shares = [row.get(name) for row in told]
        if all(s is not None and math.isclose(s, rest, abs_tol=1e-6) for s, rest in zip(shares, left, strict=True)):
            return (*names, name)
    return tuple(names)


def largest(scores: Scores, names: Sequence[str]) -> str | None:
    """The name with the largest score; None when two share it, or a score is None."""
    values = [scores[name] for name in names]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values) or known.count(max(known)) > 1:
        return None
    return names[known.index(max(known))]


def _difference(first: Sequence[Scores], second: Sequence[Scores], name: str) -> float | None:
    apart = [
        abs(one - other)
        for a, b in zip(first, second, strict=True)
        if (one := a[name]) is not None and (other := b[name]) is not None
    ]
    return sum(apart) / len(apart) if apart else None
