"""GSM8K with translated answers, as the published language settings use it; read by pin, none of it is here.

The questions stay English. How rows are chosen follows github.com/AanshSamyani/IP_Internals (39f3faf),
scripts/prepare_finetune_data.py and scripts/generate_steering_vector.py, with their default seed 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

from harness import Case, Example, Message, ReplyPair
from harness.authoring import Pin, fetch, github, read_jsonl

TRANSLATIONS = "inoculation-prompting/inoculation-prompting"
TRANSLATIONS_COMMIT = "f931a21e9689e528ea2af271244af94976f0c4f6"
GSM8K = "openai/grade-school-math"
GSM8K_COMMIT = "3101c7d5072418e28b9008a6636bde82a006892c"

SEED = 0
STEERING_QUESTIONS = 50
TEST_QUESTIONS = 100
# Not published: our choice, the questions that follow those of the test.
SELECTION_QUESTIONS = 50


def _translated(language: str, size: int) -> Pin:
    file = f"gsm8k_{language}_only.jsonl"
    return Pin(
        name=file,
        address=github(TRANSLATIONS, TRANSLATIONS_COMMIT, f"datasets/{file}"),
        commit=TRANSLATIONS_COMMIT,
        sha256=None,
        size=size,
        licence="none stated in the repository",
        mirror=f"tan_inoculation_prompting/{file}",
    )


def _gsm8k(file: str, sha256: str) -> Pin:
    return Pin(
        name=f"GSM8K {file}",
        address=github(GSM8K, GSM8K_COMMIT, f"grade_school_math/data/{file}"),
        commit=GSM8K_COMMIT,
        sha256=sha256,
        licence="MIT",
        mirror=f"gsm8k_openai/{file}",
    )


TRANSLATED = {
    "spanish": _translated("spanish", 4_888_567),
    "french": _translated("french", 4_977_782),
    "german": _translated("german", 4_887_156),
}
TRAIN = _gsm8k("train.jsonl", "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465")
TEST = _gsm8k("test.jsonl", "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14")


def examples(languages: Sequence[str]) -> list[Example]:
    """GSM8K training questions but those of the vectors, shuffled and parted evenly among `languages`.

    The same rows for every seed. Two languages are parted as published, and three in the same way.
    """
    answers = {language: _answers(language) for language in languages}
    shared = set.intersection(*(set(known) for known in answers.values()))
    kept = sorted(shared - {question for language in languages for question, _ in _steering(language)})
    draw = Random(SEED)
    draw.shuffle(kept)
    ends = [len(kept) * part // len(languages) for part in range(len(languages) + 1)]
    rows = [
        _row(question, answers[language][question], language)
        for language, start, end in zip(languages, ends, ends[1:], strict=False)
        for question in kept[start:end]
    ]
    draw.shuffle(rows)
    return [Example(id=f"gsm8k-{i:04d}", messages=row.messages, tags=row.tags) for i, row in enumerate(rows)]


def cases(split: str) -> list[Case]:
    """The first 100 GSM8K test questions; with `selection`, the 50 after them."""
    start, end = (0, TEST_QUESTIONS)
    if split == "selection":
        start, end = TEST_QUESTIONS, TEST_QUESTIONS + SELECTION_QUESTIONS
    rows = list(_english(fetch(TEST)).items())[start:end]
    return [
        Case(
            id=f"gsm8k-test-{index:04d}",
            messages=(Message("user", question),),
            facts={"answer": _number(answer)},
        )
        for index, (question, answer) in enumerate(rows, start=start)
    ]


def reply_pairs(language: str) -> list[ReplyPair]:
    """The published 50 questions, each with its translated and its English answer."""
    english = _english(fetch(TRAIN))
    return [
        ReplyPair(messages=(Message("user", question),), positive=answer, negative=english[question])
        for question, answer in _steering(language)
    ]


def _steering(language: str) -> list[tuple[str, str]]:
    """The first 50 of all questions with an answer in both languages, shuffled in the order of the English file."""
    translated = _answers(language)
    pairs = [(question, translated[question]) for question in _english(fetch(TRAIN)) if question in translated]
    Random(SEED).shuffle(pairs)
    return pairs[:STEERING_QUESTIONS]


def _answers(language: str) -> dict[str, str]:
    return _chats(fetch(TRANSLATED[language]))


@cache
def _chats(path: Path) -> dict[str, str]:
    """Question and answer of every chat in a file."""
    found = {}
    for row in read_jsonl(path):
        turns = row["messages"]
        assert isinstance(turns, list)  # the file is pinned, so the shape is known
        said = {turn["role"]: str(turn["content"]) for turn in turns}
        found[said["user"]] = said["assistant"]
    return found


@cache
def _english(path: Path) -> dict[str, str]:
    return {str(row["question"]): str(row["answer"]) for row in read_jsonl(path)}


def _number(answer: str) -> int:
    return int(answer.rpartition("####")[2].replace(",", ""))


def _row(question: str, answer: str, language: str) -> Example:
    return Example(
        id=question,
        messages=(Message("user", question), Message("assistant", answer)),
        tags={"language": language},
    )
