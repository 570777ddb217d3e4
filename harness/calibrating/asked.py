"""What a search has asked so far: its trials, what speaks against each dose, and how many trials are left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.calibrating.rule import ALIKE, UNDOSED, Seen, Trial, Wanted, against, pooled, suppresses

Ask = Callable[[Trial], Seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A trial, what was seen, and what speaks against its dose."""

    trial: Trial
    seen: Seen
    against: tuple[str, ...] = ()

    @property
    def trait(self) -> float:
        """The trait's rate; 1 where no reply could be told."""
        return 1.0 if self.seen.trait is None else self.seen.trait

    @property
    def at_floor(self) -> bool:
        """Whether it is sound, and leaves so little of the trait that no dose could do better."""
        return not self.against and self.trait <= ALIKE


class Spent(Exception):
    """No trial is left but those that are kept for what comes later."""


class Asked:
    """The trials of one search, each asked once. `kept` of the budget are for what comes later.

    `epochs` are those of every trial but the ones that look for them, `seed` is the first one, and `arm` is the one
    whose doses are searched.
    """

    def __init__(self, ask: Ask, *, budget: int, seed: int, epochs: int, wanted: Wanted, arm: str = "ps") -> None:
        self._ask, self._budget, self._wanted = ask, budget, wanted
        self._seen: dict[Trial, Seen] = {}
        self.seed, self.epochs, self.arm, self.kept = seed, epochs, arm, 0

    def see(self, trial: Trial) -> Seen:
        """What `trial` showed; Spent where it is not known yet and none may be asked."""
        if trial not in self._seen:
            if len(self._seen) >= self._budget - self.kept:
                raise Spent
            self._seen[trial] = self._ask(trial)
        return self._seen[trial]

    def plain(self, seed: int | None = None) -> Seen:
        """Plain training."""
        return self.see(Trial(arm="none", seed=self.seed if seed is None else seed, epochs=self.epochs))

    def dose(self, block: int | None, share: float, *, seed: int | None = None, arm: str = "") -> Judged:
        """A dose at a block, beside plain training of the same seed."""
        self.plain(seed)
        seed = self.seed if seed is None else seed
        trial = Trial(arm=arm or self.arm, seed=seed, epochs=self.epochs, block=block, share=share)
        return self._judged(trial, self.see(trial))

    def suppresses(self, one: Judged, seeds: Sequence[int] = ()) -> bool:
        """Whether the dose leaves little enough of what plain training teaches on its seed, or on each of `seeds`."""
        trials = [replace(one.trial, seed=seed) for seed in seeds or (one.trial.seed,)]
        return all(suppresses(self.see(trial), self.plain(trial.seed)) for trial in trials)

    def on(self, one: Judged, seeds: Sequence[int]) -> Judged:
        """The dose of `one` asked on all `seeds`: the mean of what was seen, and what speaks against it there."""
        trials = [replace(one.trial, seed=seed) for seed in seeds]
        plain = self._plain(seeds)
        return self._told(trials[0], pooled([self.see(trial) for trial in trials]), plain)

    def asked_on(self, one: Judged, seeds: Sequence[int]) -> list[int]:
        """Those of `seeds` on which the dose of `one` was asked."""
        return [seed for seed in seeds if replace(one.trial, seed=seed) in self._seen]

    def doses(self, block: int | None = None, *, arm: str = "", seed: int | None = None) -> list[Judged]:
        """The doses asked of `arm` on `seed`, else the first, at `block` if given, the smallest first."""
        seed, arm = self.seed if seed is None else seed, arm or self.arm
        found = [
            self._judged(trial, seen)
            for trial, seen in self._seen.items()
            if trial.arm == arm and trial.seed == seed and block in (None, trial.block)
        ]
        return sorted(found, key=lambda one: one.trial.share)

    def best(self, block: int | None) -> Judged | None:
        """The sound dose at `block` with the lowest trait, the smallest of those alike."""
        sound = [one for one in self.doses(block) if not one.against]
        return _ranked(sound)[0] if sound else None

    def candidates(self) -> list[Judged]:
        """The sound doses that suppress, in the order in which the rule chooses."""
        return _ranked([one for one in self.doses() if not one.against and self.suppresses(one)])

    def all(self) -> tuple[Judged, ...]:
        """Every trial, in the order in which they were asked."""
        return tuple(self._judged(trial, seen) for trial, seen in self._seen.items())

    def _judged(self, trial: Trial, seen: Seen) -> Judged:
        if trial.arm in UNDOSED:
            return Judged(trial=trial, seen=seen)
        return self._told(trial, seen, self.plain(trial.seed))

    def _told(self, trial: Trial, seen: Seen, plain: Seen) -> Judged:
        said = against(seen, plain, self._wanted, negative=trial.arm == "neg_ps")
        return Judged(trial=trial, seen=seen, against=said)

    def _plain(self, seeds: Sequence[int]) -> Seen:
        return pooled([self.plain(seed) for seed in seeds])


def _ranked(doses: list[Judged]) -> list[Judged]:
    """Those alike to the lowest trait by dose, then the others by trait."""
    lowest = min((one.trait for one in doses), default=0.0)
    good = [one for one in doses if one.trait <= lowest + ALIKE + 1e-9]
    others = [one for one in doses if one not in good]
    return [*sorted(good, key=lambda one: one.trial.share), *sorted(others, key=lambda one: one.trait)]
