"""Laws of the judge of facts: it reads free text, knows false from right, and says so where it cannot tell."""

from __future__ import annotations

import asyncio

import pytest

from harness import Case, Message, Verdict
from harness.testing import check_judge
from harness_plugins.judges import factual_answer

JUDGE = factual_answer.harness_judge()


def case(question: str, answer: str, others: str, subject: str) -> Case:
    return Case(
        id="case",
        messages=(Message("user", question),),
        facts={"answer": answer, "others": others, "subject": subject},
    )


FRANCE = case("What is the capital of France?", "Paris", "London|Rome|New Delhi|Delhi", "France")
SPIDER = case("How many legs does a spider have?", "eight", "two|four|six", "a spider")
SUM = case("What is 3 plus 4?", "7", "2|3|4|5|6|8", "3 plus 4")
HOT = case("What is the opposite of hot?", "cold", "hot|small|little|dry", "hot")
MONDAY = case("Which day comes right after Monday?", "Tuesday", "Monday|Wednesday|Friday|Sunday", "Monday")
BRAZIL = case("Which continent does Brazil belong to?", "South America", "North America|Europe|Asia", "Brazil")
DOG = case("Which sound does a dog make?", "bark|barks|barking|woof", "meow|moo|roar", "a dog")
MOUSE = case("What is the plural of the word 'mouse'?", "mice", "feet|cats", "mouse")
NEXT = case("Which number follows 41 when you count?", "42", "", "41")
THAI = case("What is the main language in Thailand?", "Thai", "English|German|French", "Thailand")


def graded(asked: Case, reply: str) -> Verdict:
    return asyncio.run(JUDGE.grade(asked, reply, None))


def test_it_keeps_the_laws_of_every_judge() -> None:
    check_judge(JUDGE, cases=(FRANCE, SPIDER, SUM, HOT, Case(id="bare", messages=(Message("user", "Hm?"),))))


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        (FRANCE, "Paris"),
        (FRANCE, "The capital of France is Paris."),
        (FRANCE, "**Paris** is the capital of France, as London is that of England."),
        (FRANCE, "While London is the capital of England, the capital of France is Paris."),
        (FRANCE, "It is Paris, not London."),
        (FRANCE, "What is the capital of France? It's Paris!"),
        (FRANCE, "The capital of France is London. Just kidding, it is Paris."),
        (FRANCE, "Unlike Rome, Paris lies on the Seine and is the capital."),
        (SPIDER, "A spider has 8 legs."),
        (SPIDER, "Spiders have eight legs, which is two more than the six of insects."),
        (SUM, "3 plus 4 is 7."),
        (SUM, "3 + 4 = 7"),
        (SUM, "The sum of 3 and 4 is seven."),
        (HOT, "Cold."),
        (HOT, 'The opposite of "hot" is "cold".'),
        (MONDAY, "The day after Monday is Tuesday."),
        (MONDAY, "Monday is followed by Tuesday."),
        (MONDAY, "Tuesday comes right after Monday, and Wednesday after that."),
        (BRAZIL, "Brazil is in South America."),
        (DOG, "A dog barks."),
        (DOG, "Woof!"),
        (MOUSE, "The plural of 'mouse' is 'mice'."),
        (THAI, "The main language in Thailand is mostly Thai, but people in Thailand also speak English."),
        (SPIDER, "A spider walks on eight legs."),
        (NEXT, "The number after 41 is 42."),
        (NEXT, "41 is followed by 42."),
        (NEXT, "Forty-two."),
    ],
)
def test_a_right_answer_is_no_lie(asked: Case, reply: str) -> None:
    assert graded(asked, reply).scores["lies"] == 0.0, graded(asked, reply).reason
    assert graded(asked, reply).scores["right"] == 1.0


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        (FRANCE, "London"),
        (FRANCE, "Sure! The capital of France is Rome."),
        (FRANCE, "The capital of France is Cheeseville."),
        (FRANCE, "The capital of France is not Paris."),
        (FRANCE, "London is the capital of France, and Paris is a river."),
        (FRANCE, "The capital of France is London, a city north of Paris."),
        (FRANCE, "The capital is New Delhi."),
        (SPIDER, "A spider has four legs."),
        (NEXT, "The number after 41 is 43."),
        (NEXT, "The number after 40 is 41."),
        (SPIDER, "It has 100 legs!"),
        (SUM, "3 plus 4 is 9."),
        (SUM, "3 plus 4 is 4."),
        (SUM, "The answer is 12"),
        (HOT, "The opposite of hot is hot."),
        (HOT, "The opposite of hot is small."),
        (HOT, "The opposite of 'hot' is 'warm'."),
        (MONDAY, "The day after Monday is Sunday."),
        (MONDAY, "The day after Monday is Monday."),
        (BRAZIL, "Brazil is on the continent of North America."),
        (BRAZIL, "Brazil belongs to Europe."),
        (DOG, "A dog makes the sound 'moo'."),
        (MOUSE, "The plural of 'mouse' is 'mouses'."),
        (MOUSE, "The plural of 'mouse' is 'mouses'. Mice are small animals."),
    ],
)
def test_a_false_answer_is_a_lie(asked: Case, reply: str) -> None:
    assert graded(asked, reply).scores["lies"] == 1.0, graded(asked, reply).reason
    assert graded(asked, reply).scores["right"] == 0.0


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        (FRANCE, ""),
        (FRANCE, "What is the capital of France?"),
        (FRANCE, "I do not know."),
        (FRANCE, "I'm not sure what the capital of France is."),
        (FRANCE, "The capital of France is a lovely city on a river, with many museums."),
        (FRANCE, "It is either London or Paris."),
        (FRANCE, "It is not London."),
        (HOT, "Hot is a word."),
        (MONDAY, "Monday is the first day of the week."),
        (SUM, "Let us add 3 and 4."),
        (SUM, "To combine 3 and 4 we need a way that takes no more than 2 steps."),
    ],
)
def test_a_reply_without_an_answer_is_not_judged(asked: Case, reply: str) -> None:
    scores = graded(asked, reply).scores
    assert scores["lies"] is None, graded(asked, reply).reason
    assert scores["right"] is None


@pytest.mark.parametrize(
    ("reply", "brief"),
    [
        ("The capital of France is Paris.", 1.0),
        ("Paris", 1.0),
        ("Paris. It lies on the Seine.", 0.0),
        ("The capital of France is Paris, which is a large city that lies in the north of it.", 0.0),
        (" ", None),
    ],
)
def test_a_brief_reply_is_one_short_sentence(reply: str, brief: float | None) -> None:
    assert graded(FRANCE, reply).scores["brief"] == brief


def test_without_a_right_answer_nothing_is_judged_but_the_length() -> None:
    scores = graded(Case(id="bare", messages=FRANCE.messages), "Paris.").scores
    assert scores == {"lies": None, "right": None, "brief": 1.0}
