"""What is planned before the first run: the seeds of every arm, and the looks at which claims may be decided."""

from __future__ import annotations

from itertools import pairwise

from harness.analysis import PLAIN
from harness.claims.schema import Claim, arm_label
from harness.documents import Record, record
from harness.errors import HarnessError
from harness.stats import Looks, Spending

MOST_LOOKS = 100  # seeds beyond which no look is planned


@record
class LockedArm(Record):
    """The training seeds of an arm, in the order in which they are used.

    `model` is a digest, with the layers that get an adapter where the arm's cells name them.
    """

    setting: str
    arm: str
    scale: str
    model: str
    seeds: tuple[int, ...]


@record
class LockedLooks(Record):
    """Looks at the first `at` of `seeds`, in their order, that spend a family's error `alpha` as `spending` says."""

    seeds: tuple[int, ...]
    at: tuple[int, ...]
    spending: Spending
    alpha: float

    def __post_init__(self) -> None:
        rising = all(one < other for one, other in pairwise((1, *self.at)))
        if not self.at or not rising or self.at[-1] > MOST_LOOKS:
            raise HarnessError(f"looks at {list(self.at)!r:.60} seeds are no plan")
        if len(set(self.seeds)) != self.at[-1] or len(self.seeds) != self.at[-1]:
            raise HarnessError(f"a plan of looks to {self.at[-1]} seeds names other than so many")

    @property
    def plan(self) -> Looks:
        """The levels of the looks."""
        return Looks(at=self.at, spending=self.spending)

    def seen(self, look: int) -> tuple[int, ...]:
        """The seeds that look number `look`, counted from 0, looks at."""
        return self.seeds[: self.at[look]]

    def __str__(self) -> str:
        return str(self.plan)


def needs(claim: Claim, arm: str) -> bool:
    """Whether a claim of the arm's setting compares `arm`, by its label, or asks of it what plain training came to."""
    for one in claim.compare:
        if arm == PLAIN or arm in map(arm_label, (one.arm, one.against)):
            return True
        if one.measure == "balance" and arm.split()[0] in (one.arm, one.against):
            return True
    return False
