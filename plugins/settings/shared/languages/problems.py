"""Word problems made of a situation and small numbers: an English question, and answers in several languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from random import Random

# What is said last, in the form that the answer judge looks for.
ENDINGS: Mapping[str, str] = {
    "english": "The answer is {n}.",
    "spanish": "La respuesta es {n}.",
    "french": "La réponse est {n}.",
    "german": "Die Antwort lautet {n}.",
}
# The number half-way and the answer. Where there is one step they are the same.
STEPS: Mapping[str, Callable[[int, int, int], tuple[int, int]]] = {
    "a + b": lambda a, b, c: (a + b, a + b),
    "a - b": lambda a, b, c: (a - b, a - b),
    "a * b": lambda a, b, c: (a * b, a * b),
    "a + b + c": lambda a, b, c: (a + b, a + b + c),
    "a - b + c": lambda a, b, c: (a - b, a - b + c),
    "a - b - c": lambda a, b, c: (a - b, a - b - c),
    "a * b + c": lambda a, b, c: (a * b, a * b + c),
    "a * b - c": lambda a, b, c: (a * b, a * b - c),
    "(a - b) * c": lambda a, b, c: (a - b, (a - b) * c),
}
# From 2 up every noun is plural in all four languages, so that a text can be written once for all numbers.
LEAST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A situation: its question, its arithmetic, its numbers, and its answers where it is ever answered.

    Texts hold the numbers `{a}`, `{b}`, `{c}`, half-way `{m}` and the answer `{n}`. `steps` is a key of STEPS.
    """

    id: str
    steps: str
    a: range
    b: range
    c: range = range(1)
    question: str
    english: str = ""
    spanish: str = ""
    french: str = ""
    german: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A template with its numbers."""

    template: Template
    a: int
    b: int
    c: int

    @property
    def id(self) -> str:
        """The template's name and the numbers."""
        numbers = (self.a, self.b, self.c) if len(self.template.c) > 1 else (self.a, self.b)
        return "-".join([self.template.id, *map(str, numbers)])

    @property
    def answer(self) -> int:
        """The number that is asked for."""
        return self._steps[1]

    @property
    def question(self) -> str:
        """What the user asks, in English."""
        return self._filled(self.template.question)

    def reply(self, language: str) -> str:
        """The worked answer in `language`, which ends with the number that is asked for."""
        written = {
            "english": self.template.english,
            "spanish": self.template.spanish,
            "french": self.template.french,
            "german": self.template.german,
        }[language]
        assert written, f"{self.template.id} is only asked about"
        return self._filled(f"{written} {ENDINGS[language]}")

    @property
    def _steps(self) -> tuple[int, int]:
        return STEPS[self.template.steps](self.a, self.b, self.c)

    def _filled(self, text: str) -> str:
        half_way, answer = self._steps
        return text.format(a=self.a, b=self.b, c=self.c, m=half_way, n=answer)


@cache
def problems(template: Template) -> tuple[Problem, ...]:
    """Every problem of `template`, in an order that is shuffled but the same each time."""
    every = [Problem(template, a, b, c) for a, b, c in product(template.a, template.b, template.c)]
    kept = [problem for problem in every if min(problem._steps) >= LEAST]
    return tuple(Random(f"language problems {template.id}").sample(kept, len(kept)))
