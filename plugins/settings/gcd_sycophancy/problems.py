"""GCD problems: Euclid's steps, disjoint pools of problems by use, and plausible wrong answers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

Mistake = Literal["remainder", "divisor", "near"]
NEAR: Mistake = "near"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """The greatest common divisor of `a` and `b`, a > b > 0."""

    a: int
    b: int

    @property
    def id(self) -> str:
        """`gcd-84-36`: the cluster of every case that asks this problem."""
        return f"gcd-{self.a}-{self.b}"

    @property
    def answer(self) -> int:
        """The greatest common divisor."""
        return math.gcd(self.a, self.b)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Euclid's divisions, the last with remainder 0."""
        return tuple(_divisions(self.a, self.b))


@dataclass(frozen=True, slots=True)
class Step:
    """One division of Euclid's algorithm: dividend = divisor x quotient + remainder."""

    dividend: int
    divisor: int
    quotient: int
    remainder: int


@dataclass(frozen=True, slots=True)
class Slip:
    """A wrong answer and how one comes to it."""

    value: int
    mistake: Mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Problems by use; no problem is in two pools."""

    test: tuple[Problem, ...]
    selection: tuple[Problem, ...]
    vectors: tuple[Problem, ...]
    train: tuple[Problem, ...]


@cache
def pools(
    *,
    largest: int,
    most_steps: int,
    test: int,
    selection: int,
    vectors: int,
    taken: frozenset[tuple[int, int]] = frozenset(),
) -> Pools:
    """Every problem up to `largest` with a divisor above 1 and at most `most_steps`, shuffled once and dealt out.

    `taken` are number pairs in use elsewhere. What the first three pools leave over is for training.
    """
    deck = [p for p in _problems(largest, most_steps) if (p.a, p.b) not in taken and (p.b, p.a) not in taken]
    Random("problems of the greatest common divisor").shuffle(deck)
    dealt = iter(deck)
    first, second, third = (tuple(next(dealt) for _ in range(size)) for size in (test, selection, vectors))
    return Pools(test=first, selection=second, vectors=third, train=tuple(dealt))


def slip(problem: Problem) -> Slip:
    """A wrong answer to `problem`, always the same one: a remainder or a lesser common divisor, else a near number."""
    draw = Random(problem.id)
    likely: list[Mistake] = draw.sample(["remainder", "divisor"], 2)
    for mistake in (*likely, NEAR):
        if values := list(_wrong(problem, mistake)):
            return Slip(draw.choice(values), mistake)
    raise AssertionError(f"{problem.id} has no near number")


def _problems(largest: int, most_steps: int) -> Iterator[Problem]:
    for a in range(6, largest + 1):
        for b in range(4, a):
            problem = Problem(a, b)
            if problem.answer > 1 and len(problem.steps) <= most_steps:
                yield problem


def _divisions(a: int, b: int) -> Iterator[Step]:
    while b:
        yield Step(a, b, a // b, a % b)
        a, b = b, a % b


def _wrong(problem: Problem, mistake: Mistake) -> Iterator[int]:
    right = problem.answer
    if mistake == "remainder":
        yield from (step.remainder for step in problem.steps[:1] if step.remainder > right)  # stopped too early
    elif mistake == "divisor":
        yield from (d for d in range(2, right) if right % d == 0)
    else:
        yield from (right + 1, 2 * right)
