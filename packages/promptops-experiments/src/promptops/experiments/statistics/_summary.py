"""What the scores of one metric of one experiment are worth: mean, spread, interval, quantiles."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import frexp, fsum, ldexp, sqrt

import msgspec
from promptops.experiments.statistics._binary import wilson
from promptops.experiments.statistics._distributions import normal_quantile, quantile, t_quantile
from promptops.experiments.statistics._sample import Sample, sample_of

__all__ = ["FEWEST_UNLIKE", "Summary", "summarise"]

FEWEST_UNLIKE = 10
_LARGEST_EXPONENT = 300  # squares of larger numbers, and sums of those, leave the range of floats


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The distribution of scores, and an interval of their mean.

    Attributes:
        n: How many scores.
        clusters: How many examples they belong to.
        mean: Their mean.
        std: Standard deviation of the scores, with n - 1; None for a single one.
        stderr: Standard error of the mean; repetitions of one example count as one. None for a single example.
        low: Lower end of the interval of the mean, or None when there is none.
        high: Upper end of the interval.
        confidence: How often such intervals hold the true mean.
        method: ``wilson``, ``t``, or ``none`` where the scores tell nothing of their spread.
        minimum: The smallest score.
        p05: What 5 % of the scores are below.
        p25: What 25 % are below.
        median: What half are below.
        p75: What 75 % are below.
        p95: What 95 % are below.
        maximum: The largest score.
    """

    n: int
    clusters: int
    mean: float
    std: float | None
    stderr: float | None
    low: float | None
    high: float | None
    confidence: float
    method: str
    minimum: float
    p05: float
    p25: float
    median: float
    p75: float
    p95: float
    maximum: float


def summarise(
    scores: Sequence[float], clusters: Sequence[Hashable] | None = None, *, confidence: float = 0.95
) -> Summary:
    """Summarise scores.

    The interval of scores of 0 and 1 is Wilson's, for as many independent scores as the spread between the examples
    corresponds to. Of other scores it is Student's over the examples; while fewer than ten examples differ from the
    rest that says too little, and scores from 0 to 1 get the interval of 0 and 1, which no such scores exceed.

    Args:
        scores: At least one.
        clusters: The example of each score; each score is its own when absent.
        confidence: How often such intervals hold the true mean.
    """
    exponent = frexp(max(map(abs, scores), default=0.0))[1]
    if exponent > _LARGEST_EXPONENT:
        scale = ldexp(1.0, exponent - _LARGEST_EXPONENT)
        return _enlarged(summarise([score / scale for score in scores], clusters, confidence=confidence), scale)
    sample = sample_of(scores, clusters)
    ordered = sorted(scores)
    low, high, method = _interval(sample, ordered, confidence)
    squares = fsum((score - sample.mean) ** 2 for score in scores)
    return Summary(
        n=sample.n,
        clusters=sample.clusters,
        mean=sample.mean,
        std=sqrt(squares / (sample.n - 1)) if sample.n > 1 else None,
        stderr=sample.stderr,
        low=low,
        high=high,
        confidence=confidence,
        method=method,
        minimum=ordered[0],
        p05=quantile(ordered, 0.05),
        p25=quantile(ordered, 0.25),
        median=quantile(ordered, 0.5),
        p75=quantile(ordered, 0.75),
        p95=quantile(ordered, 0.95),
        maximum=ordered[-1],
    )


def _enlarged(summary: Summary, scale: float) -> Summary:
    def times(number: float | None) -> float | None:
        return None if number is None else number * scale

    return msgspec.structs.replace(
        summary,
        mean=summary.mean * scale,
        std=times(summary.std),
        stderr=times(summary.stderr),
        low=times(summary.low),
        high=times(summary.high),
        minimum=summary.minimum * scale,
        p05=summary.p05 * scale,
        p25=summary.p25 * scale,
        median=summary.median * scale,
        p75=summary.p75 * scale,
        p95=summary.p95 * scale,
        maximum=summary.maximum * scale,
    )


def _interval(sample: Sample, ordered: Sequence[float], confidence: float) -> tuple[float | None, float | None, str]:
    shares = ordered[0] >= 0 and ordered[-1] <= 1
    unlike = sample.clusters - sample.most_alike
    if all(score in {0, 1} for score in ordered):
        return (*wilson(sample.mean, _independent(sample, confidence, unlike), confidence=confidence), "wilson")
    if shares and unlike < FEWEST_UNLIKE:
        return (*wilson(sample.mean, sample.clusters, confidence=confidence), "wilson")
    stderr = sample.stderr
    if not stderr:
        return None, None, "none"
    half = t_quantile(0.5 + confidence / 2, sample.clusters - 1) * stderr
    low, high = sample.mean - half, sample.mean + half
    return (max(0.0, low), min(1.0, high), "t") if shares else (low, high, "t")


def _independent(sample: Sample, confidence: float, unlike: int) -> float:
    """Return how many independent scores of 0 and 1 would have the standard error that the clusters have."""
    count = sample.clusters
    if count == sample.n:
        return sample.n
    stderr = sample.stderr
    if not stderr or unlike < FEWEST_UNLIKE:
        return count
    independent = sample.mean * (1 - sample.mean) / (stderr * stderr)
    # The spread between clusters is itself known only as well as there are clusters.
    level = 0.5 + confidence / 2
    return min(sample.n, independent * (normal_quantile(level) / t_quantile(level, count - 1)) ** 2)
