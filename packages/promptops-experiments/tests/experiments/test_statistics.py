from __future__ import annotations

import random
from fractions import Fraction
from itertools import product
from math import comb, inf, isclose
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from promptops.experiments.statistics import (
    PairedTest,
    bootstrap_interval,
    examples_needed,
    holm,
    mcnemar,
    minimum_detectable,
    paired_test,
    sample_of,
    sign_flip,
    summarise,
    wilson,
)

GSM8K = ([0] * 934 + [0] * 306 + [1] * 79, [0] * 934 + [1] * 306 + [0] * 79)


def interval(test: PairedTest) -> tuple[float, float]:
    assert test.low is not None
    assert test.high is not None
    return test.low, test.high


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_counts_every_way_in_which_pairs_could_have_changed(gained: int, lost: int) -> None:
    changed, fewer = gained + lost, min(gained, lost)
    tail = Fraction(sum(comb(changed, k) for k in range(fewer + 1)), 2**changed)
    assert mcnemar(gained, lost) == pytest.approx(float(min(Fraction(1), 2 * tail)), rel=1e-12)
    assert mcnemar(gained, lost) == mcnemar(lost, gained)


def test_mcnemar_takes_many_pairs_and_tiny_p_values() -> None:
    assert mcnemar(0, 200) == pytest.approx(2.0**-199, rel=1e-12)
    assert mcnemar(50_200, 49_800) == pytest.approx(0.2070, abs=1e-4)
    assert mcnemar(100_000, 0) == 0.0


@settings(deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9), st.sampled_from([1.0, 0.5, 0.1, 1 / 3]))
def test_the_exchange_counts_what_can_be_counted(whole: list[int], unit: float) -> None:
    lean = abs(sum(whole))
    leaning = sum(abs(sum(s * v for s, v in zip(signs, whole, strict=True))) >= lean for signs in _signs(len(whole)))
    found = sign_flip([value * unit for value in whole])
    assert found.method == "exact"
    assert found.p_value == pytest.approx(leaning / 2 ** len(whole), rel=1e-12)


@settings(deadline=None)
@given(st.lists(st.integers(-999, 999).map(lambda value: value * 3.1415926), min_size=1, max_size=8))
def test_the_exchange_tries_every_sign_of_few_clusters(sums: list[float]) -> None:
    lean = abs(sum(sums)) - 1e-9
    leaning = sum(abs(sum(s * v for s, v in zip(signs, sums, strict=True))) >= lean for signs in _signs(len(sums)))
    assert sign_flip(sums).p_value == pytest.approx(leaning / 2 ** len(sums))


def _signs(count: int) -> list[tuple[int, ...]]:
    return list(product((-1, 1), repeat=count))


def test_the_exchange_of_single_changes_is_mcnemar() -> None:
    for gained, lost in ((306, 79), (12, 3), (20, 20), (7, 0)):
        assert sign_flip([1.0] * gained + [-1.0] * lost).p_value == pytest.approx(mcnemar(gained, lost), rel=1e-9)


def test_a_drawn_exchange_is_close_to_the_exact_one_and_never_zero() -> None:
    sums = [1.0] * 30 + [-1.0] * 15
    exact = sign_flip(sums)
    drawn = sign_flip([total * (1 + 1e-5 * place) for place, total in enumerate(sums)], resamples=20_000, seed=5)
    assert (exact.method, drawn.method) == ("exact", "monte carlo")
    assert drawn.p_value == pytest.approx(exact.p_value, abs=4 * (exact.p_value / 20_000) ** 0.5)
    assert sign_flip([1.1 + 0.0001234 * place for place in range(40)], resamples=500).p_value == 1 / 501


def test_an_exchange_of_very_many_clusters_is_normal() -> None:
    generator = random.Random(4)
    found = sign_flip([generator.gauss(0.02, 1) for _ in range(30_000)])
    assert found.method == "normal"
    assert 1e-6 < found.p_value < 0.05


def test_scores_that_differ_by_rounding_only_are_the_same() -> None:
    test = paired_test([0.3] * 20, [0.1 + 0.2] * 20)
    assert (test.difference, test.p_value) == (0.0, 1.0)


def test_large_numbers_do_not_need_large_memory() -> None:
    started = thread_time()
    assert sign_flip([114_329.6640625]).p_value == 1.0
    assert sign_flip([float(10**9 + place) for place in range(12)]).p_value == 2 / 2**12
    assert thread_time() - started < 0.5


def test_tiny_differences_count_as_much_as_large_ones() -> None:
    sums = [1e-11 * (place % 5 - 1) for place in range(14)]
    assert sign_flip(sums).p_value == pytest.approx(sign_flip([total * 1e11 for total in sums]).p_value)


