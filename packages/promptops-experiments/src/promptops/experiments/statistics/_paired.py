"""The difference of two experiments over the examples that both have: interval, p-value, and what could be missed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import fsum, sqrt
from typing import Final

import msgspec
from promptops.experiments.statistics._binary import mcnemar
from promptops.experiments.statistics._bootstrap import bootstrap_interval
from promptops.experiments.statistics._corrections import minimum_detectable
from promptops.experiments.statistics._distributions import normal_quantile, t_quantile
from promptops.experiments.statistics._sample import Sample, sample_of
from promptops.experiments.statistics._sign_flip import sign_flip
from promptops.experiments.statistics._summary import FEWEST_UNLIKE

__all__ = ["DEFAULT_RESAMPLES", "DEFAULT_SEED", "PairedTest", "paired_test"]

DEFAULT_RESAMPLES: Final = 10_000
DEFAULT_SEED: Final = 0
_MOST_DRAWN: Final = 5_000


class PairedTest(msgspec.Struct, frozen=True, kw_only=True):
    """How sure a difference is: candidate minus baseline.

    Attributes:
        difference: Mean difference over the pairs.
        low: Lower end of its interval, or None when the scores tell nothing of their spread.
        high: Upper end of the interval.
        confidence: How often such intervals hold the true difference.
        interval: How the interval was found: ``bootstrap``, ``t``, ``adjusted`` (few pairs differ) or ``none``.
        p_value: Two-sided, of the hypothesis that the two could be exchanged.
        method: How it was found: ``exact mcnemar``, or ``sign-flip`` with ``exact``, ``monte carlo`` or ``normal``.
        holm_p: The p-value adjusted for the number of tests that were made together.
        mde: The smallest true difference that so many examples would show with probability 0.8.
        stderr: Standard error of the difference; repetitions of one example count as one.
        effect_size: Mean difference of an example over the standard deviation between examples.
        n: How many pairs.
        clusters: How many examples they belong to.
    """

    difference: float
    low: float | None
    high: float | None
    confidence: float
    interval: str
    p_value: float
    method: str
    holm_p: float
    mde: float | None
    stderr: float | None
    effect_size: float | None
    n: int
    clusters: int


def paired_test(
    baseline: Sequence[float],
    candidate: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = DEFAULT_SEED,
) -> PairedTest:
    """Compare the scores of pairs.

    **Interval**: the percentile bootstrap over examples. While fewer than ten examples differ from the rest it would be
    too narrow, up to no width at all; then two examples are added, one that gained the whole scale and one that lost
    it, and the interval is the normal one ("adjusted"). The scale is 1 for scores from 0 to 1, otherwise the range of
    the scores that were seen. More than 5,000 examples get Student's interval.

    **p-value**: McNemar's exact test for scores of 0 and 1 without repetitions, otherwise the exchange of baseline and
    candidate, example by example.

    Args:
        baseline: Scores; at least one.
        candidate: Scores in the same order.
        clusters: The example of each pair; each pair is its own when absent.
        confidence: How often such intervals hold the true difference.
        resamples: How many samples, and exchanges, are drawn at random.
        seed: Of the drawing; the same seed gives the same figures.
    """
    differences = [_difference(before, after) for before, after in zip(baseline, candidate, strict=True)]
    sample = sample_of(differences, clusters)
    scores = {*baseline, *candidate}
    low, high, interval, stderr = _interval(sample, scores, confidence, resamples, seed)
    if scores <= {0, 1} and sample.clusters == sample.n:
        p_value = mcnemar(differences.count(1), differences.count(-1))
        method = "exact mcnemar"
    else:
        flipped = sign_flip(sample.sums, resamples=resamples, seed=seed)
        p_value, method = flipped.p_value, f"sign-flip {flipped.method}"
    spread = sample.stderr
    return PairedTest(
        difference=sample.mean,
        low=low,
        high=high,
        confidence=confidence,
        interval=interval,
        p_value=p_value,
        method=method,
        holm_p=p_value,
        mde=None if stderr is None else minimum_detectable(stderr, confidence=confidence),
        stderr=stderr,
        effect_size=sample.mean / (spread * sqrt(sample.clusters)) if spread else None,
        n=sample.n,
        clusters=sample.clusters,
    )


def _difference(before: float, after: float) -> float:
    """Return the difference, and none where only rounding differs, as of 0.1 + 0.2 and 0.3."""
    difference = after - before
    return 0.0 if abs(difference) <= 1e-12 * max(abs(before), abs(after)) else difference


def _interval(
    sample: Sample, scores: set[float], confidence: float, resamples: int, seed: int
) -> tuple[float | None, float | None, str, float | None]:
    count, alike = sample.clusters, sample.most_alike
    shares = min(scores) >= 0 and max(scores) <= 1
    stderr = sample.stderr
    if alike > 1 and count - alike < FEWEST_UNLIKE:
        scale = 1.0 if shares else max(scores) - min(scores)
        if scale == 0:
            return None, None, "none", None
        return _adjusted(sample, scale, confidence)
    if not stderr:
        return None, None, "none", None
    if count - alike < FEWEST_UNLIKE or count > _MOST_DRAWN:
        half = t_quantile(0.5 + confidence / 2, count - 1) * stderr
        return sample.mean - half, sample.mean + half, "t", stderr
    low, high = bootstrap_interval(sample, confidence=confidence, resamples=resamples, seed=seed)
    return low, high, "bootstrap", stderr


def _adjusted(sample: Sample, scale: float, confidence: float) -> tuple[float, float, str, float]:
    """Return the normal interval with two more examples, one at each end of the scale."""
    size = sample.n / sample.clusters
    count = sample.clusters + 2
    mean = fsum(sample.sums) / (sample.n + 2 * size)
    parts = [
        (total - mean * own) / size
        for total, own in zip((*sample.sums, scale * size, -scale * size), (*sample.sizes, size, size), strict=True)
    ]
    stderr = sqrt(fsum(part * part for part in parts)) / count
    half = normal_quantile(0.5 + confidence / 2) * stderr
    return max(-scale, mean - half), min(scale, mean + half), "adjusted", stderr
