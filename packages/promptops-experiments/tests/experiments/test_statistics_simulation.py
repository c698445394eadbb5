"""What the statistics promise, held against many simulated comparisons whose truth is known."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import exp, sqrt
from random import Random
from typing import Final, NamedTuple

import pytest
from promptops.experiments.statistics import paired_test, summarise

SOAK: Final = os.environ.get("PROMPTOPS_SOAK") == "1"
COMPARISONS: Final = 20_000 if SOAK else 300
RESAMPLES: Final = 199
EXAMPLES: Final = 100


class Pairs(NamedTuple):
    """Scores of two experiments, the example of each pair, and the true difference."""

    before: list[float]
    after: list[float]
    clusters: list[int] | None
    truth: float


def binary(random: Random, *, same: bool, changed: float = 0.25, gain: float = 0.05) -> Pairs:
    before: list[float] = []
    after: list[float] = []
    lean = 0.0 if same else gain
    for _ in range(EXAMPLES):
        drawn = random.random()
        if drawn < changed:
            gained = drawn < (changed + lean) / 2
            before.append(float(not gained))
            after.append(float(gained))
        else:
            before.append(float(random.random() < 0.6))
            after.append(before[-1])
    return Pairs(before, after, None, lean)


def rarely_changed(random: Random, *, same: bool) -> Pairs:
    return binary(random, same=same, changed=0.06, gain=0.03)


def continuous(random: Random, *, same: bool) -> Pairs:
    levels = [random.gauss(0, 1) for _ in range(EXAMPLES)]
    lean = 0.0 if same else 0.3
    before = [level + random.gauss(0, 1) for level in levels]
    return Pairs(before, [level + random.gauss(lean, 1) for level in levels], None, lean)


def skewed(random: Random, *, same: bool) -> Pairs:
    before = [random.expovariate(1) for _ in range(EXAMPLES)]
    if same:
        return Pairs(before, [random.expovariate(1) for _ in range(EXAMPLES)], None, 0)
    return Pairs(before, [score + random.expovariate(2) for score in before], None, 0.5)


def ordinal(random: Random, *, same: bool) -> Pairs:
    before = [float(random.randint(1, 5)) for _ in range(EXAMPLES)]
    grades = (1, 2, 3, 4, 5) if same else (1, 2, 3, 4, 5, 5)
    after = [float(random.choice(grades)) for _ in range(EXAMPLES)]
    return Pairs(before, after, None, sum(grades) / len(grades) - 3)


def tied(random: Random, *, same: bool) -> Pairs:
    before = [random.random() for _ in range(EXAMPLES)]
    lean = 0.0 if same else 0.2
    after = [score if random.random() < 0.7 else lean + random.random() for score in before]
    return Pairs(before, after, None, 0.3 * lean)


def repeated(random: Random, *, same: bool, uneven: bool = False) -> Pairs:
    before: list[float] = []
    after: list[float] = []
    clusters: list[int] = []
    lean = 0.0 if same else 0.1
    for example in range(EXAMPLES):
        level = random.uniform(0.3, 0.6)
        # Each example prefers one of the two, in all of its repetitions.
        prefers = random.choice((-0.3, 0.3))
        for _ in range(random.randint(1, 4) if uneven else 4):
            before.append(float(random.random() < level - prefers))
            after.append(float(random.random() < level + prefers + lean))
            clusters.append(example)
    return Pairs(before, after, clusters, lean)


def unevenly_repeated(random: Random, *, same: bool) -> Pairs:
    return repeated(random, same=same, uneven=True)


def lognormal(random: Random, *, same: bool) -> Pairs:
    before = [random.lognormvariate(0, 1) for _ in range(EXAMPLES)]
    if same:
        return Pairs(before, [random.lognormvariate(0, 1) for _ in range(EXAMPLES)], None, 0)
    return Pairs(before, [score + random.lognormvariate(0, 1) for score in before], None, exp(0.5))


SHAPES: Final[list[Callable[..., Pairs]]] = [
    binary,
    continuous,
    skewed,
    ordinal,
    tied,
    repeated,
    unevenly_repeated,
]


def noise(rate: float) -> float:
    """What a rate may be off by in so many comparisons: hardly ever in the short form, and nothing in the long one."""
    return 0.0 if SOAK else 4 * sqrt(rate * (1 - rate) / COMPARISONS)


def covered(shape: Callable[..., Pairs], *, clustered: bool = True) -> float:
    random = Random(20_001)
    hits = 0
    for seed in range(COMPARISONS):
        pairs = shape(random, same=False)
        clusters = pairs.clusters if clustered else None
        test = paired_test(pairs.before, pairs.after, clusters, resamples=RESAMPLES, seed=seed)
        assert test.low is not None
        assert test.high is not None
        hits += test.low - 1e-12 <= pairs.truth <= test.high + 1e-12
    return hits / COMPARISONS


def found(shape: Callable[..., Pairs], *, clustered: bool = True) -> float:
    random = Random(20_002)
    hits = 0
    for seed in range(COMPARISONS):
        pairs = shape(random, same=True)
        clusters = pairs.clusters if clustered else None
        hits += paired_test(pairs.before, pairs.after, clusters, resamples=RESAMPLES, seed=seed).p_value <= 0.05
    return hits / COMPARISONS


@pytest.mark.parametrize("shape", SHAPES)
def test_a_95_percent_interval_holds_the_true_difference_that_often(
    shape: Callable[..., Pairs], record_property: Callable[[str, object], None]
) -> None:
    rate = covered(shape)
    record_property("coverage", rate)
    assert 0.93 - noise(0.93) <= rate <= 0.97 + noise(0.97)


@pytest.mark.parametrize("shape", [*SHAPES, rarely_changed, lognormal])
def test_a_difference_is_seldom_found_where_there_is_none(
    shape: Callable[..., Pairs], record_property: Callable[[str, object], None]
) -> None:
    rate = found(shape)
    record_property("false_positives", rate)
    assert rate <= 0.055 + noise(0.055)


def test_an_interval_of_few_changes_is_rather_too_wide_than_too_narrow(
    record_property: Callable[[str, object], None],
) -> None:
    rate = covered(rarely_changed)
    record_property("coverage", rate)
    assert 0.93 - noise(0.93) <= rate <= 0.99


@pytest.mark.timeout(1_200 if SOAK else 300)
def test_an_interval_of_differences_with_a_very_long_tail_is_too_narrow_but_not_by_much(
    record_property: Callable[[str, object], None],
) -> None:
    rate = covered(lognormal)
    record_property("coverage", rate)
    assert rate >= 0.91 - noise(0.91)


def test_repetitions_that_are_taken_for_examples_break_both_promises() -> None:
    assert covered(repeated, clustered=False) < 0.93 - noise(0.93)
    assert found(repeated, clustered=False) > 0.055 + noise(0.055)


def right(random: Random) -> tuple[list[float], list[int] | None, float]:
    return [float(random.random() < 0.8) for _ in range(EXAMPLES)], None, 0.8


def bell(random: Random) -> tuple[list[float], list[int] | None, float]:
    return [random.gauss(3, 1) for _ in range(EXAMPLES)], None, 3.0


def long_tail(random: Random) -> tuple[list[float], list[int] | None, float]:
    return [random.expovariate(1) for _ in range(EXAMPLES)], None, 1.0


def grades(random: Random) -> tuple[list[float], list[int] | None, float]:
    return [float(random.choice((1, 2, 3, 4, 5, 5))) for _ in range(EXAMPLES)], None, 20 / 6


def answered_again(random: Random) -> tuple[list[float], list[int] | None, float]:
    scores: list[float] = []
    clusters: list[int] = []
    for example in range(EXAMPLES):
        level = random.choice((0.1, 0.9, 0.95))
        for _ in range(random.randint(1, 4)):
            scores.append(float(random.random() < level))
            clusters.append(example)
    return scores, clusters, 1.95 / 3


@pytest.mark.parametrize("kind", [right, bell, long_tail, grades, answered_again])
def test_a_95_percent_interval_holds_the_true_mean_that_often(
    kind: Callable[[Random], tuple[list[float], list[int] | None, float]],
    record_property: Callable[[str, object], None],
) -> None:
    random = Random(20_003)
    hits = 0
    for _ in range(COMPARISONS):
        scores, clusters, truth = kind(random)
        summary = summarise(scores, clusters)
        assert summary.low is not None
        assert summary.high is not None
        hits += summary.low <= truth <= summary.high
    rate = hits / COMPARISONS
    record_property("coverage", rate)
    assert 0.93 - noise(0.93) <= rate <= 0.97 + noise(0.97)
