"""How often figures that labels correct hold the truth: simulated judges that err, alike in all arms or not.

True replies follow a logit model: of each arm a constant, and normal effects of the question (shared by the arms), of
the question in this arm, and of the seed. The judge's sensitivity and specificity differ by question and by seed about
their means. So many labels of each arm are drawn, half of them from the judge's yes. The truth is the rate of the arm
over all questions and seeds, and its difference to the first arm.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np

from benchmarks.measured import table
from harness.stats import (
    Crossed,
    Grid,
    Limits,
    crossed,
    judged_share,
    mover,
    powered_difference,
    powered_rate,
    predictive,
    rate_interval,
    rogan_gladen,
    rogan_gladen_difference,
    sensitivity,
    specificity,
)

QUESTIONS, SEEDS, LABELS = (20, 60), (3, 6), (20, 60)
CONSTANTS = (0.8, 0.3, 0.05, 0.8)
"""Of the arms: rates of a question and seed of no effect."""
QUESTION, OWN, SEED, ERRORS = 1.0, 0.7, 0.3, 0.3
"""Standard deviations in logits: of questions, of questions in one arm, of seeds, of seeds' errors."""
ALIKE_QUESTIONS = 5.0  # both parameters of the errors' beta distribution over questions add up to it
LARGE = 1_000_000  # draws that the true rates are of


@dataclass(frozen=True, slots=True, kw_only=True)
class Erring:
    """Mean sensitivity and specificity of the judge in each arm."""

    name: str
    sensitive: tuple[float, ...]
    specific: tuple[float, ...]


