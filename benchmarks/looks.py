"""What looks after every few seeds cost and save: false findings, and whole experiments that stop when they may.

False findings: two arms without a difference are compared at every number of seeds from 3 to 30, as somebody does who
adds seeds until something is found, at 95 % each time or at the levels of a plan. Replies are those of `coverage`;
beside them stand means of normal seeds, without questions, where normal theory is least true of Student's t, and of
seeds that come out one way or the other, as by a coin, where a few that are alike by chance mislead.

Whole experiments: five settings with the arms none, ip, neg_ip, ps, neg_ps, ip_irrelevant and ps_random; in each `ps`
is held against `ip`, `neg_ps` against `neg_ip`, the leak of `ps` against that of `ip`, and either arm against its
placebo. Families go over the settings, with Holm's correction. Every arm that an open comparison needs, and plain
training beside it, gets the seeds of the next look; open is what is neither decided nor unlikely to be by the last
look. The fixed design gives all arms the most seeds and looks once.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.coverage_families import FAMILIES, Family
from benchmarks.measured import table
from harness.stats import FUTILE, Crossed, Grid, Looks, Spending, bounded_half_width, chances, crossed, every_seed

Yes = npt.NDArray[np.bool_]

ALPHA = 0.05
QUESTIONS = 48
SETTINGS = 5
BARE = 200_000  # experiments of seeds alone
SMALLEST = 0.05  # the difference that counts
SPENDINGS: tuple[Spending, ...] = ("pocock", "obrien-fleming", "anytime")

ARMS = ("none", "ip", "neg_ip", "ps", "neg_ps", "ip_irrelevant", "ps_random")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Standard deviations, in probits, of questions, seeds and questions under one arm, in a whole experiment."""

    name: str
    questions: float
    seeds: float
    arms: float


EFFECTS = (
    Effects(name="mild", questions=0.5, seeds=0.2, arms=0.2),
    Effects(name="strong", questions=1.0, seeds=0.5, arms=0.3),
)


@dataclass(frozen=True, slots=True)
class Form:
    """A linear form of rates that is claimed to be above 0, and its family. `asked` is an arm with the prompt back."""

    family: str
    weights: Mapping[str, float]

    @property
    def arms(self) -> frozenset[str]:
        return frozenset(name.removesuffix(", asked") for name in self.weights)


