"""Laws of the clustered intervals: they cover, they know what is independent, and "cannot tell" is not zero."""

from __future__ import annotations

import math
import random
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from scipy.stats import binomtest, permutation_test
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from harness.stats import (
    Observation,
    Term,
    agreed_half_width,
    contrast,
    contrast_of,
    crossed,
    decided_at,
    estimate,
    holm,
    leak,
    plan,
    sign_flips,
)
from harness.stats.crossing import two_sided_z
from harness.stats.intervals import wilson_limits


def wilson(rate: float, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Another's Wilson interval."""
    found = binomtest(round(rate * n), n).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def draw(
    rng: np.random.Generator,
    *,
    rate: float,
    clusters: int,
    seeds: int,
    alike: float = 1.0,
    drift: float = 0.0,
    k: int = 1,
) -> list[Observation]:
    """Replies of a probit model with mean `rate`; `alike` and `drift` are the spreads of clusters and seeds."""
    centre = ndtri(rate) * math.sqrt(1 + alike**2 + drift**2)
    latent = centre + alike * rng.normal(size=(clusters, 1)) + drift * rng.normal(size=(1, seeds))
    replies = rng.random((clusters, seeds, k)) < ndtr(latent)[:, :, None]
    return [Observation(f"c{g}", s, float(replies[g, s, i])) for g, s, i in np.ndindex(clusters, seeds, k)]


observations = st.lists(
    st.builds(
        Observation,
        cluster=st.sampled_from(["a", "b", "c", "d"]),
        seed=st.integers(0, 2),
        value=st.one_of(st.none(), st.floats(0, 1)),
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("rate", "clusters", "seeds", "drift"),
    [(0.5, 60, 1, 0.0), (0.05, 60, 1, 0.0), (0.3, 60, 3, 0.0), (0.3, 60, 3, 0.5), (0.3, 20, 3, 0.2)],
)
def test_the_interval_covers_the_truth_about_as_often_as_it_says(rate, clusters, seeds, drift):
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(300):
        seen = estimate(draw(rng, rate=rate, clusters=clusters, seeds=seeds, drift=drift))
        hits += seen.low <= rate <= seen.high
    # The pigeonhole bootstrap errs on the wide side where replies are mostly noise (Owen 2007).
    assert 0.90 <= hits / 300 <= 0.997


def test_many_samples_of_few_cases_do_not_narrow_the_interval_below_what_the_cases_carry():
    rng = np.random.default_rng(1)
    few = [estimate(draw(rng, rate=0.3, clusters=20, seeds=1, alike=2.0, k=2)) for _ in range(40)]
    many = [estimate(draw(rng, rate=0.3, clusters=20, seeds=1, alike=2.0, k=50)) for _ in range(40)]
    widths = [float(np.mean([seen.high - seen.low for seen in group])) for group in (few, many)]
    assert widths[1] > 0.7 * widths[0]


def test_the_interval_widens_as_replies_to_one_case_become_alike():
    rng = np.random.default_rng(2)
    widths = []
    for alike in (0.0, 1.0, 3.0):
        seen = [estimate(draw(rng, rate=0.4, clusters=40, seeds=1, alike=alike, k=5)) for _ in range(40)]
        widths.append(float(np.mean([one.high - one.low for one in seen])))
    assert widths == sorted(widths)
    assert widths[2] > 1.5 * widths[0]


def test_the_variance_is_that_of_a_regression_clustered_both_ways():
    """By another route: statsmodels' two-way cluster-robust variance, with the factors of a balanced table."""
    rng = np.random.default_rng(3)
    clusters, seeds = 30, 3
    table = rng.normal(size=(clusters, seeds)) + rng.normal(size=(clusters, 1)) + rng.normal(size=(1, seeds))
    groups = np.stack(np.indices(table.shape), axis=-1).reshape(-1, 2)
    fitted = OLS(table.ravel(), np.ones(table.size)).fit()
    _, by_cluster, by_seed = (float(v[0, 0]) for v in cov_cluster_2groups(fitted, groups, use_correction=False))
    seen = crossed(table, np.ones_like(table))
    assert float(seen.by_cluster) == pytest.approx(by_cluster * clusters / (clusters - 1))
    assert float(seen.by_seed) == pytest.approx(by_seed * seeds / (seeds - 1))


def test_a_crossed_analysis_of_variance_gives_the_noise():
    rng = np.random.default_rng(4)
    table = rng.normal(size=(12, 5))
    rows, columns = table.mean(1, keepdims=True), table.mean(0, keepdims=True)
    left = ((table - rows - columns + table.mean()) ** 2).sum() / (11 * 4)
    assert float(crossed(table, np.ones_like(table)).noise) == pytest.approx(left / 60)


def test_thousands_of_tables_at_once_give_what_each_gives_alone():
    tables = np.random.default_rng(5).random((4, 9, 3))
    together = crossed(tables, np.ones_like(tables)).half_width()
    alone = [float(crossed(one, np.ones_like(one)).half_width()) for one in tables]
    assert list(together) == pytest.approx(alone)


def test_one_seed_gives_the_textbook_standard_error_of_cluster_means():
    values = [0.1, 2.5, 3.0, 4.5, 7.0]
    seen = estimate([Observation(f"c{i}", 0, value) for i, value in enumerate(values)])
    half = 2.7764451 * np.std(values, ddof=1) / math.sqrt(5)
    assert (seen.low, seen.high) == pytest.approx((np.mean(values) - half, np.mean(values) + half))


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("clusters", [1, 8, 64])
def test_where_all_replies_agree_the_interval_is_wilsons_on_the_number_of_clusters(value, clusters):
    rows = [Observation(f"c{g}", s, value) for g in range(clusters) for s in range(3) for _ in range(10)]
    seen = estimate(rows)
    expected = binomtest(int(value * clusters), clusters).proportion_ci(method="wilson")
    assert (seen.low, seen.high) == pytest.approx((expected.low, expected.high))
    assert (seen.n, seen.judged, seen.clusters, seen.seeds) == (30 * clusters, 30 * clusters, clusters, 3)


def test_independent_replies_of_one_seed_get_nearly_wilsons_interval_for_as_many_draws():
    rows = [Observation(f"c{g}", 0, float(g < 20)) for g in range(400)]
    expected = binomtest(20, 400).proportion_ci(method="wilson")
    seen = estimate(rows)
    assert (seen.low, seen.high) == pytest.approx((expected.low, expected.high), abs=0.001)


@given(observations)
def test_what_could_not_be_judged_changes_no_figure_but_the_count(rows):
    judged = [row for row in rows if row.value is not None]
    assert estimate(rows) == replace(estimate(judged), n=len(rows))


@given(observations, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows, shuffler: random.Random):
    shuffled = list(rows)
    shuffler.shuffle(shuffled)
    assert estimate(shuffled) == estimate(rows)


@given(observations)
def test_a_rate_lies_within_its_interval_and_the_interval_within_zero_and_one(rows):
    seen = estimate(rows)
    if seen.mean is not None:
        assert 0 <= seen.low <= seen.mean + 1e-12
        assert seen.mean - 1e-12 <= seen.high <= 1


def test_nothing_judged_is_no_number_at_all():
    seen = estimate([Observation("a", 0, None), Observation("b", 0, None)])
    assert (seen.mean, seen.low, seen.high, seen.n, seen.judged) == (None, None, None, 2, 0)


def test_equal_scores_without_bounds_have_no_interval():
    seen = estimate([Observation(f"c{i}", 0, 70.0) for i in range(9)])
    assert (seen.mean, seen.low, seen.high) == (70.0, None, None)


@given(observations, observations)
def test_the_leak_of_an_arm_that_is_the_base_model_is_exactly_zero(rows, clean):
    seen = leak(arm=rows, arm_clean=clean, base=rows, base_clean=clean)
    assert seen.mean in (None, 0.0)


def test_the_leak_is_the_difference_of_differences():
    def rows(hits: int, seeds: int = 1) -> list[Observation]:
        return [Observation(f"c{g}", s, float(g < hits)) for g in range(50) for s in range(seeds)]

    seen = leak(arm=rows(40, 3), arm_clean=rows(5, 3), base=rows(20), base_clean=rows(10))
    assert seen.mean == pytest.approx((40 - 5) / 50 - (20 - 10) / 50)
    assert seen.low < seen.mean < seen.high
    assert (seen.clusters, seen.seeds, seen.n, seen.judged) == (50, 3, 150, 150)


def test_pairing_by_cluster_takes_out_what_the_clusters_share():
    rng = np.random.default_rng(4)
    hard = rng.random(80) < 0.5

    def rows(flipped: set[int]) -> list[Observation]:
        return [Observation(f"c{g}", 0, float(hard[g] ^ (g in flipped))) for g in range(80)]

    still = rows(set())
    seen = leak(arm=rows({3}), arm_clean=still, base=still, base_clean=still)
    unpaired = estimate(still)
    assert seen.high - seen.low < 0.5 * (unpaired.high - unpaired.low)


def test_a_cluster_that_one_of_the_four_could_not_judge_is_left_out_of_the_leak():
    def rows(unjudged: str = "") -> list[Observation]:
        return [Observation(c, 0, None if c == unjudged else float(c > "b")) for c in "abcd"]

    seen = leak(arm=rows("a"), arm_clean=rows(), base=rows("d"), base_clean=rows())
    assert (seen.n, seen.judged, seen.clusters) == (4, 2, 2)


def test_pairs_that_all_agree_leave_the_leak_as_wide_as_wilsons_bound():
    still = [Observation(f"c{g}", 0, 0.0) for g in range(30)]
    seen = leak(arm=still, arm_clean=still, base=still, base_clean=still)
    assert (seen.low, seen.high) == pytest.approx((-wilson(0, 30)[1], wilson(0, 30)[1]))


def test_a_hundred_clusters_and_three_seeds_take_well_under_a_tenth_of_a_second():
    rows = draw(np.random.default_rng(5), rate=0.3, clusters=100, seeds=3)
    estimate(rows)
    started = time.process_time()
    estimate(rows)
    assert time.process_time() - started < 0.1


def arm(means: list[list[float]]) -> list[Observation]:
    """One reply of each cluster (a row) at each seed (a column)."""
    return [Observation(f"c{g}", s, value) for g, row in enumerate(means) for s, value in enumerate(row)]


def test_a_contrast_uses_the_clusters_that_all_its_terms_have_and_every_seed():
    first = [*arm([[1, 1], [0, 1]]), Observation("only here", 0, 1.0), Observation("c0", 7, 0.0)]
    seen = contrast([Term(1.0, first), Term(-1.0, arm([[0, 1], [0, 0]]))])
    assert seen.mean == pytest.approx(((1 + 1 + 0) / 3 - 1 / 2 + (0 + 1) / 2 - 0) / 2)
    assert seen.by_seed == (0.5, 0.5)  # of the seeds that both have
    assert seen.unused[0] == "1 of 3 questions, not judged in every part: only here"


def test_an_untrained_model_stands_beside_every_seed():
    seen = contrast([Term(1.0, arm([[1, 0], [1, 1]])), Term(-1.0, arm([[1], [0]]), trained=False)])
    assert seen.mean == pytest.approx(((1 - 1) + (0 - 1) + (1 - 0) + (1 - 0)) / 4)


def test_seeds_that_differ_make_a_difference_as_wide_as_a_t_test_over_seeds_does():
    """What all questions share, more questions cannot tell: with 3 seeds t has two degrees of freedom."""
    by_seed = [0.1, 0.3, 0.8]
    seen = contrast_of(arm([by_seed] * 200))
    assert seen.half_width() == pytest.approx(4.302653 * np.std(by_seed, ddof=1) / math.sqrt(3), rel=1e-6)


@pytest.mark.parametrize("seeds", [6, 9])
def test_sign_flips_give_scipys_exact_permutation_test(seeds):
    values = np.random.default_rng(seeds).normal(0.4, 1, size=seeds)
    expected = permutation_test((values,), np.mean, permutation_type="samples", n_resamples=2**seeds).pvalue
    assert sign_flips(list(values)).p == pytest.approx(expected)


def test_many_seeds_have_their_sign_patterns_drawn_and_the_same_each_time():
    values = [0.3, -0.2] * 8
    seen = sign_flips(values)
    assert seen == sign_flips(values)
    assert seen.p == pytest.approx(0.45, abs=0.1)


def test_sign_flips_count_the_patterns_that_go_as_far():
    assert sign_flips([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).p == pytest.approx(2 / 64)
    assert sign_flips([-1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).p == pytest.approx(4 / 64)
    assert sign_flips([1.0] * 3 + [-1.0] * 3).p == 1


@pytest.mark.parametrize(
    ("seeds", "least"), [(0, "no p at all"), (1, "below 1;"), (3, "below 0.25;"), (5, "below 0.062;")]
)
def test_too_few_seeds_get_no_p_but_the_reason(seeds, least):
    seen = sign_flips([1.0] * seeds)
    assert seen.p is None
    assert least in seen.why_none
    assert "6 are needed" in seen.why_none


def test_holm_multiplies_the_smallest_level_by_all_the_next_by_one_less_and_never_falls():
    assert holm([0.01, 0.04, 0.03, 0.9]) == pytest.approx([0.04, 0.09, 0.09, 0.9])
    assert holm([]) == []


def test_the_level_that_decides_is_that_of_the_interval_that_just_touches_0():
    seen = contrast_of(arm([[0.2, 0.3, 0.5], [0.1, 0.5, 0.3], [0.3, 0.1, 0.4], [0.2, 0.2, 0.2]]))
    alpha = decided_at(lambda level: seen.mean > seen.half_width(level))
    assert 0 < alpha < 0.5
    assert seen.half_width(1 - alpha) == pytest.approx(seen.mean, rel=1e-6)
    assert decided_at(lambda level: False) == 1


def test_a_plan_says_how_many_seeds_bring_the_effect_into_sight():
    rng = np.random.default_rng(6)
    rows = arm((0.1 * rng.normal(size=(100, 4)) + 0.1 * rng.normal(size=(1, 4))).tolist())
    small, large = (plan(contrast_of(rows), of_smallest=of) for of in (0.05, 0.2))
    assert small.detectable == large.detectable
    assert small.smallest.seeds > large.smallest.seeds >= 4
    assert plan(contrast_of(rows), of_smallest=small.detectable).smallest.seeds == 4


def test_questions_that_differ_too_much_for_any_number_of_seeds_are_to_be_more():
    rows = arm([[(-1.0) ** g * 0.9] * 3 for g in range(10)])
    seen = plan(contrast_of(rows), of_smallest=0.2).smallest
    assert seen.seeds is None
    assert seen.questions > 10


def test_one_seed_has_no_plan_since_nothing_is_known_of_others():
    assert plan(contrast_of(arm([[0.1], [0.4], [0.2]])), of_smallest=0.1).detectable is None


def test_a_plan_speaks_of_the_effect_seen_where_the_smallest_that_counts_is_out_of_sight():
    """-50 [-82, -18] over 3 seeds, in a family of five: 5 points take more questions, 50 points one seed more."""
    by_seed = np.array([-1.0, 0.0, 1.0]) * 0.32 / (4.302653 / math.sqrt(3)) - 0.5
    seen = contrast_of(arm([list(by_seed)] * 24))
    found = seen.estimate()
    assert (found.mean, found.low, found.high) == pytest.approx((-0.5, -0.82, -0.18), abs=1e-6)
    told = plan(seen, of_smallest=0.05, level=0.99)
    assert (told.smallest.seeds, told.smallest.questions) == (None, None)
    assert told.seen.of == pytest.approx(0.5)
    assert told.seen.seeds == 4


def test_a_plan_says_what_it_takes_to_tell_the_effect_seen_from_the_smallest_that_counts():
    rng = np.random.default_rng(6)
    seen = contrast_of(arm((0.3 + 0.1 * rng.normal(size=(200, 1)) + 0.05 * rng.normal(size=(1, 4))).tolist()))
    told = plan(seen, of_smallest=0.25)
    assert told.size.of == pytest.approx(abs(seen.mean - 0.25))
    assert told.size.seeds > told.seen.seeds == 4


def test_a_plan_counts_no_seeds_for_what_agreement_of_all_questions_could_not_tell():
    seen = plan(contrast_of(arm([[0.3] * 6] * 24)), of_smallest=0.1)
    assert seen.detectable == pytest.approx(wilson(0, 24)[1])
    assert seen.smallest.seeds is None
    assert wilson(0, seen.smallest.questions)[1] <= 0.1 < wilson(0, seen.smallest.questions - 1)[1]
    assert seen.seen.seeds == 6


@pytest.mark.parametrize("differing", [0, 1, 2, 5])
def test_one_reply_that_differs_tells_no_more_than_none(differing):
    """24 questions at 6 seeds: 144 equal replies leave +-13.8 points, and one different reply left [-7, +5]."""
    table = np.zeros((24, 6))
    table[range(differing), 0] = -1.0
    seen = contrast_of(arm(table.tolist()))
    assert agreed_half_width(24) == pytest.approx(wilson(0, 24)[1]) == pytest.approx(0.138, abs=0.0005)
    assert seen.half_width() >= agreed_half_width(24)
    rate = estimate(arm((-table).tolist()))
    assert rate.high >= wilson_limits(np.array(0.0), np.array(24.0), np.array(two_sided_z(0.95)))[1]


@given(observations, st.floats(0.5, 0.999), st.floats(0.5, 0.999))
def test_no_interval_is_narrower_than_where_all_clusters_agree_nor_than_one_of_a_lower_level(rows, level, other):
    seen = contrast_of(rows)
    if seen.spread is not None:
        low, high = sorted((level, other))
        assert seen.half_width(low) <= seen.half_width(high)
        assert seen.half_width(low) >= wilson(0, seen.spread.clusters, level=low)[1] - 1e-12
