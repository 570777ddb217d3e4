"""Laws of correction: figures by hand and by other routes, and intervals that hold the truth in simulations."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.labels import JUDGES, Erring, held
from harness.stats import (
    Bounds,
    Grid,
    Limits,
    judged_share,
    mean_error,
    mover,
    powered_difference,
    powered_mean,
    powered_rate,
    predictive,
    rogan_gladen,
    rogan_gladen_difference,
    sensitivity,
    specificity,
)
from harness.stats.corrected import labelled_share


def limits(value: float, low: float, high: float) -> Limits:
    return Limits(np.array(value), np.array(low), np.array(high))


def exact(value: float) -> Limits:
    return limits(value, value, value)


def replies(yes: tuple[int, int, int], no: tuple[int, int, int]) -> tuple[Grid, Grid, Grid, Grid]:
    """Said, label, weight, member, each reply its own cluster: of each word all, labelled, and of these a yes."""
    said, label, weight = [], [], []
    for word, (every, labelled, true) in ((1.0, yes), (0.0, no)):
        for at in range(every):
            said.append(word)
            label.append(float(at < true))
            weight.append(every / labelled if at < labelled else 0.0)
    return np.array(said), np.array(label), np.array(weight), np.eye(len(said))


def test_errors_and_rate_are_those_of_bayes_rule_by_hand() -> None:
    """Of 30 yes 8 of 10 labels are yes, of 70 no 1 of 20: 24 + 3.5 true, 24 of them found; 66.5 of 72.5 false."""
    arrays = replies((30, 10, 8), (70, 20, 1))
    yes, no = predictive(*arrays)
    assert sensitivity(exact(0.3), yes, no).value == pytest.approx(24 / 27.5)
    assert specificity(exact(0.3), yes, no).value == pytest.approx(66.5 / 72.5)
    found = powered_rate(*arrays).limits(limits(0.3, 0.2, 0.4))
    assert found.value == pytest.approx(0.275)


def test_rogan_gladen_with_an_arms_own_errors_is_prediction_powered() -> None:
    arrays = replies((30, 10, 8), (70, 20, 1))
    yes, no = predictive(*arrays)
    errors = sensitivity(exact(0.3), yes, no), specificity(exact(0.3), yes, no)
    assert rogan_gladen(limits(0.3, 0.2, 0.4), *errors).value == pytest.approx(0.275)


def test_rogan_gladen_is_its_formula_and_its_ends_those_of_a_known_judge() -> None:
    """With se 0.9 and sp 0.8 known: (0.55 + 0.8 - 1) / 0.7 = 0.5, and the ends 0.45 and 0.69 likewise."""
    found = rogan_gladen(limits(0.55, 0.45, 0.69), limits(0.9, 0.9, 0.9), limits(0.8, 0.8, 0.8))
    assert [found.value, found.low, found.high] == pytest.approx([0.5, 0.25 / 0.7, 0.7], abs=0.0006)
    apart = rogan_gladen_difference(limits(0.35, 0.14, 0.49), limits(0.9, 0.9, 0.9), limits(0.8, 0.8, 0.8))
    assert [apart.value, apart.low, apart.high] == pytest.approx([0.5, 0.2, 0.7], abs=0.0011)


def test_a_judge_no_better_than_chance_leaves_everything_open() -> None:
    errors = limits(0.5, 0.3, 0.7), limits(0.5, 0.3, 0.7)
    found = rogan_gladen(limits(0.5, 0.4, 0.6), *errors)
    assert np.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)
    apart = rogan_gladen_difference(limits(0.0, -0.1, 0.1), *errors)
    assert (apart.low, apart.high) == (-1.0, 1.0)


def test_rogan_gladens_interval_is_wider_the_less_is_known_of_the_judge() -> None:
    said = limits(0.55, 0.45, 0.65)
    known, unknown = (
        rogan_gladen(said, limits(0.9, 0.9 - by, 0.9 + by), limits(0.8, 0.8 - by, 0.8 + by)) for by in (0.01, 0.1)
    )
    assert unknown.low < known.low < 0.5 < known.high < unknown.high


def test_labels_that_agree_have_wilsons_interval_on_their_clusters() -> None:
    z = 1.959964**2
    _, label, weight, member = replies((10, 10, 10), (0, 1, 0))
    found = labelled_share(label, weight, member)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(10 / (10 + z), abs=1e-5)
    by_five = labelled_share(label, weight, np.repeat(np.eye(5), 2, axis=0))
    assert by_five.low == pytest.approx(5 / (5 + z), abs=1e-5)


def test_unequal_chances_leave_fewer_labels_than_there_are() -> None:
    label, weight = np.ones(10), np.array([9.0] + [1.0] * 9)
    found = labelled_share(label, weight, np.eye(10))
    assert found.low == pytest.approx(3.6 / (3.6 + 1.959964**2), abs=1e-5)  # Kish: 18^2 / (81 + 9)


def test_a_label_counts_as_one_over_its_chance() -> None:
    label, weight = np.array([1.0, 0.0, 0.0]), np.array([10.0, 5.0, 5.0])
    assert labelled_share(label, weight, np.eye(3)).value == pytest.approx(0.5)


def test_without_labels_of_a_word_the_judge_is_believed_and_nothing_excluded() -> None:
    said, label, weight, member = replies((20, 20, 20), (20, 20, 0))
    weight[20:] = 0.0
    found = powered_rate(said, label, weight, member)
    assert found.limits(limits(0.5, 0.5, 0.5)).value == pytest.approx(0.5)
    assert found.above == pytest.approx(0.5)


def test_a_judge_that_never_says_yes_misses_what_there_is() -> None:
    never = exact(0.0)
    some, none = limits(0.2, 0.1, 0.4), limits(0.0, 0.0, 0.2)
    assert sensitivity(never, limits(1.0, 0.0, 1.0), some).value == 0.0
    assert np.isnan(sensitivity(never, limits(1.0, 0.0, 1.0), none).value)
    assert specificity(never, limits(1.0, 0.0, 1.0), some).value == 1.0


def test_a_judge_that_never_said_yes_may_do_so_of_other_questions() -> None:
    """24 replies, all judged no, and a person calls half of them yes: at most 3.84 / 27.84 of others are judged yes."""
    said, label, weight, member = replies((0, 1, 0), (24, 24, 12))
    yes, no = predictive(said, label, weight, member)
    share = judged_share(said, member)
    assert share.high == pytest.approx(3.841459 / 27.841459)
    found = sensitivity(share, yes, no)
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0.1 < found.high < 0.5
    other = specificity(share, yes, no)
    assert other.value == 1.0
    assert 0.6 < other.low < 0.95


def test_missed_ones_that_no_label_found_leave_the_sensitivity_open() -> None:
    """15 labels on 10 yes of 200 and 15 on 190 no, all as judged: of the no 20 % may be missed, four times 10."""
    said, label, weight, member = replies((10, 10, 10), (190, 15, 0))
    yes, no = predictive(said, label, weight, member)
    found = sensitivity(exact(10 / 200), yes, no)
    assert found.value == 1.0
    assert found.low == pytest.approx(10 / (10 + 190 * no.high / yes.low), abs=0.1)
    assert found.low < 0.25


def test_the_slope_of_a_powered_mean_is_that_of_regression() -> None:
    """PPI++ by its own formula: the labels' mean + slope x (mean of all that was said - that of what was labelled)."""
    random = np.random.default_rng(0)
    said = random.random(200)
    label = 0.1 + 0.6 * said + 0.05 * random.normal(size=200)
    weight = np.where(np.arange(200) < 40, 5.0, 0.0)
    found = powered_mean(said, label, weight, np.eye(200), bounds=None)
    slope = np.polyfit(said[:40], label[:40], 1)[0]
    assert found.slope == pytest.approx(slope)
    by_hand = label[:40].mean() + slope * (said.mean() - said[:40].mean())
    assert found.limits(limits(float(said.mean()), 0, 1)).value == pytest.approx(by_hand)
    left = label[:40] - label[:40].mean() - slope * (said[:40] - said[:40].mean())
    assert found.below == pytest.approx(2.022691 * left.std(ddof=1) / np.sqrt(40), rel=1e-5)  # t of 39


