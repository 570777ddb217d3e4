"""Agreement of two judges: what is counted, what is left out, and Krippendorff's alpha against worked examples."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness import HarnessError
from harness.analysis import agreement, two_judges
from harness.analysis.alphas import nominal_alpha
from harness.analysis.verdict_agreement import largest

NAMES = ("english", "spanish")
E, S = {"english": 1.0, "spanish": 0.0}, {"english": 0.25, "spanish": 0.75}
TIE, NONE = {"english": 0.5, "spanish": 0.5}, {"english": None, "spanish": None}


def test_agreement_counts_verdicts_and_leaves_out_what_a_judge_could_not_tell() -> None:
    seen = agreement([E, S, S, E, NONE, NONE, TIE], [E, S, E, NONE, S, NONE, S], names=NAMES)
    assert (seen.replies, seen.both, seen.only_first, seen.only_second, seen.neither) == (7, 3, 1, 2, 1)
    assert seen.same == 2 / 3
    # Pairs with two shares: 0, 0, |0.25 - 1|, |0.5 - 0.25| of English, and of Spanish the same.
    assert seen.differences == {"english": 0.25, "spanish": 0.25}
    # Coincidences ee 2, ss 2, es 1, se 1; n_e = n_s = 3: 1 - (6 - 1) * 2 / (2 * 3 * 3) = 4/9.
    assert seen.alpha == pytest.approx(4 / 9)


def test_the_order_of_the_judges_changes_only_who_could_tell() -> None:
    first, second = [E, S, S, E, NONE], [E, S, E, NONE, S]
    one, other = agreement(first, second, names=NAMES), agreement(second, first, names=NAMES)
    assert (one.same, one.alpha, one.differences) == (other.same, other.alpha, other.differences)
    assert (one.only_first, one.only_second) == (other.only_second, other.only_first)


def test_what_one_judge_calls_another_language_is_a_verdict_of_its_own() -> None:
    first = [E, S, E]
    second = [{"english": 0.0, "spanish": 0.0, "another": 1.0}, {**S, "another": 0.0}, {**NONE, "another": None}]
    seen = agreement(first, second, names=NAMES)
    assert (seen.both, seen.only_first, seen.same) == (2, 1, 0.5)
    found = two_judges(first, second, NAMES)
    assert found.shares == (*NAMES, "another")
    assert found.confusion == {("english", "another"): 1, ("spanish", "spanish"): 1, ("english", "cannot tell"): 1}


def test_a_score_that_is_no_rest_of_the_whole_is_no_verdict() -> None:
    seen = agreement([E, S], [{**E, "sure": 9.0}, {"english": 0.25, "spanish": 0.25, "sure": 9.0}], names=NAMES)
    assert (seen.both, seen.only_first, seen.same) == (1, 1, 1.0)


def test_replies_that_nobody_could_judge_give_none_and_not_zero() -> None:
    for replies in ([], [NONE], [NONE, NONE]):
        seen = agreement(replies, replies, names=NAMES)
        assert (seen.both, seen.neither, seen.same, seen.alpha) == (0, len(replies), None, None)
        assert seen.differences == {"english": None, "spanish": None}


def test_a_tie_or_a_share_that_is_missing_is_no_verdict() -> None:
    assert largest(S, NAMES) == "spanish"
    assert largest(TIE, NAMES) is None
    assert largest({"english": 1.0, "spanish": None}, NAMES) is None


def test_lists_that_do_not_match_are_refused_in_one_line() -> None:
    with pytest.raises(HarnessError, match="one judge scored 1 replies and the other 2; give both the same"):
        agreement([E], [E, S], names=NAMES)
    with pytest.raises(HarnessError, match="no score named 'french' in every row"):
        agreement([E], [S], names=(*NAMES, "french"))


# Krippendorff 2011, sections A and B: two observers, binary and nominal.
BINARY = list(zip("0100000010", "1110010000", strict=True))
NOMINAL = list(zip("aabbdcccedda", "babbbccceddd", strict=True))
# Section C: four observers, 12 units, a dot where an observer said nothing.
FOUR = [
    [None if verdict == "." else verdict for verdict in unit]
    for unit in zip("123321412...", "1233224125.3", ".3332342251.", "12332441251.", strict=True)
]


@pytest.mark.parametrize(("units", "alpha"), [(BINARY, 0.095), (NOMINAL, 0.692), (FOUR, 0.743)])
def test_alpha_is_that_of_the_published_examples(units: Sequence[Sequence[str | None]], alpha: float) -> None:
    assert nominal_alpha(units) == pytest.approx(alpha, abs=0.0006)


def test_alpha_by_hand_for_four_units() -> None:
    # aa ab bb bb: o_aa 2, o_bb 4, o_ab = o_ba = 1; n_a 3, n_b 5, n 8: 1 - 7 * 2 / (2 * 15) = 16/30.
    assert nominal_alpha(["aa", "ab", "bb", "bb"]) == pytest.approx(16 / 30)


def test_alpha_is_1_for_full_agreement_and_below_0_for_verdicts_that_avoid_each_other() -> None:
    assert nominal_alpha(["aa", "bb", "cc"]) == 1.0
    # ab ab: o_ab = o_ba = 2, n_a = n_b = 2: 1 - 3 * 4 / (2 * 4) = -1/2.
    assert nominal_alpha(["ab", "ab"]) == -0.5


def test_alpha_is_unknown_where_nothing_could_have_disagreed() -> None:
    for units in ([], ["aa", "aa"], [["a", None], [None, "b"]]):
        assert nominal_alpha(units) is None


def test_a_unit_with_one_verdict_changes_nothing() -> None:
    assert nominal_alpha([*NOMINAL, ("a", None), (None, None)]) == nominal_alpha(NOMINAL)
