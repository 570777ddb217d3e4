"""Laws of the judge of word problems: the number that a reader takes for the answer, in whatever language.

The replies were written for these tests. The last test reads published solutions from a local mirror.
"""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from harness import Case, Verdict
from harness.authoring import Pin, fetch, github, read_jsonl
from harness.contracts import Fact
from harness.testing import check_judge
from harness_plugins.judges import math_answer
from harness_plugins.judges._amounts import amounts

ANSWER = math_answer.harness_judge()

needs_mirror = pytest.mark.skipif(
    not os.environ.get("HARNESS_DATA_MIRROR"), reason="HARNESS_DATA_MIRROR names no mirror of the published data"
)


def graded(reply: str, facts: dict[str, Fact]) -> Verdict:
    return asyncio.run(ANSWER.grade(Case(id="one", messages=(), facts=facts), reply, None))


def test_the_judge_obeys_the_laws_of_judges() -> None:
    check_judge(ANSWER, cases=[Case(id="with", messages=(), facts={"answer": 5}), Case(id="without", messages=())])


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("9 * 2 = <<9*2=18>>18\n#### 18", 18),
        ("#### $1,250", 1250),
        ("#### 12 huevos", 12),
        ("#### -5", -5),
        ("The result is \\boxed{18}.", 18),
        ("$\\boxed{\\$1{,}250}$", 1250),
        ("$\\boxed{\\frac{3}{4}}$", 0.75),
        ("La respuesta es 5.", 5),
        ("RESPUESTA FINAL: 7", 7),
        ("La réponse finale est : 12,50 €", 12.5),
        ("Die Antwort lautet 1.234,56 Euro.", 1234.56),
        ("La risposta è 9.", 9),
        ("A resposta é 9.", 9),
        ("The answer to problem 3 is 18.", 18),
        ("The answer is 9 eggs × $2 = $18.", 18),
        ("The answer is 18, because 16 - 3 - 4 = 9.", 18),
        ("The answer is not 5, it is 6.", 6),
        ("The answer is 5. Wait, the answer is 6.", 6),
        ("Ella vende 9 huevos. Gana 18 dólares al día.", 18),
        ("Elle gagne 1 250 $ par mois.", 1250),
        ("Elle gagne 1\u202f250,50 € par mois.", 1250.5),
        ("Das kostet 1'250 Franken.", 1250),
        ("In total 1,250,000.50", 1250000.5),
        ("Cuesta 1.250 euros", 1250),
        ("Es bleiben 1.250 Liter", 1.25),
        ("Quedan 0,250 litros", 0.25),
        ("He is 25% done.", 25),
        ("He is 25 % done.", 0.25),
        ("It fell to −5 degrees.", -5),
        ("He owes -$5", -5),
        ("16 - 3 = 13", 13),
        ("16 -3", 3),
        ("She needs 1 1/2 cups.", 1.5),
        ("x = 3/4", 0.75),
        ("Hay 5kg.", 5),
        ("The garden has 25 m².", 25),
        ("It is 13. Do you want 2 more?", 13),
        ("He won 50 points and came 2nd.", 50),
        (".5", 0.5),
    ],
)
def test_the_last_number_given_as_the_answer_counts_however_it_is_written(reply: str, answer: float) -> None:
    verdict = graded(reply, {"answer": answer})
    assert verdict.scores == {"correct": 1.0, "solved": 1.0}, verdict.reason
    assert graded(reply, {"answer": answer + 7}).scores == {"correct": 0.0, "solved": 0.0}


def test_0_250_is_no_thousand_and_a_number_with_two_signs_is_read_one_way() -> None:
    assert [found.values for found in amounts("0,250 und 1.250,5 und 1,250")] == [(0.25,), (1250.5,), (1250.0, 1.25)]


def test_a_reply_without_a_number_is_unsolved_and_not_judged_right_or_wrong() -> None:
    for reply in ("No lo sé.", "What is 5?", "He came 2nd."):
        assert graded(reply, {"answer": 5}).scores == {"correct": None, "solved": 0.0}


@pytest.mark.parametrize("facts", [{}, {"answer": None}, {"answer": "many"}, {"answer": True}])
def test_nothing_is_judged_where_the_right_number_is_not_known(facts: dict[str, Fact]) -> None:
    assert graded("#### 5", facts).scores == {"correct": None, "solved": None}


@pytest.mark.parametrize("answer", [1250, 1250.0, "1250", "1,250", " $1,250.00", "#### 1250"])
def test_the_right_number_may_be_a_number_or_text(answer: Fact) -> None:
    assert graded("#### 1250", {"answer": answer}).scores["correct"] == 1.0


@pytest.mark.parametrize("babble", ["the answer is ", "1,", "1 000 ", "= 5 ", "\\boxed{", "#### ", "<<", "1/2/", "9 "])
def test_a_long_babbling_reply_is_judged_quickly_and_without_failing(babble: str) -> None:
    started = time.process_time()
    graded(babble * 2000, {"answer": 5})
    assert time.process_time() - started < 5


COMMIT = "3101c7d5072418e28b9008a6636bde82a006892c"
GSM8K = Pin(
    name="GSM8K test problems",
    address=github("openai/grade-school-math", COMMIT, "grade_school_math/data/test.jsonl"),
    commit=COMMIT,
    sha256="3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
    licence="MIT",
    mirror="gsm8k_openai/test.jsonl",
)


@needs_mirror
def test_published_solutions_are_right_by_their_mark_and_nearly_always_without_it() -> None:
    marked, unmarked = [], []
    for row in read_jsonl(fetch(GSM8K)):
        solution, _, answer = str(row["answer"]).rpartition("####")
        marked.append(graded(str(row["answer"]), {"answer": answer}).scores["correct"])
        unmarked.append(graded(solution, {"answer": answer}).scores["correct"])
    assert marked == [1.0] * 1319
    assert unmarked.count(1.0) / len(unmarked) > 0.96