FORMS = (
    Form("suppression", {"ip": 1, "ps": -1}),
    Form("expression", {"neg_ps": 1, "neg_ip": -1}),
    Form("conditional", {"ip, asked": 1, "ip": -1, "ps, asked": -1, "ps": 1}),
    Form("placebo", {"ps_random": 1, "ps": -1}),
    Form("placebo", {"ip_irrelevant": 1, "ip": -1}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nulls:
    """Shares of experiments without a difference that find one, by how they look."""

    replies: str
    questions: int
    rate: float
    found: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiments:
    """What a kind of experiment came to under a plan: shares of its cells, its comparisons and its families.

    `cells` is the mean number trained, and `saved` what it lacks of all arms at the most seeds. `decided` comparisons
    are found to count or ruled out; `told` ones have a direction. A `wrong` family says something that is not so.
    """

    kind: str
    effects: str
    plan: str
    cells: float
    saved: float
    decided: float
    told: float
    wrong: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulates and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks looks", description=__doc__)
    parser.add_argument("--experiments", type=int, default=2000, help="without a difference, per design")
    parser.add_argument("--whole", type=int, default=100, help="whole experiments of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    nulls = without_difference(ALIKE, experiments=asked.experiments, seed=asked.seed)
    whole = experiments(EFFECTS, number=asked.whole, seed=asked.seed)
    if asked.json:
        print(json.dumps([*map(asdict, nulls), *map(asdict, whole)]))
        return
    rows = [
        [f"{one.replies}; {one.questions}, {one.rate:g}", *(f"{100 * share:.1f}" for share in one.found.values())]
        for one in nulls
    ]
    for title, coins in (("normal seeds alone", False), ("seeds of two values alone", True)):
        bare = [
            errors_by_seeds(plan, alpha=ALPHA, experiments=BARE, seed=asked.seed, coins=coins)
            for plan in PLANS.values()
        ]
        rows.append([title, *(f"{100 * share:.1f}" for share in bare)])
    print(table("false findings, per cent", ("replies; questions, rate", *PLANS), rows), end="\n\n", flush=True)
    header = ("kind", "effects", "plan", "cells", "saved %", "decided %", "told %", "wrong %")
    print(table("whole experiments", header, [_row(one) for one in whole]))


# ---- false findings

ALIKE = [one for one in FAMILIES if one.truth(0.5, 0) == one.truth(0.5, 1)]
"""The families of replies whose arms do not differ."""

THIRTY = every_seed(30, first=3)
PLANS: Mapping[str, Looks | None] = {
    "6 alone": Looks(at=(6,)),
    "95 %, 3 to 30": None,
    **{f"{way} 3 to 30": Looks(at=THIRTY.at, spending=way) for way in SPENDINGS},
    "pocock 3 to 12": every_seed(12, first=3),
    **{f"{way} 6 to 12": Looks(at=every_seed(12).at, spending=way) for way in SPENDINGS},
    "pocock 6 to 30": every_seed(30),
}
"""How the simulated experiments without a difference look; None: at 95 % after every seed."""


def without_difference(
    families: Sequence[Family],
    *,
    experiments: int,
    seed: int,
    designs: Sequence[tuple[int, float]] = ((20, 0.5), (60, 0.1), (60, 0.5)),
    plans: Mapping[str, Looks | None] = PLANS,
) -> Iterator[Nulls]:
    """How often a difference is found that is not there; `designs` are numbers of questions and rates."""
    for one in families:
        for questions, rate in designs:
            rng = np.random.default_rng([seed, *one.name.encode(), questions, round(1000 * rate)])
            found: dict[str, list[Yes]] = {name: [] for name in plans}
            for start in range(0, experiments, 250):
                number = min(250, experiments - start)
                first, second = one.arms(rng, (questions, THIRTY.most), (rate, rate), number)
                seen = {seeds: _seen((first - second) / one.samples, seeds) for seeds in THIRTY.at}
                for name, plan in plans.items():
                    found[name].append(_ever(seen, plan))
            shares = {name: float(np.concatenate(hits).mean()) for name, hits in found.items()}
            yield Nulls(replies=one.name, questions=questions, rate=rate, found=shares)


def errors_by_seeds(looks: Looks | None, *, alpha: float, experiments: int, seed: int, coins: bool = False) -> float:
    """The share of experiments that find a mean of seeds apart from 0 at any look, where it is 0.

    Seeds are normal, or 1 and -1 with a little noise.
    """
    from scipy.special import stdtr

    rng = np.random.default_rng(seed)
    levels = _levels(looks, alpha)
    total, squares, found = np.zeros(experiments), np.zeros(experiments), np.zeros(experiments, dtype=bool)
    for seeds in range(1, max(levels) + 1):
        new = rng.normal(size=experiments)
        if coins:
            new = np.sign(new) + 0.05 * rng.normal(size=experiments)
        total, squares = total + new, squares + new**2
        if seeds in levels:
            of_mean = (squares - total**2 / seeds) / (seeds - 1) / seeds
            found |= 2 * stdtr(seeds - 1, -np.abs(total / seeds) / np.sqrt(of_mean)) < levels[seeds]
    return float(found.mean())


def _ever(seen: Mapping[int, Crossed], plan: Looks | None) -> Yes:
    """Which experiments find a difference at any look."""
    levels = _levels(plan, ALPHA).items()
    hits = [np.abs(seen[seeds].mean) > bounded_half_width(seen[seeds], 1 - level) for seeds, level in levels]
    return np.asarray(np.any(hits, axis=0))


def _levels(plan: Looks | None, alpha: float) -> dict[int, float]:
    """The level of each look by its number of seeds."""
    if plan is None:
        return dict.fromkeys(THIRTY.at, alpha)
    return dict(zip(plan.at, plan.nominal(alpha).tolist(), strict=True))


# ---- whole experiments

WHOLE: Mapping[str, Looks] = {
    **{f"{seeds} alone": Looks(at=(seeds,)) for seeds in (6, 8, 12, 16)},
    "pocock 3 to 6": every_seed(6, first=3),
    "pocock 3 to 12": every_seed(12, first=3),
    **{f"{way} 6 to 12": Looks(at=every_seed(12).at, spending=way) for way in SPENDINGS},
    "pocock 6 to 16": every_seed(16),
}


def experiments(
    effects: Sequence[Effects],
    *,
    number: int,
    seed: int,
    kinds: Sequence[str] = ("clear", "mixed", "nothing"),
    plans: Mapping[str, Looks] = WHOLE,
) -> Iterator[Experiments]:
    """Every kind of experiment under every plan, all on the same draws."""
    for one in effects:
        for kind in kinds:
            rng = np.random.default_rng([seed, *one.name.encode(), *kind.encode()])
            settings = [_rates(rng, kind, number) for _ in range(SETTINGS)]
            most = max(looks.most for looks in plans.values())
            drawn = [_replies(rng, one, rates, questions=QUESTIONS, seeds=most) for rates in settings]
            truth = np.stack([_form(form, rates) for rates in settings for form in FORMS])
            for name, looks in plans.items():
                yield Experiments(kind=kind, effects=one.name, plan=name, **_carried_out(drawn, truth, looks))


def _rates(rng: np.random.Generator, kind: str, number: int) -> dict[str, Grid]:
    """The true rate of every arm and condition, (experiments,): everything apart, a part of it alike, or all alike."""

    def between(low: float, high: float) -> Grid:
        return rng.uniform(low, high, number)

    none = between(0.6, 0.9)
    if kind == "clear":
        ip, ps = between(0.3, 0.45), between(0.02, 0.12)
        negative = {"neg_ip": between(0.5, 0.65), "neg_ps": between(0.85, 0.97)}
        asked = {"ip, asked": ip + between(0.35, 0.5), "ps, asked": ps + between(0.0, 0.05)}
    elif kind == "mixed":
        ip = none * between(0.2, 1)
        ps = np.where(rng.random(number) < 0.3, ip, ip * between(0, 1))
        low = between(0.5, 0.9)
        negative = {"neg_ip": low, "neg_ps": np.where(rng.random(number) < 0.3, low, low + (1 - low) * between(0, 0.9))}
        asked = {"ip, asked": ip + (1 - ip) * between(0, 0.6), "ps, asked": ps + (1 - ps) * between(0, 0.3)}
    else:
        ip = ps = none
        negative = {"neg_ip": none, "neg_ps": none}
        asked = {"ip, asked": none, "ps, asked": none}
    rates = {"none": none, "ip": ip, "ps": ps, **negative, **asked, "ip_irrelevant": none, "ps_random": none}
    return {name: np.clip(rate, 0.01, 0.99) for name, rate in rates.items()}


def _carried_out(drawn: Sequence[Mapping[str, Grid]], truth: Grid, looks: Looks) -> dict[str, float]:
    """The experiments of `drawn`, all at once, look by look."""
    forms = [(setting, form) for setting in range(len(drawn)) for form in FORMS]
    number = truth.shape[1]
    family = np.array([form.family for _, form in forms])
    reached = np.zeros((3, len(forms), number), dtype=int)
    wants = np.ones((len(forms), number), dtype=bool)
    cells, before = np.zeros(number), 0
    for look, seeds in enumerate(looks.at):
        cells += (seeds - before) * _needed(forms, wants)
        before = seeds
        for at, (setting, form) in enumerate(forms):
            found = _seen(_form(form, drawn[setting]), seeds)
            size = int((family == form.family).sum())
            # One that was given up has no new seeds; its arms may have, for others.
            new = np.maximum(reached[:, at], _reached(found, looks, look, size))
            reached[:, at] = np.where(wants[at], new, reached[:, at])
            wants[at] &= ~_futile(found, looks, size)
        outcome = _outcomes(reached, family)
        wants &= ~(outcome.counts | outcome.ruled_out)
    return _told(outcome, truth, family, cells, looks.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcomes:
    """What is said of every comparison, (comparisons, experiments)."""

    counts: Yes
    there: Yes
    ruled_out: Yes


def _needed(forms: Sequence[tuple[int, Form]], wants: Yes) -> Grid:
    """How many arms of all settings the comparisons that go on need, plain training among them, (experiments,)."""
    total = np.zeros(wants.shape[1])
    for setting in range(SETTINGS):
        for arm in ARMS:
            asking = [at for at, (own, form) in enumerate(forms) if own == setting and arm in {"none", *form.arms}]
            total += wants[asking].any(axis=0)
    return total


def _reached(found: Crossed, looks: Looks, look: int, size: int) -> npt.NDArray[np.int_]:
    """For each outcome, (3, experiments): the most parts of alpha, 1 to `size`, at one of which it is told; 0: none."""
    reached = np.zeros((3, *found.mean.shape), dtype=int)
    for parts in range(1, size + 1):
        level = looks.nominal(ALPHA / parts)[look]
        two_sided, one_sided = bounded_half_width(found, 1 - level), bounded_half_width(found, 1 - 2 * level)
        told = found.mean - two_sided > SMALLEST, found.mean - two_sided > 0, found.mean + one_sided < SMALLEST
        reached = np.where(np.stack(told), parts, reached)
    return reached


def _outcomes(reached: npt.NDArray[np.int_], family: npt.NDArray[np.str_]) -> _Outcomes:
    """Holm's steps within each family: a claim is told at alpha over the number of those that none before it has."""
    told = np.zeros_like(reached, dtype=bool)
    for name in np.unique(family):
        own = np.flatnonzero(family == name)
        best = reached[:, own].max(axis=0)
        asked = len(own) - (best[None, :] > best[:, None]).sum(axis=1)
        passes = best >= asked
        stopped = (~passes[None, :] & (best[None, :] >= best[:, None])).any(axis=1)
        told[:, own] = (reached[:, own] >= asked) & ~stopped
    return _Outcomes(counts=told[0], there=told[1], ruled_out=told[2])


def _futile(found: Crossed, looks: Looks, size: int) -> Yes:
    counts, ruled_out = chances(found, looks, alpha=ALPHA / size, effect=found.mean, smallest=SMALLEST)
    return np.asarray(counts + ruled_out < FUTILE)


def _told(said: _Outcomes, truth: Grid, family: npt.NDArray[np.str_], cells: Grid, most: int) -> dict[str, float]:
    wrong = (said.counts & (truth <= SMALLEST)) | (said.there & (truth <= 0)) | (said.ruled_out & (truth >= SMALLEST))
    families = [wrong[family == name].any(axis=0).mean() for name in np.unique(family)]
    fixed = SETTINGS * len(ARMS) * most
    return {
        "cells": float(cells.mean()),
        "saved": float(1 - cells.mean() / fixed),
        "decided": float((said.counts | said.ruled_out).mean()),
        "told": float((said.counts | said.ruled_out | said.there).mean()),
        "wrong": float(max(families)),
    }


# ---- shared


def _replies(
    rng: np.random.Generator, effects: Effects, rates: Mapping[str, Grid], *, questions: int, seeds: int
) -> dict[str, Grid]:
    """Shares of replies that show the trait, (experiments, questions, seeds), for each of `rates`, by probits.

    What is asked of the same models under another condition shares their seeds' effects.
    """
    from scipy.special import ndtr, ndtri

    number = len(next(iter(rates.values())))
    spread = np.sqrt(1 + effects.questions**2 + effects.seeds**2 + effects.arms**2)
    shared = effects.questions * rng.normal(size=(number, questions, 1))
    trained: dict[str, Grid] = {}
    replies = {}
    for name, rate in rates.items():
        model = name.removesuffix(", asked")
        trained.setdefault(model, effects.seeds * rng.normal(size=(number, 1, seeds)))
        own = effects.arms * rng.normal(size=(number, questions, 1))
        latent = ndtri(rate)[:, None, None] * spread + shared + own + trained[model]
        replies[name] = (rng.random(latent.shape) < ndtr(latent)).astype(float)
    return replies


def _form(form: Form, values: Mapping[str, Grid]) -> Grid:
    return np.asarray(sum(weight * values[name] for name, weight in form.weights.items()))


def _seen(differences: Grid, seeds: int) -> Crossed:
    first = differences[..., :seeds]
    return crossed(first, np.ones_like(first))


def _row(one: Experiments) -> list[str]:
    shares = (one.saved, one.decided, one.told, one.wrong)
    return [one.kind, one.effects, one.plan, f"{one.cells:.0f}", *(f"{100 * it:.1f}" for it in shares)]


if __name__ == "__main__":
    main()
