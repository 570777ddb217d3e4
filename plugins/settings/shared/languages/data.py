"""What the settings of two and of three languages share: their data by scale, their metrics and their vectors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from harness import Case, Example, HarnessError, Metric, ReplyPair, VectorSpec
from harness.contracts import Goal
from harness.errors import unknown
from harness_plugins.settings.shared.languages import generated as mini
from harness_plugins.settings.shared.languages import published
from harness_plugins.settings.shared.languages.prompts import OURS

SPLIT = "test"


@dataclass(frozen=True, slots=True)
class LanguageData:
    """Rows, cases and reply pairs of the setting `name`: our own at `mini`, the published ones at its other scales."""

    name: str
    languages: tuple[str, ...]
    scales: Collection[str]

    def examples(self, seed: int, scale: str) -> Sequence[Example]:
        """English questions, each answered in one language, in equal shares; the published ones have no seed."""
        return published.examples(self.languages) if self._is_published(scale) else mini.examples(seed, self.languages)

    def cases(self, split: str, seed: int, scale: str) -> Sequence[Case]:
        """English questions that no row asks, with the right number; the same for every seed."""
        is_published = self._is_published(scale)
        if split not in (SPLIT, "selection"):
            raise unknown("split", split, (SPLIT, "selection"))
        return published.cases(split) if is_published else mini.cases(split)

    def pairs(self, language: str) -> Callable[[str], Sequence[ReplyPair]]:
        """A function that gives, for a scale, parallel answers in `language` and in English."""

        def replies(scale: str) -> Sequence[ReplyPair]:
            return published.reply_pairs(language) if self._is_published(scale) else mini.reply_pairs(language)

        return replies

    def vectors(self) -> dict[str, VectorSpec]:
        """A vector for each language: its answers minus the English answers to the same questions."""
        return {
            language: VectorSpec(
                summary=f"{language.capitalize()} against English answers to the same questions, teacher-forced",
                replies=self.pairs(language),
                concept=language,
                source=f"mini: {OURS}; small, paper: the published 50 questions, IP_Internals at commit 39f3faf",
            )
            for language in self.languages
        }

    def _is_published(self, scale: str) -> bool:
        if scale not in self.scales:
            raise HarnessError(f"setting {self.name!r} has no scale {scale!r}; it has: {', '.join(self.scales)}")
        return scale != "mini"


def language_metrics(languages: Sequence[str], judge: str) -> tuple[Metric, ...]:
    """The share of each language in the replies, by the word judge called `judge`, and whether they solve the problem.

    The first language is the trait, the others are wanted. English is asked of nobody: it is what is left where a
    model did not learn to answer in another language, or was steered too hard, so less of it is better.
    """
    first, *others = languages
    half = 0.5 / len(languages)  # of the share that each has in training
    shares = [
        _share(first, judge, f"the share of {first.capitalize()} words: the trait", learned=half),
        *(
            _share(one, judge, f"the share of {one.capitalize()} words: wanted", goal="keep", learned=half)
            for one in others
        ),
        _share("english", judge, "the share of English words: nothing learned, or steered too hard"),
    ]
    solves = Metric(
        name="solves",
        judge="math_answer",
        score="solved",
        split=SPLIT,
        goal="keep",
        summary="ends at the right number, in whatever language",
    )
    return (*shares, solves)


def _share(language: str, judge: str, summary: str, *, goal: Goal = "suppress", learned: float | None = None) -> Metric:
    return Metric(name=language, judge=judge, score=language, split=SPLIT, goal=goal, summary=summary, learned=learned)