def test_holm_is_what_the_book_says() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, None, 0.8]) == [1.0, None, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_makes_a_p_value_smaller_or_changes_their_order(p_values: list[float]) -> None:
    adjusted = [p for p in holm(p_values) if p is not None]
    assert all(p <= more <= 1 for p, more in zip(p_values, adjusted, strict=True))
    assert [p for _, p in sorted(zip(p_values, adjusted, strict=True))] == sorted(adjusted)


def test_the_detectable_difference_shrinks_with_the_root_of_the_examples() -> None:
    assert minimum_detectable(0.1) == pytest.approx(0.28016, abs=1e-5)
    assert examples_needed(0.1, 100, 0.28016) == 100
    assert examples_needed(0.1, 100, 0.14008) in {400, 401}
    assert examples_needed(0.1, 100, 0.0) is None
    assert examples_needed(0.1, 100, 5e-300) is None


def test_wilson_ends_at_the_ends_of_the_scale() -> None:
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.16113), abs=1e-5)
    assert wilson(1.0, 20) == pytest.approx((1 - 0.16113, 1.0), abs=1e-5)
    assert (wilson(0.0, 20)[0], wilson(1.0, 20)[1]) == (0.0, 1.0)


def test_a_summary_shows_the_distribution() -> None:
    summary = summarise([1, 2, 3, 4, 10])
    assert (summary.n, summary.clusters, summary.mean, summary.median) == (5, 5, 4.0, 3)
    assert (summary.minimum, summary.p25, summary.p75, summary.maximum) == (1, 2, 4, 10)
    assert summary.std == pytest.approx(3.5355339)
    assert summary.stderr == pytest.approx(3.5355339 / 5**0.5)
    assert summary.method == "t"
    assert summary.low == pytest.approx(4 - 2.7764451 * 1.5811388)


@pytest.mark.parametrize("scale", [1e160, 1e200, 1e306])
def test_scores_of_any_size_have_a_summary(scale: float) -> None:
    plain, large = summarise([-1, 2, 3, 4, 10, -7]), summarise([score * scale for score in [-1, 2, 3, 4, 10, -7]])
    assert (large.n, large.clusters, large.method) == (6, 6, "t")
    for name in ("mean", "std", "stderr", "low", "high", "minimum", "p05", "p25", "median", "p75", "p95", "maximum"):
        assert getattr(large, name) / scale == pytest.approx(getattr(plain, name))


def test_the_largest_floats_have_a_summary() -> None:
    alike = summarise([1.7e308, 1.7e308])
    assert (alike.mean, alike.minimum, alike.maximum, alike.low) == (1.7e308, 1.7e308, 1.7e308, None)
    apart = summarise([1e308, -1e308])
    assert (apart.mean, apart.low, apart.high) == (0.0, -inf, inf)


def test_repetitions_of_one_example_are_one_observation() -> None:
    scores = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0] * 20
    alone = summarise(scores)
    repeated = summarise(scores, [place // 3 for place in range(120)])
    assert repeated.stderr == pytest.approx((0.25 / 39) ** 0.5)
    assert alone.high is not None
    assert repeated.high is not None
    assert repeated.high - repeated.mean > 1.6 * (alone.high - alone.mean)


@pytest.mark.parametrize("scores", [[5.0], [5.0] * 30, [2.5] * 3])
def test_scores_that_do_not_vary_have_no_interval(scores: list[float]) -> None:
    summary = summarise(scores)
    assert (summary.mean, summary.low, summary.high, summary.method) == (scores[0], None, None, "none")


def test_scores_that_are_all_right_still_have_an_interval() -> None:
    summary = summarise([1.0] * 30)
    assert summary.high == 1.0
    assert summary.low == pytest.approx(0.8865, abs=1e-4)


def test_shares_of_which_few_are_unlike_have_an_honest_interval() -> None:
    summary = summarise([1.0] * 99 + [0.9])
    assert summary.method == "wilson"
    assert summary.low is not None
    assert summary.low < 0.965


def test_the_known_comparison_has_its_known_figures() -> None:
    test = paired_test(*GSM8K)
    assert test.difference == pytest.approx(0.1721, abs=5e-5)
    assert interval(test) == pytest.approx((0.1440, 0.2002), abs=0.001)
    assert (test.method, test.interval, test.n, test.clusters) == ("exact mcnemar", "bootstrap", 1319, 1319)
    assert test.mde == pytest.approx(0.0395, abs=1e-4)


def test_swapping_the_two_turns_the_interval_round() -> None:
    generator = random.Random(2)
    before = [generator.random() for _ in range(150)]
    after = [value + generator.gauss(0.05, 0.2) for value in before]
    there, back = paired_test(before, after), paired_test(after, before)
    assert there.p_value == back.p_value
    low, high = interval(back)
    assert interval(there) == pytest.approx((-high, -low), abs=0.003)


def test_the_same_seed_gives_the_same_figures_and_another_one_nearly() -> None:
    generator = random.Random(3)
    before = [generator.gauss(0, 1) for _ in range(200)]
    after = [value + generator.gauss(0.1, 1) for value in before]
    state = random.getstate()
    first, again, other = paired_test(before, after), paired_test(before, after), paired_test(before, after, seed=1)
    assert random.getstate() == state
    assert first == again
    assert first != other
    assert first.low == pytest.approx(other.low, abs=0.02)
    assert first.p_value == pytest.approx(other.p_value, abs=0.02)


def test_two_without_a_changed_example_still_may_differ() -> None:
    test = paired_test([1.0] * 15 + [0.0] * 5, [1.0] * 15 + [0.0] * 5)
    low, high = interval(test)
    assert (test.difference, test.p_value, test.interval) == (0.0, 1.0, "adjusted")
    assert low == -high
    assert 0.1 < high < 0.2


def test_few_changed_examples_do_not_make_a_narrow_interval() -> None:
    test = paired_test([0.0] * 3 + [1.0] * 97, [1.0] * 100)
    low, high = interval(test)
    assert low < 0
    assert high > 0.06
    assert test.p_value == 0.25


@pytest.mark.parametrize(("before", "after"), [([4.0], [5.0]), ([3.0] * 20, [3.0] * 20)])
def test_what_tells_nothing_of_its_spread_has_no_interval(before: list[float], after: list[float]) -> None:
    test = paired_test(before, after)
    assert (test.low, test.high, test.mde, test.interval) == (None, None, None, "none")
    assert test.p_value == 1.0


def test_a_few_examples_without_ties_have_students_interval() -> None:
    test = paired_test([1.0, 2.0, 3.0, 4.0, 5.0], [1.3, 2.1, 3.7, 4.9, 5.2])
    assert test.interval == "t"
    assert test.low == pytest.approx(0.44 - 2.7764451 * 0.15362, abs=1e-3)


def test_repetitions_do_not_make_a_difference_surer() -> None:
    generator = random.Random(8)
    before = [float(generator.random() < 0.5) for _ in range(120)]
    after = [float(generator.random() < 0.6) for _ in range(120)]
    once = paired_test(before, after)
    thrice = paired_test(before * 3, after * 3, list(range(120)) * 3)
    assert (thrice.n, thrice.clusters, thrice.method) == (360, 120, "sign-flip exact")
    assert thrice.p_value == pytest.approx(once.p_value)
    assert interval(thrice) == pytest.approx(interval(once), abs=0.005)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=25, max_size=40), st.integers(0, 24), st.floats(0, 5))