def test_numbers_that_labels_confirm_leave_open_what_as_many_cannot_exclude() -> None:
    """Wilson's bound for 0 of 20, of replies that may be 0.3 too high and 0.7 too low."""
    said, bounds = np.linspace(0.1, 0.5, 20), Bounds(0.0, 1.0)
    found = powered_mean(said, said, np.ones(20), np.eye(20), bounds=bounds)
    assert found.slope == pytest.approx(1.0)
    none_of = 3.841459 / 23.841459
    assert [float(found.below), float(found.above)] == pytest.approx([none_of * 0.3, none_of * 0.7], abs=1e-5)
    error = mean_error(said, said, np.ones(20), np.eye(20), bounds=bounds)
    assert [float(error.low), float(error.high)] == pytest.approx([-none_of * 0.3, none_of * 0.7], abs=1e-5)
    assert np.isnan(mean_error(said, said, np.ones(20), np.eye(20), bounds=None).low)


def test_labels_of_one_question_say_nothing_of_others() -> None:
    said = np.linspace(0, 1, 20)
    assert np.isnan(powered_mean(said, said, np.ones(20), np.ones((20, 1)), bounds=Bounds(0.0, 1.0)).above)


def test_differences_join_the_parts_of_both_arms() -> None:
    """sqrt(0.3^2 + 0.4^2) = 0.5 down; up the other way round."""
    found = mover(limits(0.8, 0.5, 0.9), limits(0.4, 0.2, 0.8))
    assert [found.value, found.low, found.high] == pytest.approx([0.4, -0.1, 0.4 + np.hypot(0.1, 0.2)])
    arrays = replies((30, 10, 8), (70, 20, 1))
    one, other = powered_rate(*arrays), powered_rate(*arrays)
    apart = powered_difference(one, other, np.array(0.0), np.array(0.1))
    assert apart.low == pytest.approx(-np.sqrt(0.01 + one.below**2 + one.above**2))
    assert apart.high == pytest.approx(-float(apart.low))


