"""What others compute: the statistics against scipy and numpy."""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pytest
from promptops.experiments.statistics import (
    bootstrap_interval,
    mcnemar,
    paired_test,
    quantile,
    sample_of,
    sign_flip,
    summarise,
    t_quantile,
    wilson,
)

numpy: Any = import_module("numpy")
stats: Any = import_module("scipy.stats")


def drawn(kind: str, count: int = 300) -> list[float]:
    generator = random.Random(kind)
    if kind == "steps":
        return [generator.choice((-2.0, -1.0, 0.0, 0.0, 1.0, 1.0, 3.0)) for _ in range(count)]
    if kind == "skewed":
        return [generator.expovariate(1) - 0.9 for _ in range(count)]
    return [generator.gauss(0.08, 1) for _ in range(count)]


@pytest.mark.parametrize(
    ("gained", "lost"), [(306, 79), (79, 306), (5, 3), (1, 0), (40, 40), (900, 1100), (9000, 9400)]
)
def test_mcnemar_agrees_with_the_binomial_test(gained: int, lost: int) -> None:
    assert mcnemar(gained, lost) == pytest.approx(stats.binomtest(gained, gained + lost).pvalue, rel=1e-9)


@pytest.mark.parametrize("degrees", [1, 2, 3, 7, 30, 99, 1318, 50_000])
@pytest.mark.parametrize("level", [0.001, 0.025, 0.3, 0.5, 0.9, 0.975, 0.99999])
def test_students_quantiles_agree(degrees: int, level: float) -> None:
    assert t_quantile(level, degrees) == pytest.approx(stats.t.ppf(level, degrees), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("right", "count"), [(0, 10), (3, 10), (515, 1319), (1319, 1319)])
def test_wilson_agrees(right: int, count: int) -> None:
    oracle = stats.binomtest(right, count).proportion_ci(method="wilson")
    assert wilson(right / count, count) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_quantiles_and_students_interval_agree() -> None:
    values = drawn("skewed")
    summary = summarise(values)
    shown = (summary.p05, summary.p25, summary.median, summary.p75, summary.p95)
    assert shown == pytest.approx(list(numpy.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])))
    assert quantile([1.0, 2.0], 0.5) == 1.5
    assert summary.std == pytest.approx(numpy.std(values, ddof=1))
    oracle = stats.ttest_1samp(values, 0).confidence_interval()
    assert (summary.low, summary.high) == pytest.approx((oracle.low, oracle.high))


@pytest.mark.parametrize("kind", ["steps", "skewed", "normal"])
def test_the_bootstrap_agrees_but_for_what_is_drawn(kind: str) -> None:
    values = drawn(kind)
    own = bootstrap_interval(sample_of(values), resamples=40_000)
    level = 1 - 2 * stats.norm.cdf(stats.t.ppf(0.025, 299) * (300 / 299) ** 0.5)
    oracle = stats.bootstrap(
        (numpy.array(values),), numpy.mean, confidence_level=level, n_resamples=40_000, method="percentile", rng=1
    ).confidence_interval
    # An end of the interval is known to about 0.014 standard errors with so many resamples, on either side.
    room = 4 * 2**0.5 * 0.014 * numpy.std(values) / 300**0.5
    assert own == pytest.approx((oracle.low, oracle.high), abs=room)


@pytest.mark.parametrize("kind", ["steps", "skewed", "normal"])
def test_the_exchange_agrees_but_for_what_is_drawn(kind: str) -> None:
    values = drawn(kind, 80)
    own = sign_flip(values, resamples=40_000)
    oracle = stats.permutation_test(
        (numpy.array(values),), numpy.sum, permutation_type="samples", vectorized=True, n_resamples=40_000, rng=1
    ).pvalue
    assert own.method == ("exact" if kind == "steps" else "monte carlo")
    room = 4 * (2 * oracle * (1 - oracle) / 40_000) ** 0.5
    assert own.p_value == pytest.approx(oracle, abs=room)


def test_the_exchange_of_few_is_exactly_that_of_scipy() -> None:
    values = drawn("normal", 10)
    oracle = stats.permutation_test(
        (numpy.array(values),), numpy.sum, permutation_type="samples", vectorized=True, n_resamples=numpy.inf
    )
    assert sign_flip(values).p_value == pytest.approx(oracle.pvalue, rel=1e-12)


def test_the_standard_error_of_repetitions_is_that_of_their_means() -> None:
    values = drawn("normal", 300)
    clusters = [place // 3 for place in range(300)]
    means = numpy.array(values).reshape(100, 3).mean(axis=1)
    assert sample_of(values, clusters).stderr == pytest.approx(stats.sem(means))


def test_the_known_comparison_agrees() -> None:
    before, after = [0] * 934 + [0] * 306 + [1] * 79, [0] * 934 + [1] * 306 + [0] * 79
    test = paired_test(before, after)
    differences: Sequence[int] = numpy.array(after) - numpy.array(before)
    oracle = stats.bootstrap((differences,), numpy.mean, n_resamples=10_000, method="percentile", rng=1)
    assert test.low == pytest.approx(oracle.confidence_interval.low, abs=0.0015)
    assert test.high == pytest.approx(oracle.confidence_interval.high, abs=0.0015)
    assert test.p_value == pytest.approx(stats.binomtest(306, 385).pvalue, rel=1e-9)
