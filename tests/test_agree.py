"""Laws of `harness agree`: figures against values by hand, the same from a file and from runs, one line per mistake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small

from harness import HarnessError, Judge, Verdict, cli
from harness.analysis import CANNOT_TELL, NO, YES
from harness.analysis.alphas import Alpha, interval_alpha, nominal, numeric
from harness.analysis.score_agreement import compared_score, shares_of_one_whole
from harness.contracts import Case, Grader
from harness.registry import using


async def first_letter(case: Case, reply: str, grader: Grader | None) -> Verdict:
    """A second, cruder judge of shouting: the first letter alone."""
    letters = [letter for letter in reply if letter.isalpha()]
    return Verdict(scores={"capitals": float(letters[0].isupper()) if letters else None, "letters": len(letters)})


CRUDE = Judge(name="crude", summary="the first letter", scores=("capitals", "letters"), grade=first_letter)
ASKER = Judge(name="asker", summary="asks", scores=("capitals",), grade=first_letter, grader=True)
OTHER = Judge(name="other", summary="another thing", scores=("vowels",), grade=first_letter)
JUDGES = {judge.name: judge for judge in (small.JUDGE, CRUDE, ASKER, OTHER)}


@pytest.fixture(autouse=True)
def _judges() -> Iterator[None]:
    with using(replace(small.REGISTRY, judges=JUDGES)):
        yield


def replies(folder: Path, *texts: str) -> Path:
    file = folder / "replies.jsonl"
    file.write_text("".join(json.dumps({"reply": text}) + "\n" for text in texts))
    return file


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert cli.main(["agree", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


# Krippendorff 2011, section C: four observers, 12 units, a dot where an observer said nothing.
FOUR = [
    [None if number == "." else float(number) for number in unit]
    for unit in zip("123321412...", "1233224125.3", ".3332342251.", "12332441251.", strict=True)
]


def test_alpha_of_numbers_is_that_of_the_published_example() -> None:
    assert interval_alpha(FOUR) == pytest.approx(0.849, abs=0.0006)


def test_alpha_of_numbers_by_hand_and_whatever_the_unit() -> None:
    # Units (0, 0), (1, 3): apart 2 * 4 = 8; numbers 0 0 1 3, mean 1, squares 1 1 0 4: 1 - 3 * 8 / (2 * 4 * 6) = 1/2.
    units = [(0.0, 0.0), (1.0, 3.0)]
    assert interval_alpha(units) == pytest.approx(0.5)
    assert interval_alpha([*units, (7.0, None)]) == pytest.approx(0.5)
    assert interval_alpha([(1e6 + 100 * a, 1e6 + 100 * b) for a, b in units]) == pytest.approx(0.5)
    assert interval_alpha([(2.0, 2.0), (2.0, 2.0)]) is None
    assert interval_alpha([]) is None


def test_a_comparison_counts_each_reply_once_and_moves_with_the_threshold() -> None:
    seen = compared_score("x", [0.0, 0.4, 0.9, None, 1.0], [0.1, 0.6, 0.9, 1.0, None])
    assert seen.chosen.threshold == 0.5
    assert seen.confusion == {(NO, NO): 1, (NO, YES): 1, (YES, YES): 1, (CANNOT_TELL, YES): 1, (YES, CANNOT_TELL): 1}
    assert sum(seen.confusion.values()) == seen.replies == 5
    assert seen.both == 3
    assert seen.apart == pytest.approx(0.1)
    assert [cut.threshold for cut in seen.cuts] == pytest.approx([step / 10 for step in range(1, 10)])
    assert [cut.first for cut in seen.cuts] == pytest.approx([2 / 3] * 4 + [1 / 3] * 5)
    assert [cut.second for cut in seen.cuts] == pytest.approx([1.0] + [2 / 3] * 5 + [1 / 3] * 3)


@pytest.mark.parametrize(
    ("numbers", "middle"), [([0.0, 1.0], 0.5), ([3.0, 88.0], 50.0), ([-10.0, 30.0], 10.0), ([0.0, 400.0], 200.0)]
)
def test_the_middle_of_the_scale_is_that_of_the_numbers(numbers: list[float], middle: float) -> None:
    assert compared_score("x", numbers, numbers).chosen.threshold == middle


def test_shares_of_one_whole_add_up_to_one_in_every_reply() -> None:
    rows = [{"a": 0.25, "b": 0.75, "words": 4.0}, {"a": None, "b": None, "words": 0.0}]
    assert shares_of_one_whole(rows, rows, ("a", "b", "words")) == ("a", "b")
    assert shares_of_one_whole(rows, [{"a": 1.0, "b": 1.0, "words": 2.0}], ("a", "b", "words")) == ()


def test_two_judges_on_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = replies(tmp_path, "LOUD", "Half", "quiet", "", "A")
    record = told(capsys, "capitals", "crude", "--replies", str(file))
    (score,) = record["scores"]
    assert (record["replies"], score["score"], score["both"]) == (5, "capitals", 4)
    # capitals: 1, 1/4, 0, none, 1; crude: 1, 1, 0, none, 1.
    assert {(one["first"], one["second"]): one["replies"] for one in score["confusion"]} == {
        (YES, YES): 2,
        (NO, YES): 1,
        (NO, NO): 1,
        (CANNOT_TELL, CANNOT_TELL): 1,
    }
    assert score["apart"] == pytest.approx(0.75 / 4)
    low = told(capsys, "capitals", "crude", "--replies", str(file), "--threshold", "0.2")["scores"][0]
    assert low["chosen"]["same"] == 1.0


def test_the_page_shows_every_reply_of_the_confusion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = replies(tmp_path, "LOUD", "Half", "quiet", "", "A")
    assert cli.main(["agree", "capitals", "crude", "--replies", str(file)]) == 0
    page = capsys.readouterr().out
    assert "capitals and crude  5 replies" in page
    assert [line.split()[-3:] for line in page.splitlines() if line.startswith(("yes ", "no ", "cannot tell "))] == [
        ["2", "0", "0"],
        ["1", "1", "0"],
        ["0", "0", "1"],
    ]


def test_replies_of_runs_are_judged_as_the_same_replies_from_a_file(
    tmp_path: Path, tiny_llama: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness.cells import Cell
    from harness.pipeline import run
    from harness.runs import read_replies

    runs = tmp_path / "runs"
    (folder,) = run([Cell(setting="loud", intervention="base", model=str(tiny_llama))], runs)
    stored = read_replies(folder)
    assert stored is not None
    texts = [reply.reply for reply in stored]
    assert len(texts) == 40
    asked = {reply.case.messages for reply in stored}
    assert asked == {case.messages for case in small.cases("held_out", 0, "mini")}
    from_runs = told(capsys, "capitals", "crude", "--runs", str(runs))
    assert from_runs == told(capsys, "capitals", "crude", "--replies", str(replies(tmp_path, *texts)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["capitals", "crud", "--replies", "{}"], "did you mean 'crude'?"),
        (["capitals", "asker", "--replies", "{}"], "judge 'asker' asks a grader model"),
        (["capitals", "other", "--replies", "{}"], "have no score in common; they share none"),
        (["capitals", "crude", "--replies", "{}", "--score", "letters"], "no score 'letters' in common"),
        (["capitals", "crude"], "name either --replies FILE or --runs RUNS"),
        (["capitals", "crude", "--replies", "{}", "--runs", "{}"], "name either --replies FILE or --runs RUNS"),
        (["capitals", "crude", "--runs", "{}.none"], "no runs folder"),
        (["capitals", "crude", "--replies", "{}", "--threshold", "nan"], "--threshold nan is not a finite number"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    file = replies(tmp_path, "yes")
    assert cli.main(["agree", *(argument.replace("{}", str(file)) for argument in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert said in captured.err


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(HarnessError, match="one judge scored 1 replies and the other 2"):
        compared_score("x", [1.0], [1.0, 2.0])


def test_an_interval_of_alpha_holds_the_truth_about_as_often_as_it_says() -> None:
    """Two judges with one verdict in 80 of 100 replies, at a base rate of a half: alpha is 0.6."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(300):
        first = rng.random(60) < 0.5
        units = list(zip(first, first ^ (rng.random(60) < 0.2), strict=True))
        told = nominal(units)
        held += told.low <= 0.6 <= told.high
    assert 0.93 <= held / 300 <= 0.99