JUDGES = (
    Erring(name="alike", sensitive=(0.85,) * 4, specific=(0.9,) * 4),
    Erring(name="good", sensitive=(0.97,) * 4, specific=(0.98,) * 4),
    Erring(name="by arm", sensitive=(0.95, 0.6, 0.6, 0.95), specific=(0.9, 0.98, 0.98, 0.7)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Of one design: the least coverage over arms of rates, and over differences, and mean widths; `told` is the share
    of experiments in which two arms were said to differ in their errors.
    """

    judge: str
    questions: int
    seeds: int
    labels: int
    plain: float
    pooled: float
    powered: float
    difference: float
    pooled_difference: float
    powered_difference: float
    width: float
    pooled_width: float
    powered_width: float
    told: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table of all designs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks labels", description=__doc__)
    parser.add_argument("--experiments", type=int, default=500, help="for each design (default 500)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args(arguments)
    found = list(measured(asked.experiments))
    if asked.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
        return
    rows = [
        (
            one.judge,
            *map(str, (one.questions, one.seeds, one.labels)),
            *(f"{100 * share:.1f}" for share in (one.plain, one.pooled, one.powered)),
            *(f"{100 * share:.1f}" for share in (one.difference, one.pooled_difference, one.powered_difference)),
            *(f"{100 * width:.0f}" for width in (one.width, one.pooled_width, one.powered_width)),
            f"{100 * one.told:.1f}",
        )
        for one in found
    ]
    head = ["judge errs", "questions", "seeds", "labels an arm"]
    head += [f"{what}, {how}" for what in ("rate", "difference") for how in ("judged", "pooled", "powered")]
    print(table("What labels correct", [*head, "width, judged", "pooled", "powered", "told apart"], rows))


def measured(experiments: int, *, seed: int = 0) -> Iterator[Held]:
    """Every judge with every design."""
    for judge, questions, seeds, labels in product(JUDGES, QUESTIONS, SEEDS, LABELS):
        yield held(judge, questions, seeds, labels, experiments=experiments, random=np.random.default_rng(seed))


@dataclass(frozen=True, slots=True)
class Arms:
    """Experiments of one arm: what the judge said, what is true, weights of labels, each (experiments, replies)."""

    said: Grid
    true: Grid
    weight: Grid
    rate: float


def held(
    judge: Erring, questions: int, seeds: int, labels: int, *, experiments: int, random: np.random.Generator
) -> Held:
    """What so many experiments of one design reached."""
    shape = (experiments, questions, seeds)
    shared = random.normal(0, QUESTION, (experiments, questions, 1))
    arms = [
        _arm(random, shared, shape, constant, errors, labels)
        for constant, *errors in zip(CONSTANTS, judge.sensitive, judge.specific, strict=True)
    ]
    member = np.repeat(np.eye(questions), seeds, axis=0)
    said, true, weight = (
        np.concatenate([getattr(one, name) for one in arms], axis=1) for name in ("said", "true", "weight")
    )
    errors = _errors(said, true, weight, np.tile(member, (len(arms), 1)))
    rates = [_rates(one, member, shape, errors) for one in arms]
    others = [_differences(one, arms[0], member, shape, errors) for one in arms[1:]]
    covered, apart = (np.array([[cover for cover, _ in one] for one in some]).min(0) for some in (rates, others))
    widths = np.array([[width for _, width in one] for one in rates]).mean(0)
    return Held(
        judge=judge.name,
        questions=questions,
        seeds=seeds,
        labels=labels,
        **dict(zip(("plain", "pooled", "powered"), map(float, covered), strict=True)),
        **dict(zip(("difference", "pooled_difference", "powered_difference"), map(float, apart), strict=True)),
        **dict(zip(("width", "pooled_width", "powered_width"), map(float, widths), strict=True)),
        told=_told(arms, member),
    )


def _arm(
    random: np.random.Generator,
    shared: Grid,
    shape: tuple[int, int, int],
    constant: float,
    errors: Sequence[float],
    labels: int,
) -> Arms:
    experiments, questions, seeds = shape
    middle = np.log(constant / (1 - constant))
    own, of_seeds = random.normal(0, OWN, (experiments, questions, 1)), random.normal(0, SEED, (experiments, 1, seeds))
    true = random.random(shape) < _logistic(middle + shared + own + of_seeds)
    right = [_right(random, mean, shape) for mean in errors]
    said = np.where(true, random.random(shape) < right[0], random.random(shape) >= right[1]).astype(float)
    flat = said.reshape(experiments, -1)
    spread = np.sqrt(QUESTION**2 + OWN**2 + SEED**2)
    rate = float(_logistic(middle + np.random.default_rng(0).normal(0, spread, LARGE)).mean())
    return Arms(flat, true.reshape(experiments, -1).astype(float), drawn_weights(random, flat, labels), rate)


def _right(random: np.random.Generator, mean: float, shape: tuple[int, int, int]) -> Grid:
    experiments, questions, seeds = shape
    share = random.beta(mean * ALIKE_QUESTIONS, (1 - mean) * ALIKE_QUESTIONS, (experiments, questions, 1))
    share = np.clip(share, 1e-9, 1 - 1e-9)
    return _logistic(np.log(share / (1 - share)) + random.normal(0, ERRORS, (experiments, 1, seeds)))


def drawn_weights(random: np.random.Generator, said: Grid, labels: int) -> Grid:
    """One over the chance of each reply that is drawn, 0 for others: half of `labels` from each word, if there are."""
    weight = np.zeros_like(said)
    for word in (0.0, 1.0):
        own = said == word
        number = own.sum(-1, keepdims=True)
        other = said.shape[-1] - number
        wanted = np.minimum(number, np.maximum(labels // 2, labels - other))
        rank = np.where(own, random.random(said.shape), 2.0).argsort(-1).argsort(-1)
        weight = np.where(own & (rank < wanted), number / np.maximum(wanted, 1), weight)
    return weight


def _rates(
    one: Arms, member: Grid, shape: tuple[int, int, int], errors: tuple[Limits, Limits]
) -> list[tuple[float, float]]:
    said = _limits(_crossed(one.said, shape))
    powered = powered_rate(one.said, one.true, one.weight, member).limits(said)
    return [_held(found, one.rate) for found in (said, rogan_gladen(said, *errors), powered)]


def _differences(
    one: Arms, other: Arms, member: Grid, shape: tuple[int, int, int], errors: tuple[Limits, Limits]
) -> list[tuple[float, float]]:
    plain = _crossed(one.said - other.said, shape)
    half = plain.half_width()
    said = Limits(plain.mean, plain.mean - half, plain.mean + half)
    first, second = (powered_rate(arm.said, arm.true, arm.weight, member) for arm in (one, other))
    moved = [by.slope[:, None] * arm.said + by.shift[:, None] for by, arm in ((first, one), (second, other))]
    corrected = _crossed(moved[0] - moved[1], shape)
    powered = powered_difference(first, second, corrected.mean, corrected.half_width())
    truth = one.rate - other.rate
    return [_held(found, truth) for found in (said, rogan_gladen_difference(said, *errors), powered)]


def _told(arms: Sequence[Arms], member: Grid) -> float:
    """How often any two arms are said to differ in sensitivity or specificity, at 99 % for all pairs together."""
    pairs = [(one, other) for at, one in enumerate(arms) for other in arms[at + 1 :]]
    level = 1 - 0.01 / (2 * len(pairs))
    known = {id(one): _errors(one.said, one.true, one.weight, member, level) for one in arms}
    found = [
        mover(mine, theirs)
        for one, other in pairs
        for mine, theirs in zip(known[id(one)], known[id(other)], strict=True)
    ]
    return float(np.any([(one.low > 0) | (one.high < 0) for one in found], axis=0).mean())


def _errors(said: Grid, true: Grid, weight: Grid, member: Grid, level: float = 0.95) -> tuple[Limits, Limits]:
    yes, no = predictive(said, true, weight, member, level)
    share = judged_share(said, member, level)
    return sensitivity(share, yes, no), specificity(share, yes, no)


def _crossed(values: Grid, shape: tuple[int, int, int]) -> Crossed:
    return crossed(values.reshape(shape), np.ones(shape))


def _limits(spread: Crossed) -> Limits:
    return Limits(spread.mean, *rate_interval(spread))


def _held(found: Limits, truth: float) -> tuple[float, float]:
    """The share of intervals that hold the truth, none of them where there is none, and their mean width."""
    return float(((found.low <= truth) & (truth <= found.high)).mean()), float(np.nanmean(found.high - found.low))


def _logistic(value: Grid) -> Grid:
    share: Grid = 1 / (1 + np.exp(-value))
    return share
