"""How often the intervals hold the truth, and how often tests find an effect that is not there: simulated experiments.

Two arms share their questions, never their seeds' effects; what varies is told in `benchmarks/coverage_families.py`. A
family is five such comparisons without an effect; one of them found is an error of the family.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np

from benchmarks.coverage_families import FAMILIES, Family
from benchmarks.measured import table
from harness.stats import (
    LEAST_SEEDS,
    Crossed,
    Grid,
    Summand,
    bounded_half_width,
    crossed,
    crossed_form,
    flip_levels,
    rate_interval,
)

QUESTIONS, RATES = (8, 20, 60), (0.0, 0.01, 0.1, 0.5, 0.9, 1.0)
FAMILY = 5
ALPHA = 0.05
LEAST = 0.93  # what an interval of 95 % is held to
NEAR = 0.945, 0.04  # of coverage and of a family's errors: what is not clear of these is simulated again
BATCH = 500  # experiments at a time: memory


@dataclass(frozen=True, slots=True)
class Seeds:
    """How many seeds each of two arms has, and how many of them are the same."""

    first: int
    second: int
    shared: int

    def __str__(self) -> str:
        if self.first == self.second == self.shared:
            return str(self.first)
        return f"{self.first} v {self.second}, {self.shared or 'none'} shared"


PAIRED = tuple(Seeds(number, number, number) for number in (3, 6, 10))
UNLIKE = (Seeds(3, 6, 0), Seeds(6, 10, 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a design reached: shares of experiments, and mean widths of intervals.

    `rate` and `difference` are coverages of nominal 95 % intervals, of a rate and of the difference to an arm of half
    that rate; `alone` is what the difference's would be by its spread alone, without the bound where all agree, and
    `width_alone` how wide. `power` is how often that difference is told from 0, `power_alone` without the bound.
    `single`, `family` and `flips` are false positives: of one comparison, of a family of five by Holm's levels, and of
    a family by sign flips (None under 6 shared seeds, where no p is given).
    """

    name: str
    questions: int
    seeds: str
    asked: float
    rate: float
    width: float
    difference: float
    width_of_difference: float
    alone: float
    width_alone: float
    power: float
    power_alone: float
    single: float
    family: float
    flips: float | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulates and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks coverage", description=__doc__)
    parser.add_argument("--experiments", type=int, default=400, help="simulated experiments per design")
    parser.add_argument("--again", type=int, default=4000, help="as many for a design that is near what it is held to")
    parser.add_argument(
        "--families", nargs="+", choices=[one.name for one in FAMILIES], help="only these ways to make replies"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--summary", action="store_true", help="no table of each family")
    asked = parser.parse_args(arguments)
    wanted = [one for one in FAMILIES if not asked.families or one.name in asked.families]
    if asked.json:
        designs = simulate(wanted, experiments=asked.experiments, again=asked.again, seed=asked.seed)
        print(json.dumps([asdict(one) for one in designs]))
        return
    print(f"{asked.experiments} experiments per design, {asked.again} where that is not clear, seed {asked.seed}\n")
    header = ("seeds; questions, rate", "rate %", "width", "difference %", "width", "single %", "family %", "flips %")
    every: list[Found] = []
    for one in wanted:
        found = list(simulate([one], experiments=asked.experiments, again=asked.again, seed=asked.seed))
        every += found
        if not asked.summary:
            title = f"{one.name}: {one.text}; {one.samples} repl{'y' if one.samples == 1 else 'ies'} each"
            print(table(title, header, [_row(design) for design in found]), end="\n\n", flush=True)
    print(summary(every))


def simulate(
    families: Sequence[Family],
    *,
    experiments: int,
    again: int = 0,
    seed: int,
    questions: Sequence[int] = QUESTIONS,
    seeds: Sequence[Seeds] = (*PAIRED, *UNLIKE),
    rates: Sequence[float] = RATES,
) -> Iterator[Found]:
    """Every design under every family, each with a generator of its own.

    A design near what it is held to is simulated `again`, by other draws, and these alone count: of many designs some
    would be under it by chance.
    """
    for one, of_seeds, of_questions, rate in product(families, seeds, questions, rates):
        place = (of_seeds.first, of_seeds.second, of_seeds.shared, of_questions, round(1000 * rate))
        rng = np.random.default_rng([seed, *one.name.encode(), *place])
        found = _design(rng, one, of_questions, of_seeds, rate, experiments)
        if again and (min(found.rate, found.difference) < NEAR[0] or found.family > NEAR[1]):
            found = _design(rng, one, of_questions, of_seeds, rate, again)
        yield found


def summary(found: Sequence[Found]) -> str:
    """Per family, all designs: how many cover too little, the largest false positives, what the bound costs."""
    header = (
        *("family", "designs", "rates under 93 %", "differences under 93 %", "without the bound", "least %"),
        *("width", "without", "power %", "without", "most single %", "most family %"),
    )
    names = list(dict.fromkeys(one.name for one in found))
    rows = [_summed(name, [one for one in found if one.name == name]) for name in names]
    return table("all designs", header, [*rows, _summed("all", found)])


def _design(
    rng: np.random.Generator, family: Family, questions: int, seeds: Seeds, rate: float, experiments: int
) -> Found:
    truths = family.truth(rate, 0), family.truth(rate / 2, 1)
    effect = truths[0] - truths[1]
    rates, held, nulls, flipped = [], [], [], []
    for start in range(0, experiments, BATCH):
        number = min(BATCH, experiments - start)
        one, half = _arms(rng, family, questions, seeds, (rate, rate / 2), number)
        low, high = rate_interval(crossed(one, np.ones_like(one)))
        rates.append(np.stack([(low <= truths[0]) & (truths[0] <= high), high - low]))
        held.append(_held(_compared(one, half, seeds), effect))
        if family.truth(rate, 0) != family.truth(rate, 1):
            continue  # these two arms are not alike
        same = _arms(rng, family, questions, seeds, (rate, rate), number * FAMILY)
        null = _compared(*same, seeds)
        nulls.append(np.stack([_finds(null, level) for level in (1 - ALPHA, 1 - ALPHA / FAMILY)]))
        if seeds.shared == seeds.first == seeds.second >= LEAST_SEEDS:
            flipped.append(flip_levels((same[0] - same[1]).mean(1)) <= ALPHA / FAMILY)
    single, strict = np.concatenate(nulls, axis=1) if nulls else np.zeros((2, FAMILY))
    of_rate, of_difference = (np.concatenate(some, axis=1).mean(1) for some in (rates, held))
    return Found(
        name=family.name,
        questions=questions,
        seeds=str(seeds),
        asked=rate,
        **dict(zip(("rate", "width"), map(float, of_rate), strict=True)),
        **dict(zip(HELD, map(float, of_difference), strict=True)),
        single=float(single.mean()),
        # Holm's first step: some level of the five is at most alpha / 5 just where the family is found anything in.
        family=float(strict.reshape(-1, FAMILY).any(axis=1).mean()),
        flips=float(np.concatenate(flipped).reshape(-1, FAMILY).any(axis=1).mean()) if flipped else None,
    )


HELD = ("difference", "width_of_difference", "alone", "width_alone", "power", "power_alone")


def _arms(
    rng: np.random.Generator, family: Family, questions: int, seeds: Seeds, rates: tuple[float, float], number: int
) -> tuple[Grid, Grid]:
    """Shares of replies that show the trait, (experiments, questions, seeds), for an arm of each of `rates`."""
    most = max(seeds.first, seeds.second)
    first, second = family.arms(rng, (questions, most), rates, number)
    return first[..., : seeds.first] / family.samples, second[..., : seeds.second] / family.samples


def _compared(first: Grid, second: Grid, seeds: Seeds) -> Crossed:
    """The difference as `contrast` forms it."""
    start = seeds.first - seeds.shared
    theirs = tuple(range(start, start + seeds.second))
    return crossed_form([Summand(values=first, seeds=tuple(range(seeds.first))), Summand(values=-second, seeds=theirs)])


def _held(found: Crossed, truth: float) -> Grid:
    """By experiment, as `HELD` names them: whether and how widely intervals hold `truth`, and tell it from 0."""
    bounded, alone = bounded_half_width(found), found.half_width()
    alone = np.where(found.is_spread, alone, bounded)
    missed, seen = np.abs(found.mean - truth), np.abs(found.mean)
    return np.stack([missed <= bounded, 2 * bounded, missed <= alone, 2 * alone, seen > bounded, seen > alone])


def _finds(found: Crossed, level: float) -> np.typing.NDArray[np.bool_]:
    """Which experiments' intervals at `level` do not hold 0."""
    finds: np.typing.NDArray[np.bool_] = np.abs(found.mean) > bounded_half_width(found, level)
    return finds


def _row(found: Found) -> list[str]:
    return [
        f"{found.seeds}; {found.questions}, {found.asked:g}",
        f"{100 * found.rate:.1f}",
        f"{found.width:.3f}",
        f"{100 * found.difference:.1f}",
        f"{found.width_of_difference:.3f}",
        *(f"{100 * share:.1f}" for share in (found.single, found.family)),
        "-" if found.flips is None else f"{100 * found.flips:.1f}",
    ]


def _summed(name: str, found: Sequence[Found]) -> list[str]:
    def mean(of: str) -> float:
        return float(np.mean([getattr(one, of) for one in found]))

    return [
        name,
        str(len(found)),
        *(str(sum(getattr(one, of) < LEAST for one in found)) for of in ("rate", "difference", "alone")),
        f"{100 * min(one.difference for one in found):.1f}",
        *(f"{mean(of):.3f}" for of in ("width_of_difference", "width_alone")),
        *(f"{100 * mean(of):.1f}" for of in ("power", "power_alone")),
        *(f"{100 * max(getattr(one, of) for one in found):.1f}" for of in ("single", "family")),
    ]


if __name__ == "__main__":
    main()
