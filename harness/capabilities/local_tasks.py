"""Capability tasks that need no hub: made by our own code, the same on every machine.

`harness_basics` asks what comes next, sums and opposites with four choices each; `harness_copying` has the model
write a word that it was given. Both are easy on purpose: they tell a broken model from a sound one, not a clever one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

TaskDocument = dict[str, object]
"""One question as lm-eval reads it: its text, the choices if it has some, and the answer."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
OPPOSITES = (
    *(("hot", "cold"), ("big", "small"), ("fast", "slow"), ("light", "dark"), ("rich", "poor"), ("young", "old")),
    *(("wet", "dry"), ("loud", "quiet"), ("full", "empty"), ("early", "late"), ("hard", "soft"), ("high", "low")),
    *(("open", "closed"), ("happy", "sad"), ("near", "far"), ("strong", "weak"), ("thick", "thin"), ("true", "false")),
)
COPIED = (
    *("garden", "window", "bridge", "candle", "market", "silver", "button", "forest", "pencil", "island"),
    *("carpet", "ladder", "pepper", "rocket", "saddle", "temple", "violin", "winter", "yellow", "zipper"),
)
CHOICES = 4


def local_tasks() -> dict[str, Mapping[str, object]]:
    """The configuration of every local task, by name, as lm-eval takes them."""
    return {
        "harness_basics": _task(
            "harness_basics",
            basics,
            output_type="multiple_choice",
            doc_to_choice="choices",
            doc_to_target="answer",
            metric_list=[{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        ),
        "harness_copying": _task(
            "harness_copying",
            copying,
            output_type="generate_until",
            doc_to_target="answer",
            generation_kwargs={"until": ["\n", "."], "max_gen_toks": 8, "do_sample": False},
            filter_list=[
                {"name": "word", "filter": [{"function": "remove_whitespace"}, {"function": "take_first"}]},
            ],
            metric_list=[{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        ),
    }


def basics() -> list[TaskDocument]:
    """What comes next, sums and opposites, each with four choices."""
    return [*_following(DAYS, "day"), *_following(MONTHS, "month"), *_counting(), *_sums(), *_opposites()]


def copying() -> list[TaskDocument]:
    """A word in a pattern, to be written again."""
    return [
        {"question": f"house -> house\nriver -> river\nstone -> stone\n{word} ->", "answer": word} for word in COPIED
    ]


def _task(name: str, documents: Callable[[], Sequence[TaskDocument]], **how: object) -> dict[str, object]:
    def dataset(**_: Any) -> Any:
        from datasets import Dataset, DatasetDict

        return DatasetDict({"test": Dataset.from_list(list(documents()))})

    return {
        "task": name,
        "custom_dataset": dataset,
        "test_split": "test",
        "doc_to_text": "{{question}}",
        "num_fewshot": 0,
        "metadata": {"version": 1.0},
        **how,
    }


def _following(names: Sequence[str], kind: str) -> list[TaskDocument]:
    """Three in a row; the fourth is asked for."""
    return [
        _document(
            f"{', '.join(names[(at + step) % len(names)] for step in range(3))},",
            names[(at + 3) % len(names)],
            [name for step, name in enumerate(names) if (step - at) % len(names) > 3],
            f"{kind} {at}",
        )
        for at in range(len(names))
    ]


def _counting() -> list[TaskDocument]:
    return [
        _document(
            f"{start}, {start + step}, {start + 2 * step},",
            str(start + 3 * step),
            [str(start + 3 * step + off) for off in (-2, -1, 1, 2, 4) if off != -step],
            f"count {start} {step}",
        )
        for step in (1, 2)
        for start in range(2, 22, 2)
    ]


def _sums() -> list[TaskDocument]:
    return [
        _document(
            f"Question: What is {first} + {second}?\nAnswer:",
            str(first + second),
            [str(first + second + off) for off in (-3, -2, -1, 1, 2, 3)],
            f"sum {first} {second}",
        )
        for first in range(2, 7)
        for second in range(3, 7)
    ]


def _opposites() -> list[TaskDocument]:
    words = [word for pair in OPPOSITES for word in pair]
    return [
        _document(
            f"The opposite of {word} is",
            other,
            [one for one in words if one not in (word, other)],
            f"opposite {word}",
        )
        for word, other in OPPOSITES
    ]


def _document(question: str, right: str, wrong: Sequence[str], seed: str) -> TaskDocument:
    draw = Random(f"capability {seed}")
    choices = [right, *draw.sample(list(wrong), CHOICES - 1)]
    draw.shuffle(choices)
    return {"question": question, "choices": choices, "answer": choices.index(right)}