def test_an_interval_of_alpha_is_as_wide_as_there_are_questions_not_replies() -> None:
    """The same ten replies of each of 12 questions: 120 replies tell what 12 do."""
    rng = np.random.default_rng(1)
    first = rng.random(12) < 0.5
    units = list(zip(first, first ^ (rng.random(12) < 0.25), strict=True))
    once, often = nominal(units), nominal(units * 10, [f"q{at % 12}" for at in range(120)])
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.15)
    assert nominal(units * 10).high - nominal(units * 10).low < 0.5 * (often.high - often.low)


@pytest.mark.parametrize("alpha_of", [nominal, numeric])
def test_judges_who_agree_everywhere_may_still_disagree_as_often_as_wilson_says(alpha_of: Any) -> None:
    told = alpha_of([(float(at % 2), float(at % 2)) for at in range(40)])
    by_chance = 40 / 79  # 80 verdicts, half of them each
    assert (told.value, told.high) == (1.0, 1.0)
    assert told.low == pytest.approx(1 - 3.8414588 / (40 + 3.8414588) / by_chance)


def test_numbers_have_an_interval_of_alpha_whatever_their_scale() -> None:
    rng = np.random.default_rng(2)
    first = rng.random(50)
    units = list(zip(first, first + 0.1 * rng.normal(size=50), strict=True))
    told, larger = numeric(units), numeric([(1e6 + 100 * a, 1e6 + 100 * b) for a, b in units])
    assert told.low < told.value < told.high
    assert (larger.low, larger.value, larger.high) == pytest.approx((told.low, told.value, told.high))


def test_where_nothing_could_have_disagreed_alpha_has_no_interval() -> None:
    assert nominal([("a", "a")] * 5) == Alpha(None)
    assert numeric([]) == Alpha(None)
