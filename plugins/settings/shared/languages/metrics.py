"""What a language setting measures: the share of each language in the replies, and right answers."""

from __future__ import annotations

from collections.abc import Sequence

from harness import Metric
from harness.contracts import Goal

SPLIT = "test"


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
