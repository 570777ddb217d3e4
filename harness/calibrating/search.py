"""The search: least training first, then a coarse grid of blocks with doses by doubling, then a bisection in dose.

It knows nothing of models: whoever calls it answers its trials. The same answers give the same choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count, pairwise, takewhile
from math import sqrt

from harness.calibrating.asked import Ask, Asked, Judged, Spent
from harness.calibrating.ladder import between, climb, holds, refine
from harness.calibrating.rule import FINE, MOST_DOSE, Seen, Trial, Wanted, lacks, pooled
from harness.errors import HarnessError
from harness.runs import Came

FIRST_NEGATIVE, LEAST_NEGATIVE, MOST_NEGATIVE, NEGATIVE_STEPS = 0.25, 1 / 32, 2.0, 2
MOST_TRAINING = 4
"""How many times the recipe's epochs are tried where these do not teach."""
TRIES = 3
"""How many doses are tried on the other seeds before none is said to hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a search begins: `blocks` in the order in which they are tried, `epochs` of the recipe.

    Plain training has to teach on `most` of the `seeds`, for on a single one it may teach little by chance.
    """

    seeds: tuple[int, ...]
    blocks: tuple[int, ...]
    epochs: int
    wanted: Wanted = field(default_factory=Wanted)
    budget: int

    @property
    def most(self) -> int:
        """The seeds that doses are chosen on, the first, and confirmed on."""
        return len(self.seeds) // 2 + 1

    @property
    def checks(self) -> int:
        """The trials that confirm a choice: dose and negative dose on each other seed."""
        return 2 * (self.most - 1)

    @property
    def least_budget(self) -> int:
        """The trials that any choice takes."""
        return 1 + self.most + 2 + self.checks


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came to. `negative` is None where no negative dose was sound, `overdose` where none broke it."""

    outcome: Came
    trials: tuple[Judged, ...]
    why: str = ""
    epochs: int | None = None
    dose: Trial | None = None
    negative: Trial | None = None
    overdose: Judged | None = None


def check_budget(start: Start) -> None:
    """HarnessError for a budget that no choice could be made within."""
    if start.budget < start.least_budget:
        raise HarnessError(
            f"a budget of {start.budget} cells is too small: untrained model, plain training on {start.most} seeds, a "
            f"dose and a negative one, and {start.checks} to confirm them are {start.least_budget}; give --budget "
            f"{start.least_budget} or more"
        )


def search(ask: Ask, start: Start) -> Found:
    """What the rule chooses within `start.budget` trials; HarnessError where these end before anything is found."""
    check_budget(start)
    asked = Asked(ask, budget=start.budget, seed=start.seeds[0], epochs=start.epochs, wanted=start.wanted)
    try:
        return _search(asked, start)
    except Spent:
        raise HarnessError(
            f"the budget of {start.budget} cells ended before any dose was found; give a larger --budget: what was "
            "done is kept"
        ) from None


def _search(asked: Asked, start: Start) -> Found:
    seeds, missing = _train(asked, start)
    if missing:
        return Found(outcome="no training", why="; ".join(missing), trials=asked.all())
    asked.seed, asked.kept = seeds[0], start.checks + 1
    whole = _try_blocks(asked, start.blocks)
    candidates = asked.candidates()
    if not candidates:
        if not whole:
            raise Spent
        return Found(outcome="no dose", why=why_none(asked), trials=asked.all())
    asked.kept -= 1
    _try_negative(asked, candidates[0].trial.block)
    asked.kept = 0
    return _confirmed(asked, candidates[:TRIES], seeds[1:])


def _train(asked: Asked, start: Start) -> tuple[list[int], tuple[str, ...]]:
    """Sets the fewest epochs that teach, and gives the seeds they teach on; else what none that were tried taught."""
    low, high = 0, start.epochs
    while not (taught := taught_seeds(asked, start, high))[0]:
        if high >= MOST_TRAINING * start.epochs:
            return taught
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        fewer = taught_seeds(asked, start, middle)
        low, high, taught = (low, middle, fewer) if fewer[0] else (middle, high, taught)
    asked.epochs = high
    return taught


def taught_seeds(asked: Asked, start: Start, epochs: int) -> tuple[list[int], tuple[str, ...]]:
    """The seeds that so many epochs teach on, most of all; or none of them, and what the first one lacks.

    They are the first that are taught trait and skills, else the first with the trait whose mean has the skills.
    """
    untrained = asked.see(Trial(arm="base", seed=0))
    of_trait = replace(start.wanted, skills={})
    taught: list[int] = []
    with_trait: dict[int, Seen] = {}
    missing: list[tuple[str, ...]] = []
    for at, seed in enumerate(start.seeds, start=1):
        seen = asked.see(Trial(arm="none", seed=seed, epochs=epochs))
        if found := lacks(seen, untrained, start.wanted):
            missing.append(found)
        else:
            taught.append(seed)
        if len(taught) == start.most:
            return taught, ()
        if not lacks(seen, untrained, of_trait):
            with_trait[seed] = seen
        if at - len(with_trait) > len(start.seeds) - start.most:
            break
    else:
        if not lacks(pooled(list(with_trait.values())), untrained, start.wanted):
            return list(with_trait)[: start.most], ()
    return [], missing[0]


def _try_blocks(asked: Asked, blocks: Sequence[int]) -> bool:
    """Asks doses at one block after the other, then finer ones where the trait is lowest; whether all of it was done.

    A block whose sound doses leave nothing of the trait ends it: no other could do better.
    """
    try:
        for block in blocks:
            climb(asked, block)
            if (best := asked.best(block)) is not None and best.at_floor:
                break
        tried = {block: best for block in blocks if (best := asked.best(block)) is not None}
        for block in sorted(tried, key=lambda block: tried[block].trait):
            refine(asked, block)
            if asked.candidates():
                break
    except Spent:
        return False
    return True


def _try_negative(asked: Asked, block: int | None) -> None:
    """Asks negative doses at `block`: by doubling or halving, then between the largest sound one and the next."""
    share = FIRST_NEGATIVE
    try:
        begun = now = asked.dose(block, share, arm="neg_ps")
        factor = 0.5 if begun.against else 2.0
        while bool(now.against) == bool(begun.against) and LEAST_NEGATIVE <= share * factor <= MOST_NEGATIVE:
            share *= factor
            now = asked.dose(block, share, arm="neg_ps")
        for _ in range(NEGATIVE_STEPS):
            tried = asked.doses(block, arm="neg_ps")
            edge = next((pair for pair in pairwise(tried) if not pair[0].against and pair[1].against), None)
            if edge is None or edge[1].trial.share / edge[0].trial.share <= FINE:
                return
            asked.dose(block, sqrt(edge[0].trial.share * edge[1].trial.share), arm="neg_ps")
    except Spent:
        return


def _confirmed(asked: Asked, candidates: Sequence[Judged], others: Sequence[int]) -> Found:
    """The first of `candidates` that holds on the `others` of the seeds, or a dose beside them that does."""
    chosen = next((one for one in candidates if holds(asked, one, others)), None)
    if chosen is None:
        blocks = dict.fromkeys(one.trial.block for one in candidates)
        chosen = next((one for block in blocks if (one := between(asked, block, others)) is not None), None)
    if chosen is None:
        doses = ", ".join(f"{one.trial.share:.2g} at block {one.trial.block}" for one in candidates)
        why = f"what suppressed on seed {asked.seed} did not hold on the others, nor did doses beside it: {doses}"
        return Found(outcome="no dose", why=why, trials=asked.all())
    block, share = chosen.trial.block, chosen.trial.share
    negative = _sound_negative(asked, block, others)
    _overdose(asked, block)
    return Found(
        outcome="chosen",
        trials=asked.all(),
        epochs=asked.epochs,
        dose=chosen.trial,
        negative=negative,
        overdose=next((one for one in asked.doses(block) if one.against and one.trial.share > share), None),
    )


def _sound_negative(asked: Asked, block: int | None, others: Sequence[int]) -> Trial | None:
    """The largest negative dose at `block` that is sound on the mean of the seeds, as far as the budget reaches.

    Where the largest on the first seed do not hold, smaller ones are asked by halving.
    """
    tried = asked.doses(block, arm="neg_ps")
    sound = [one.trial.share for one in tried if not one.against][: -TRIES - 1 : -1]
    least = min((one.trial.share for one in tried), default=FIRST_NEGATIVE)
    halves = (least / 2**step for step in count(1))
    try:
        for share in chain(sound, takewhile(lambda share: share >= LEAST_NEGATIVE, halves)):
            again = asked.on(asked.dose(block, share, arm="neg_ps"), (asked.seed, *others))
            if not again.against:
                return again.trial
    except Spent:
        pass
    return None


def _overdose(asked: Asked, block: int | None) -> None:
    """Asks larger doses at `block` by doubling until one breaks the model, as far as the budget reaches."""
    try:
        while not (last := asked.doses(block)[-1]).against and 2 * last.trial.share <= MOST_DOSE:
            asked.dose(block, 2 * last.trial.share)
    except Spent:
        return


def why_none(asked: Asked) -> str:
    """Why no dose that was asked is chosen."""
    sound = [one for one in asked.doses() if not one.against]
    if not sound:
        return "no dose keeps the skill"
    least, plain = min(one.trait for one in sound), asked.plain().trait or 0.0
    return f"the lowest trait with the skill kept is {least:.2f}, against {plain:.2f} after plain training"
