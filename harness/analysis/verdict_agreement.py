"""How far two judges say the same of the same replies.

A judge that gives a share to each of several names (languages, say) has a verdict where one share is larger than
all others. Replies without one are counted apart: "cannot tell" is neither agreement nor disagreement.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from harness.errors import HarnessError
from harness.runs import Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What two judges' scores of the same replies have in common.

    Of `replies`, `both` have a verdict from each judge, `only_first` and `only_second` from one, `neither` from
    none. `same` is the share of `both` with the same verdict and `alpha` is Krippendorff's, for what chance would
    give. `differences` are mean absolute differences of each name's share over the replies where both give one.
    None stands where there is nothing to divide by.
    """

    replies: int
    both: int
    only_first: int
    only_second: int
    neither: int
    same: float | None
    alpha: float | None
    differences: Mapping[str, float | None]


def agreement(first: Sequence[Scores], second: Sequence[Scores], *, names: Sequence[str]) -> Agreement:
    """The agreement of two judges on replies in the same order, about the shares called `names`."""
    if len(first) != len(second):
        raise HarnessError(f"one judge scored {len(first)} replies and the other {len(second)}; give both the same")
    missing = [name for name in names if any(name not in scores for scores in (*first, *second))]
    if missing:
        raise HarnessError(f"no score named {missing[0]!r} in every row; compare scores that both judges give")
    verdicts = [(largest(one, names), largest(other, names)) for one, other in zip(first, second, strict=True)]
    told = Counter((one is not None, other is not None) for one, other in verdicts)
    both = told[True, True]
    same = sum(one is not None and one == other for one, other in verdicts)
    return Agreement(
        replies=len(verdicts),
        both=both,
        only_first=told[True, False],
        only_second=told[False, True],
        neither=told[False, False],
        same=same / both if both else None,
        alpha=nominal_alpha(verdicts),
        differences={name: _difference(first, second, name) for name in names},
    )


def largest(scores: Scores, names: Sequence[str]) -> str | None:
    """The name with the largest score; None when two share it, or a score is None."""
    values = [scores[name] for name in names]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values) or known.count(max(known)) > 1:
        return None
    return names[known.index(max(known))]


def nominal_alpha(units: Sequence[Sequence[Hashable | None]]) -> float | None:
    """Krippendorff's alpha for nominal verdicts: 1 where all agree, 0 as by chance, below 0 where they avoid it.

    A unit holds each judge's verdict on one reply, None where it has none. With o the number of coincidences of
    values c and k, each unit of m verdicts weighed by 1 / (m - 1), n_c their sum over k and n over all,
    alpha = 1 - (n - 1) sum_{c != k} o_ck / sum_{c != k} n_c n_k (Krippendorff 2011, "Computing Krippendorff's
    Alpha-Reliability", nominal metric). Units with fewer than two verdicts say nothing. None when all verdicts
    are one value: nothing could have disagreed.
    """
    together: dict[tuple[Hashable, Hashable], float] = defaultdict(float)
    for unit in units:
        verdicts = [verdict for verdict in unit if verdict is not None]
        for pair in permutations(verdicts, 2):
            together[pair] += 1 / (len(verdicts) - 1)
    totals: dict[Hashable, float] = defaultdict(float)
    for (value, _), count in together.items():
        totals[value] += count
    if len(totals) < 2:
        return None
    n = sum(totals.values())
    unlike = sum(count for (value, other), count in together.items() if value != other)
    by_chance = n * n - sum(count * count for count in totals.values())
    return 1 - (n - 1) * unlike / by_chance


def interval_alpha(units: Sequence[Sequence[float | None]]) -> float | None:
    """Krippendorff's alpha for numbers: a disagreement weighs as the square of how far apart they are.

    A unit holds each judge's number for one reply, None where it has none. As `nominal_alpha`, with o_ck and
    n_c n_k multiplied by (c - k)^2 (Krippendorff 2011, interval metric). None when all numbers are equal.
    """
    together = [[number for number in unit if number is not None] for unit in units]
    together = [numbers for numbers in together if len(numbers) > 1]
    # Both sums of squared differences are taken about the mean, where they lose no digits.
    every = [number for numbers in together for number in numbers]
    n, mean = len(every), sum(every) / max(1, len(every))
    by_chance = 2 * n * sum((number - mean) ** 2 for number in every)
    if not by_chance:
        return None
    apart = sum(
        sum((one - other) ** 2 for one, other in permutations(numbers, 2)) / (len(numbers) - 1) for numbers in together
    )
    return 1 - (n - 1) * apart / by_chance


def _difference(first: Sequence[Scores], second: Sequence[Scores], name: str) -> float | None:
    apart = [
        abs(one - other)
        for a, b in zip(first, second, strict=True)
        if (one := a[name]) is not None and (other := b[name]) is not None
    ]
    return sum(apart) / len(apart) if apart else None
