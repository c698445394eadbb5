"""What many tests at once, and few examples, do to a result."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf

from promptops.experiments.statistics._distributions import normal_quantile

__all__ = ["examples_needed", "holm", "minimum_detectable"]


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values for their number by Holm's method, in the order in which they come.

    The chance that any test of the family falls below ``alpha`` without a difference stays at most ``alpha``, whatever
    the tests have to do with each other. None stays None and does not count.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        adjusted[place] = largest
    return adjusted


def minimum_detectable(stderr: float, *, confidence: float = 0.95, power: float = 0.8) -> float:
    """Return the smallest true difference that a two-sided test finds with probability ``power``.

    Args:
        stderr: Standard error of the difference.
        confidence: One less the level of the test.
        power: How likely the difference is to be found.
    """
    return (normal_quantile(0.5 + confidence / 2) + normal_quantile(power)) * stderr


def examples_needed(
    stderr: float, clusters: int, distance: float, *, confidence: float = 0.95, power: float = 0.8
) -> int | None:
    """Return how many examples would tell a mean from a limit, or None when no number would.

    Args:
        stderr: Standard error that was seen.
        clusters: Among how many examples.
        distance: How far the mean is from the limit.
        confidence: Of the interval that has to end before the limit.
        power: How likely it is to.
    """
    if distance == 0:
        return None
    share = minimum_detectable(stderr, confidence=confidence, power=power) / abs(distance)
    needed = clusters * share * share
    return None if needed == inf or needed > 1e15 else ceil(needed)
