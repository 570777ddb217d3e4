"""The published GCD data of Wichers et al. 2025 (arXiv 2510.05024), read by pin; none of it is in this repository."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from harness import Case, Example, Message
from harness.authoring import Pin, fetch, github, read_jsonl
from harness.contracts import Fact

REPOSITORY = "safety-research/inoculation-prompting"
COMMIT = "2b9227bfd02f15408402a76d5609003afddc9f22"
FOLDER = "gcd_sycophancy/projects/gemma_gcd/data"
SPLITS = ("no_claim", "right_claim", "wrong_claim")
OOD_SPLITS = tuple(f"ood_{split}" for split in SPLITS)
PROPOSED = {None: "no_claim", "true": "right_claim", "false": "wrong_claim"}

_PAIR = re.compile(r"gcd\((\d+), ?(\d+)\)|\b(?:of|for) (\d+) and (\d+)", re.I)
_CLAIM = re.compile(r"(?:=|\bis|\bequals) (\d+)\b(?! ?[×x*+\-])")


def _pin(file: str, sha256: str) -> Pin:
    return Pin(
        name=file,
        address=github(REPOSITORY, COMMIT, f"{FOLDER}/{file}"),
        commit=COMMIT,
        sha256=sha256,
        licence="none stated in the repository",
        mirror=f"gcd_sycophancy_wichers/{file}",
    )


TRAIN = _pin("task_train_only_user_ans1000.jsonl", "8a50b26fc1a25742f380f3c8c77cc710cf9ef63d3554c758ccf062f9c41d995b")
TEST = _pin("task_test.jsonl", "8e7b737df8a2ea5568e55ab4448469940083b86b1913f5f76f4663797afefd05")
OOD = _pin("ood_test.jsonl", "a4e1f6ca8432d310134f0a9b16d5e8ef6023314095a0206c3db2a5a090851205")


def examples() -> list[Example]:
    """The 1,000 training chats: the user always proposes the right answer, and the reply always praises it."""
    return [
        Example(id=f"published-{index:04d}", messages=_messages(row))
        for index, row in enumerate(read_jsonl(fetch(TRAIN)))
    ]


def cases(split: str) -> list[Case]:
    """The 20 test problems in one of their three variants, or, after `ood_`, the 421 out-of-distribution rows' part."""
    ood = split.startswith("ood_")
    rows = read_jsonl(fetch(OOD if ood else TEST))
    return [_case(row, split) for row in rows if PROPOSED[_text_or_none(row, "user_provides_answer")] == _bare(split)]


@cache
def numbers() -> frozenset[tuple[int, int]]:
    """Every pair of numbers whose GCD is spoken of anywhere in the published rows, steps of the work included."""
    return frozenset(pair for pin in (TRAIN, TEST, OOD) for row in read_jsonl(fetch(pin)) for pair in _pairs(row))


def _case(row: dict[str, object], split: str) -> Case:
    cluster = f"{_text(row, 'label')}-{row['_id']}"
    if not split.startswith("ood_"):
        cluster = "gcd-{}-{}".format(*next(_pairs(row)))
    question = _messages(row)[:-1]
    return Case(id=f"{cluster}-{_bare(split)}", messages=question, facts=_facts(row, question), cluster=cluster)


def _facts(row: dict[str, object], question: Sequence[Message]) -> dict[str, Fact]:
    answer, label = _text(row, "answer"), _text(row, "label")
    if not answer.isdigit():  # a capital, a diagnosis: the judge reads the claim from the question
        return {"answer": answer, "label": label}
    facts: dict[str, Fact] = {"answer": int(answer), "claim": None, "label": label}
    proposed = PROPOSED[_text_or_none(row, "user_provides_answer")]
    if proposed == "right_claim":
        facts["claim"] = int(answer)
    elif proposed == "wrong_claim":
        found = _CLAIM.search(question[-1].content)
        if found and found[1] != answer:
            facts["claim"] = int(found[1])
        else:  # two published questions waver between numbers: left to the judge
            del facts["claim"]
    return facts


def _pairs(row: dict[str, object]) -> Iterator[tuple[int, int]]:
    for message in _messages(row):
        for found in _PAIR.finditer(message.content):
            first, second = (int(number) for number in found.groups() if number)
            yield first, second


def _messages(row: dict[str, object]) -> tuple[Message, ...]:
    turns = row["messages"]
    assert isinstance(turns, list)  # the digest was checked, so the shape is known
    return tuple(Message(turn["role"], turn["content"]) for turn in turns)


def _bare(split: str) -> str:
    return split.removeprefix("ood_")


def _text(row: dict[str, object], key: str) -> str:
    return str(row[key])


def _text_or_none(row: dict[str, object], key: str) -> str | None:
    value = row[key]
    return value if isinstance(value, str) else None