def test_both_ends_of_a_bootstrap_interval_move_up_with_a_value(values: list[float], place: int, more: float) -> None:
    values = [value + 1e-3 * number for number, value in enumerate(values)]  # many values: drawn by their places
    raised = [*values]
    raised[place] += more
    below, above = (
        bootstrap_interval(sample_of(values), resamples=500),
        bootstrap_interval(sample_of(raised), resamples=500),
    )
    assert below[0] <= above[0] + 1e-9
    assert below[1] <= above[1] + 1e-9


def test_few_and_many_values_are_drawn_to_the_same_effect() -> None:
    values = [float(place % 4) for place in range(200)]
    few = bootstrap_interval(sample_of(values), resamples=20_000)
    many = bootstrap_interval(sample_of([value + 1e-7 * place for place, value in enumerate(values)]), resamples=20_000)
    assert few == pytest.approx(many, abs=0.006)


def test_a_resample_draws_each_value_as_often_as_it_should() -> None:
    values = [0.0] * 70 + [1.0] * 20 + [2.0] * 10
    low, high = bootstrap_interval(sample_of(values), confidence=0.6826894921, resamples=40_000)
    half = (0.44 / 99) ** 0.5
    # Means of 100 such values are multiples of 0.01, so an end may be half of that away.
    assert (low, high) == pytest.approx((0.4 - half, 0.4 + half), abs=0.0055)


def test_many_examples_are_judged_without_drawing() -> None:
    generator = random.Random(1)
    before = [generator.random() for _ in range(30_000)]
    started = thread_time()
    test = paired_test(before, [value + generator.gauss(0.01, 0.1) for value in before])
    assert thread_time() - started < 2
    assert (test.interval, test.method) == ("t", "sign-flip normal")
    assert isclose(test.difference, 0.01, abs_tol=0.002)


@pytest.mark.parametrize("kind", ["binary", "ordinal", "continuous", "repeated"])
def test_1319_pairs_with_10_000_resamples_take_less_than_a_second(kind: str) -> None:
    generator = random.Random(6)
    clusters: list[int] | None = None
    before, after = list(map(float, GSM8K[0])), list(map(float, GSM8K[1]))
    if kind == "ordinal":
        before, after = ([float(generator.randint(1, 5)) for _ in range(1319)] for _ in range(2))
    elif kind == "continuous":
        before, after = ([generator.random() for _ in range(1319)] for _ in range(2))
    elif kind == "repeated":
        before, after, clusters = before * 3, after[::-1] * 3, list(range(1319)) * 3
    best = inf
    for _ in range(2):
        started = thread_time()
        paired_test(before, after, clusters, resamples=10_000)
        best = min(best, thread_time() - started)
    assert best < 1
