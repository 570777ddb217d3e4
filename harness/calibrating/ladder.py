"""Doses by doubling and halving, then by cutting in two: how a search goes up and down one scale of doses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from harness.calibrating.asked import Asked, Judged
from harness.calibrating.rule import FINE, LEAST_DOSE, MOST_DOSE

STEPS = 3
"""How often the interval around the best dose is cut in two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The doses between which is searched, and the first that is asked."""

    first: float
    least: float
    most: float


OF_A_VECTOR = Span(first=0.5, least=LEAST_DOSE, most=MOST_DOSE)
"""In units of the block's residual RMS."""


def climb(asked: Asked, block: int | None, span: Span = OF_A_VECTOR) -> None:
    """Doses at `block`: by halving until one is sound, or leaves some of the trait; else by doubling until not."""
    share = span.first
    now = begun = asked.dose(block, share)
    factor = 0.5 if begun.against or begun.at_floor else 2.0
    while (bool(now.against), now.at_floor) == (bool(begun.against), begun.at_floor):
        last = share
        share = min(max(share * factor, span.least), span.most)
        if max(share / last, last / share) <= FINE:
            return
        now = asked.dose(block, share)


def refine(asked: Asked, block: int | None) -> None:
    """Cuts the widest interval in two that may hold a better dose than the best at `block`, some times over."""
    for _ in range(STEPS):
        gaps = [gap for gap in _gaps(asked, block) if gap[1] / gap[0] > FINE]
        if not gaps:
            return
        low, high = max(gaps, key=lambda gap: gap[1] / gap[0])
        asked.dose(block, sqrt(low * high))


def _gaps(asked: Asked, block: int | None) -> Iterator[tuple[float, float]]:
    """The intervals beside the best dose at `block` that may hold a better one.

    Above it where some of the trait is left. Below it where none is, for a smaller dose; and where the dose above is
    sound too, for then the curve has turned.
    """
    best = asked.best(block)
    if best is None:
        return
    tried = asked.doses(block)
    at = tried.index(best)
    above = tried[at + 1] if at + 1 < len(tried) else None
    if above is not None and not best.at_floor:
        yield best.trial.share, above.trial.share
    if at and (best.at_floor or (above is not None and not above.against)):
        yield tried[at - 1].trial.share, best.trial.share


def holds(asked: Asked, one: Judged, others: Sequence[int]) -> bool:
    """Whether a dose suppresses on each of the `others` of the seeds too, and is sound on the mean of all.

    A skill of few cases moves by more than the margin from seed to seed, so soundness of each alone tells little.
    """
    seeds = (one.trial.seed, *others)
    together = asked.on(one, seeds)
    return not together.against and asked.suppresses(one, seeds)


def between(asked: Asked, block: int | None, others: Sequence[int], span: Span = OF_A_VECTOR) -> Judged | None:
    """A dose at `block` that holds: under the least that is not sound, over the largest too weak on a seed."""
    seeds = (asked.seed, *others)
    while True:
        tried = [(asked.on(one, on), on) for one in asked.doses(block) if (on := asked.asked_on(one, seeds))]
        high = min((one.trial.share for one, _ in tried if one.against), default=2 * span.most)
        low = max((one.trial.share for one, on in tried if not asked.suppresses(one, on)), default=high / 4)
        share = sqrt(low * high)
        if high / low <= FINE or not span.least <= share <= span.most:
            return None
        now = asked.dose(block, share)
        if not now.against and asked.suppresses(now) and holds(asked, now, others):
            return now
