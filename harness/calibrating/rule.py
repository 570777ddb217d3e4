"""The rule by which training and doses are chosen: what a trial showed, and what speaks against its dose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.analysis import MARGIN, SUPPRESSES

UNDOSED = ("base", "none")
"""The arms without a dose."""
UNJUDGED = 0.1
"""The largest share of replies after plain training that nobody can tell, and how much more a dose may bring."""
ALIKE = 0.05
"""Rates this near to the lowest are as good as it, and the smaller dose is chosen: about one reply of 24."""
PREMISE = 0.1
"""How far plain training's trait must lie above the untrained model's."""
FINE = 1.2
"""Doses are told apart down to this ratio."""
LEAST_DOSE, MOST_DOSE = 1 / 16, 4.0
"""The doses between which is searched, in units of the block's residual RMS."""

RULE = (
    f"plain training teaches where at most {UNJUDGED:g} of the replies cannot be judged, the trait lies {PREMISE:g} "
    "above the untrained model's, and it and every skill of the selection cases pass the gate of their metric, all "
    "of it on most of the seeds, or the skills on the mean of seeds of which most have the trait; the fewest epochs "
    "that teach are chosen",
    f"a dose is sound where each skill and each metric of over-dose is within {MARGIN:g} of plain training's, and the "
    f"share of replies that cannot be judged is at most {UNJUDGED:g} above it; a negative dose where that is so of the "
    "metrics that the setting names for over-dose, of every skill if it names none, and the trait is not below plain "
    "training's by more than that",
    f"of the sound doses that leave at most {SUPPRESSES:g} of plain training's trait the lowest trait is chosen, and "
    f"among those within {ALIKE:g} of it the smallest dose; of the sound negative doses the largest",
    "what is chosen on the first seed that plain training teaches on must suppress on each other of these too, and be "
    "sound on the mean of them; where it does not, doses at its block are tried between the largest that suppresses "
    "too little on a seed and the least that is not sound",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is asked: an arm after so many epochs of training, steered by `share` of the residual RMS at `block`.

    Of an arm that no block is given for, `share` is how many times its own dose it gets.
    """

    arm: str
    seed: int
    epochs: int = 0
    block: int | None = None
    share: float = 0.0

    @property
    def times(self) -> float:
        """How many times its own dose the arm gets: a steered one is told its dose by block and share."""
        return 1.0 if self.arm in UNDOSED or self.block is not None else self.share


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the replies to the selection cases showed: rates among those judged, from 0 to 1.

    `skills` are what training should leave or bring, `breaking` what rises where a model is broken.
    `judged` counts of `n` the replies that the worst of the judges could tell; `key` is that of the trial's run.
    """

    trait: float | None
    n: int
    judged: int
    skills: Mapping[str, float | None] = field(default_factory=dict)
    breaking: Mapping[str, float | None] = field(default_factory=dict)
    key: str = ""

    @property
    def unjudged(self) -> float:
        """The share of replies that nobody could tell."""
        return 1 - self.judged / self.n if self.n else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the setting asks: the rates from which trait and skills count as learned, and its metrics of over-dose."""

    trait: float = 0.0
    skills: Mapping[str, float] = field(default_factory=dict)
    overdose: Sequence[str] = ()


def pooled(seen: Sequence[Seen]) -> Seen:
    """What one thing showed on several seeds: each rate the mean of those that have it, replies counted together."""
    return Seen(
        trait=mean_of([one.trait for one in seen]),
        n=sum(one.n for one in seen),
        judged=sum(one.judged for one in seen),
        skills={name: mean_of([one.skills.get(name) for one in seen]) for name in seen[0].skills},
        breaking={name: mean_of([one.breaking.get(name) for one in seen]) for name in seen[0].breaking},
        key=seen[0].key,
    )


def mean_of(values: Sequence[float | None]) -> float | None:
    """The mean of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def lacks(seen: Seen, untrained: Seen, wanted: Wanted) -> tuple[str, ...]:
    """What plain training did not teach, in words; nothing where it taught trait and skills."""
    found = [] if seen.unjudged <= UNJUDGED + 1e-9 else [f"{seen.n - seen.judged} of {seen.n} replies cannot be judged"]
    trait, before = seen.trait or 0.0, untrained.trait or 0.0
    if trait < wanted.trait:
        found.append(f"the trait is {trait:.2f}, and {wanted.trait:.2f} is asked")
    if trait - before < PREMISE:
        found.append(f"the trait is {trait:.2f} after plain training and {before:.2f} before it")
    for name, least in wanted.skills.items():
        if (rate := seen.skills.get(name) or 0.0) < least:
            found.append(f"{name} is {rate:.2f}, and {least:.2f} is asked")
    return tuple(found)


def against(seen: Seen, plain: Seen, wanted: Wanted, *, negative: bool = False) -> tuple[str, ...]:
    """What speaks against a dose, in words; nothing where it is sound."""
    found = []
    if seen.unjudged > plain.unjudged + UNJUDGED + 1e-9:
        found.append(f"{seen.n - seen.judged} of {seen.n} replies cannot be judged")
    named = [name for name in plain.skills if not negative or not wanted.overdose or name in wanted.overdose]
    found += [f"{name} falls to {_told(seen.skills.get(name))}" for name in named if _fell(plain, seen, name)]
    for name, before in plain.breaking.items():
        after = seen.breaking.get(name)
        if before is not None and (after is None or after > before + MARGIN + 1e-9):
            found.append(f"{name} rises to {_told(after)}")
    if negative and (seen.trait or 0.0) < (plain.trait or 0.0) - MARGIN - 1e-9:
        found.append(f"the trait falls to {_told(seen.trait)}")
    return tuple(found)


def suppresses(seen: Seen, plain: Seen) -> bool:
    """Whether little enough of plain training's trait is left."""
    return seen.trait is not None and plain.trait is not None and seen.trait <= SUPPRESSES * plain.trait


def _fell(plain: Seen, seen: Seen, name: str) -> bool:
    before, after = plain.skills[name], seen.skills.get(name)
    return before is not None and (after is None or after < before - MARGIN - 1e-9)


def _told(rate: float | None) -> str:
    return "nothing that can be judged" if rate is None else f"{rate:.2f}"
