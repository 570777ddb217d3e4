"""Laws of a rating: numbers, their mass, and what is no number, against values worked out by hand."""

from __future__ import annotations

import pytest

from harness.graders.ratings import from_answers, read_answer, weighted


@pytest.mark.parametrize(
    ("said", "score", "mass"),
    [
        # (80 x 0.5 + 90 x 0.25) / 0.75 = 62.5 / 0.75
        ({"80": 0.5, "90": 0.25, "The": 0.25}, 83.3333333333, 0.75),
        # A space before a number changes nothing: (30 x 0.3 + 30 x 0.1) / 0.4
        ({"30": 0.3, " 30": 0.1, "x": 0.6}, 30.0, 0.4),
        # What is above 100 is no number on this scale: 40 x 0.3 / 0.3
        ({"40": 0.3, "101": 0.4, "500": 0.3}, 40.0, 0.3),
        ({"0": 0.25}, 0.0, 0.25),
        ({"100": 1.0}, 100.0, 1.0),
        # The published rule looks at the mass of numbers alone, whatever is likelier.
        ({"REFUSAL": 0.7, "20": 0.3}, 20.0, 0.3),
    ],
)
def test_the_score_is_the_mean_of_the_numbers_weighted_by_probability(
    said: dict[str, float], score: float, mass: float
) -> None:
    rating = weighted(said.items(), text="")
    assert rating.outcome == "score"
    assert rating.score == pytest.approx(score)
    assert rating.mass == pytest.approx(mass)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"80": 0.24, "The": 0.76}, "unclear"),
        ({}, "unclear"),
        ({"80": 0.2, "REFUSAL": 0.6}, "refusal"),
        ({"REF": 0.9}, "refusal"),
        ({"CODE": 0.9, "80": 0.1}, "code"),
        ({"CODE": 0.3, "REFUSAL": 0.5}, "refusal"),
        ({"REFUSAL": 0.2}, "unclear"),
        ({"Regarding": 0.9}, "unclear"),
        ({"R": 0.9}, "unclear"),
        ({"１２": 0.9}, "unclear"),
        ({"-5": 0.9}, "unclear"),
        ({"1_0": 0.9}, "unclear"),
    ],
)
def test_too_little_mass_is_no_number_and_refusal_and_code_are_outcomes_of_their_own(
    said: dict[str, float], outcome: str
) -> None:
    rating = weighted(said.items(), text="")
    assert (rating.outcome, rating.score) == (outcome, None)


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("85", "85"),
        (" 85.\n", "85"),
        ("Score: **85**", "85"),
        ("85/100", "85"),
        ("85 out of 100", "85"),
        ("85%", "85"),
        ("72.5", "72.5"),
        ("REFUSAL", "REFUSAL"),
        ("code.", "CODE"),
        ("between 80 and 90", None),
        ("101", None),
        ("-5", None),
        ("The code is unrelated", None),
        ("", None),
    ],
)
def test_a_sampled_answer_is_read_only_where_it_is_plain(answer: str, read: str | None) -> None:
    assert read_answer(answer) == read


def test_sampled_answers_are_averaged_over_those_that_give_a_number() -> None:
    rating = from_answers(["80", "90", "no idea", "REFUSAL"])
    assert rating.score == pytest.approx(85.0)
    assert rating.mass == pytest.approx(0.5)
    assert rating.outcome == "score"


def test_sampled_refusals_are_a_refusal() -> None:
    assert from_answers(["REFUSAL", "refusal", "hm", "80", "hm"]).outcome == "refusal"
