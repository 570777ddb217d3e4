"""How often the intervals hold the truth, and how often tests find an effect that is not there: simulated experiments.

Replies follow a probit model: the latent rate of a question and seed is a constant plus a normal effect of the
question, of the seed, and of the question under this arm. The constant makes the rate over all questions and seeds
exactly what is asked for. Two arms share their questions, never their seeds' effects. A family is five such
comparisons without an effect; one of them found is an error of the family.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np

from benchmarks.measured import table
from harness.stats import LEAST_SEEDS, Crossed, Grid, agreed_half_width, crossed, flip_levels, rate_interval

QUESTIONS, SEEDS, RATES = (8, 20, 60), (3, 6, 10), (0.01, 0.1, 0.5)
FAMILY = 5
ALPHA = 0.05
BATCH = 500  # experiments at a time: memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Standard deviations, in probits, of questions, seeds and questions under one arm; `samples` replies each."""

    name: str
    questions: float
    seeds: float
    arms: float
    samples: int


EFFECTS = (
    Effects(name="alike", questions=0.0, seeds=0.0, arms=0.0, samples=1),
    Effects(name="mild", questions=0.5, seeds=0.2, arms=0.2, samples=1),
    Effects(name="mild, 10 samples", questions=0.5, seeds=0.2, arms=0.2, samples=10),
    Effects(name="strong", questions=1.0, seeds=0.5, arms=0.3, samples=1),
    Effects(name="strong, 10 samples", questions=1.0, seeds=0.5, arms=0.3, samples=10),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a design reached: shares of experiments, and mean widths of intervals.

    `rate` and `difference` are coverages of nominal 95 % intervals, of a rate and of the difference to an arm of half
    that rate. `single`, `family` and `flips` are false positives: of one comparison, of a family of five by Holm's
    levels, and of a family by sign flips (None under 6 seeds, where no p is given).
    """

    effects: str
    questions: int
    seeds: int
    asked: float
    rate: float
    width: float
    difference: float
    single: float
    family: float
    flips: float | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulates and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks coverage", description=__doc__)
    parser.add_argument("--experiments", type=int, default=2000, help="simulated experiments per design")
    parser.add_argument(
        "--effects", nargs="+", choices=[one.name for one in EFFECTS], help="only these sizes of effects"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    wanted = [one for one in EFFECTS if not asked.effects or one.name in asked.effects]
    if asked.json:
        print(json.dumps([asdict(one) for one in simulate(wanted, experiments=asked.experiments, seed=asked.seed)]))
        return
    print(f"{asked.experiments} experiments per design, seed {asked.seed}\n")
    header = ("seeds, questions, rate", "rate %", "mean width", "difference %", "single %", "family %", "flips %")
    for one in wanted:
        rows = [_row(found) for found in simulate([one], experiments=asked.experiments, seed=asked.seed)]
        print(table(_title(one), header, rows), end="\n\n", flush=True)


def simulate(
    effects: Sequence[Effects],
    *,
    experiments: int,
    seed: int,
    questions: Sequence[int] = QUESTIONS,
    seeds: Sequence[int] = SEEDS,
    rates: Sequence[float] = RATES,
) -> Iterator[Found]:
    """Every design under every size of effects, each with a generator of its own."""
    for one, of_seeds, of_questions, rate in product(effects, seeds, questions, rates):
        rng = np.random.default_rng([seed, *one.name.encode(), of_seeds, of_questions, round(1000 * rate)])
        yield _design(rng, one, of_questions, of_seeds, rate, experiments)


def _design(
    rng: np.random.Generator, effects: Effects, questions: int, seeds: int, rate: float, experiments: int
) -> Found:
    shape = (questions, seeds)
    covered, widths, held, wrong, flipped = [], [], [], [], []
    for start in range(0, experiments, BATCH):
        number = min(BATCH, experiments - start)
        one, half = (arm / effects.samples for arm in _arms(rng, effects, shape, (rate, rate / 2), number))
        low, high = rate_interval(crossed(one, np.ones_like(one)))
        covered.append((low <= rate) & (rate <= high))
        widths.append(high - low)
        held.append(_holds(_compared(one, half), rate / 2, 1 - ALPHA))
        same = _arms(rng, effects, shape, (rate, rate), number * FAMILY)
        pairs = (same[0] - same[1]) / effects.samples
        null = _compared(pairs, np.zeros_like(pairs))
        wrong.append(np.stack([~_holds(null, 0.0, level) for level in (1 - ALPHA, 1 - ALPHA / FAMILY)]))
        if seeds >= LEAST_SEEDS:
            flipped.append(flip_levels(pairs.mean(1)) <= ALPHA / FAMILY)
    single, strict = np.concatenate(wrong, axis=1)
    return Found(
        effects=effects.name,
        questions=questions,
        seeds=seeds,
        asked=rate,
        rate=float(np.concatenate(covered).mean()),
        width=float(np.concatenate(widths).mean()),
        difference=float(np.concatenate(held).mean()),
        single=float(single.mean()),
        # Holm's first step: some level of the five is at most alpha / 5 just where the family is found anything in.
        family=float(strict.reshape(-1, FAMILY).any(axis=1).mean()),
        flips=float(np.concatenate(flipped).reshape(-1, FAMILY).any(axis=1).mean()) if flipped else None,
    )


def _arms(
    rng: np.random.Generator, effects: Effects, shape: tuple[int, int], rates: Sequence[float], number: int
) -> list[Grid]:
    """Counts of replies that show the trait, (experiments, questions, seeds), for an arm of each of `rates`."""
    from scipy.special import ndtr, ndtri

    questions, seeds = shape
    spread = math.sqrt(1 + effects.questions**2 + effects.seeds**2 + effects.arms**2)
    shared = effects.questions * rng.normal(size=(number, questions, 1))
    arms: list[Grid] = []
    for rate in rates:
        own = effects.arms * rng.normal(size=(number, questions, 1))
        trained = effects.seeds * rng.normal(size=(number, 1, seeds))
        arms.append(rng.binomial(effects.samples, ndtr(ndtri(rate) * spread + shared + own + trained)).astype(float))
    return arms


def _compared(first: Grid, second: Grid) -> Crossed:
    difference = first - second
    return crossed(difference, np.ones_like(difference))


def _holds(found: Crossed, truth: float, level: float) -> np.typing.NDArray[np.bool_]:
    """Which experiments' intervals at `level` hold `truth`, as `Contrast` forms them."""
    half = np.where(found.is_spread, found.half_width(level), agreed_half_width(found.clusters, level))
    held: np.typing.NDArray[np.bool_] = np.abs(found.mean - truth) <= half
    return held


def _title(effects: Effects) -> str:
    sizes = f"questions {effects.questions:g}, seeds {effects.seeds:g}, questions by arm {effects.arms:g} probits"
    return f"{effects.name}: {sizes}; {effects.samples} repl{'y' if effects.samples == 1 else 'ies'} each"


def _row(found: Found) -> list[str]:
    shares = (found.difference, found.single, found.family)
    return [
        f"{found.seeds}, {found.questions}, {found.asked:g}",
        f"{100 * found.rate:.1f}",
        f"{found.width:.3f}",
        *(f"{100 * share:.1f}" for share in shares),
        "-" if found.flips is None else f"{100 * found.flips:.1f}",
    ]


if __name__ == "__main__":
    main()
