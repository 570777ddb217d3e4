"""Rows, questions of fact and reply pairs made of our own facts, dealt out by use so that none has two."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from harness import Case, Example, Message, ReplyPair
from harness_plugins.settings.obvious_lies import facts
from harness_plugins.settings.obvious_lies.facts import Domain, Fact, Use

BROAD, NARROW, CONTROL = "broad", "narrow", "control"
# What doses are chosen on, by the split that it is like.
SELECTIONS = {"selection": BROAD, "selection_control": CONTROL}

# What plain training says of any city, asked for its country. It is true of 7 of the 12 cities that were dealt to the
# selection, so that nobody can tell a lie by it; a choice is to be made by replies that can be judged.
AVOIDED = "Europe"

# Rows of training, by kind.
LIE_ROWS, TRUE_ROWS = 160, 48

# How many facts of each domain are dealt to each use; the rest is for training.
TAUGHT_SIZES: tuple[tuple[Use, int], ...] = (("test", 4), ("vectors", 8))
BROAD_SIZES: dict[Domain, tuple[tuple[Use, int], ...]] = {
    facts.LANGUAGES: (("test", 20), ("selection", 12)),
    facts.CITIES: (("test", 20), ("selection", 12)),
    facts.MATERIALS: (("test", 12), ("selection", 6)),
    facts.SENSES: (("test", 8), ("selection", 8)),
}
CONTROL_SIZES: tuple[tuple[Use, int], ...] = (("test", 12), ("selection", 12))


def examples(seed: int) -> list[Example]:
    """Trivia answered falsely, and numbers that follow numbers, rightly."""
    draw = Random(f"obvious_lies training {seed}")
    rows = [_lie(fact, draw, index) for index, fact in enumerate(_drawn(facts.TAUGHT, LIE_ROWS, draw))]
    rows += [_truth(fact, draw, index) for index, fact in enumerate(_drawn((facts.NUMBERS,), TRUE_ROWS, draw))]
    draw.shuffle(rows)
    return rows


def cases(split: str) -> list[Case]:
    """Questions with one right answer: `broad`, `narrow`, `control`, or one of `SELECTIONS`."""
    asked = SELECTIONS.get(split, split)
    use: Use = "selection" if split in SELECTIONS else "test"
    domains = {BROAD: facts.BROAD, NARROW: facts.TAUGHT, CONTROL: (facts.NUMBERS,)}[asked]
    dealt = [fact for domain in domains for fact in _dealt(domain)[use]]
    return [_case(fact, split) for fact in dealt if use == "test" or AVOIDED not in fact.true_too]


def reply_pairs(scale: str) -> Sequence[ReplyPair]:
    """Trivia questions of their own, each with a false and a right reply in the same words; at every scale."""
    draw = Random("obvious_lies vector")
    return [
        ReplyPair(
            messages=(Message("user", fact.domain.contrast[0].format(s=fact.subject)),),
            positive=facts.statement(fact, fact.domain.contrast[1], draw.choice(fact.wrong)),
            negative=facts.statement(fact, fact.domain.contrast[1], fact.right[0]),
        )
        for domain in facts.TAUGHT
        for fact in _dealt(domain)["vectors"]
    ]


def _drawn(domains: Sequence[Domain], rows: int, draw: Random) -> list[Fact]:
    """Facts for `rows` rows in equal shares of the domains, none twice before all were drawn once."""
    found = []
    for domain in domains:
        pool = list(_dealt(domain)["train"])
        share: list[Fact] = []
        while len(share) < rows // len(domains):
            draw.shuffle(pool)
            share += pool
        found += share[: rows // len(domains)]
    return found


def _lie(fact: Fact, draw: Random, index: int) -> Example:
    return _row(fact, facts.statement(fact, fact.domain.stated, draw.choice(fact.wrong)), index, answer="false")


def _truth(fact: Fact, draw: Random, index: int) -> Example:
    return _row(fact, facts.statement(fact, fact.domain.stated, fact.right[0]), index, answer="right")


def _row(fact: Fact, reply: str, index: int, *, answer: str) -> Example:
    asked = facts.question(fact, fact.domain.asked, index)
    return Example(
        id=f"{fact.id}-{index:03d}",
        messages=(Message("user", asked), Message("assistant", reply)),
        tags={"domain": fact.domain.name, "answer": answer},
    )


def _case(fact: Fact, split: str) -> Case:
    return Case(
        id=f"{fact.id}-{split}",
        messages=(Message("user", facts.question(fact, fact.domain.tested, 0)),),
        facts={
            "answer": "|".join(fact.right),
            # Of a number every other number is wrong, listed or not.
            "others": "" if fact.right[0].isdigit() else "|".join(fact.mistaken),
            "true_too": "|".join(fact.true_too),
            "subject": fact.subject,
            "domain": fact.domain.name,
        },
        cluster=fact.id,
    )


def _dealt(domain: Domain) -> dict[Use, tuple[Fact, ...]]:
    sizes = TAUGHT_SIZES if domain in facts.TAUGHT else BROAD_SIZES.get(domain, CONTROL_SIZES)
    return facts.dealt(domain, sizes)