def test_what_is_done_to_many_experiments_at_once_is_what_is_done_to_one() -> None:
    first, second = replies((30, 10, 8), (70, 20, 1)), replies((30, 10, 5), (70, 20, 4))
    both = [np.stack(pair) for pair in zip(first[:3], second[:3], strict=True)]
    together = powered_rate(both[0], both[1], both[2], first[3])
    for at, one in enumerate((powered_rate(*first), powered_rate(*second))):
        assert together.below[at] == pytest.approx(float(one.below))
        assert together.slope[at] == pytest.approx(float(one.slope))


@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.name)
def test_powered_figures_hold_the_truth_whatever_the_judge_does_where(judge: Erring) -> None:
    """At 200 experiments a coverage of 95 % has a standard error of 1.5 points; the least of four arms is looked at."""
    found = held(judge, 60, 3, 20, experiments=200, random=np.random.default_rng(1))
    assert found.powered >= 0.92
    assert found.powered_difference >= 0.93
    if judge.name == "by arm":
        assert found.pooled_difference < 0.7  # what pooling assumes is not so, and is told
        assert found.told > 0.5
    else:
        assert found.pooled >= 0.93
        assert found.told < 0.08
    if judge.name != "good":
        assert found.plain < 0.8


def test_errors_that_are_rare_and_large_are_left_open_by_labels_that_saw_none() -> None:
    """One true 1 in 20 is judged 0.02: without the bound, 20 labels hold the mean error in 66 % of experiments."""
    random, bounds = np.random.default_rng(0), Bounds(0.0, 1.0)
    true = (random.random((400, 200)) < 0.3).astype(float)
    said = np.abs(true - 0.06 * random.random(true.shape))
    said = np.where((random.random(true.shape) < 0.05) & (true == 1), 0.02, said)
    weight = np.where(random.random(true.shape).argsort(-1).argsort(-1) < 20, 200 / 20, 0.0)
    error = (true - said).mean(-1)
    for limit, least, most in ((bounds, 0.96, 1.0), (None, 0.5, 0.75)):
        found = mean_error(said, true, weight, np.eye(200), bounds=limit)
        assert least <= ((found.low <= error) & (error <= found.high)).mean() <= most


@pytest.mark.parametrize("seed", range(30))
def test_whatever_the_replies_figures_lie_in_their_intervals(seed: int) -> None:
    """Any counts of replies and labels, words that nobody labelled among them; warnings are errors."""
    random = np.random.default_rng(seed)
    n, clusters = int(random.integers(2, 40)), int(random.integers(1, 6))
    said, label = (random.random(n) < random.random()).astype(float), (random.random(n) < random.random()).astype(float)
    weight = np.where(random.random(n) < random.random(), random.integers(1, 9, n), 0).astype(float)
    member = np.eye(clusters)[random.integers(0, clusters, n)]
    share = said.mean()
    judged = limits(float(share), max(0.0, float(share) - 0.2), min(1.0, float(share) + 0.2))
    yes, no = predictive(said, label, weight, member)
    part = judged_share(said, member)
    errors = sensitivity(part, yes, no), specificity(part, yes, no)
    powered = powered_rate(said, label, weight, member).limits(judged)
    assert powered.low <= powered.value <= powered.high
    for found in (*errors, rogan_gladen(judged, *errors)):
        assert np.isnan(found.value) or 0 <= found.low <= found.value + 1e-12 <= found.high + 2e-12 <= 1 + 3e-12
    mean = powered_mean(said, label, weight, member, bounds=Bounds(0.0, 1.0))
    assert np.isnan(mean.below) or mean.below >= 0
