"""Scores that are 0 or 1: an interval of a share, and the exact test of a changed share."""

from __future__ import annotations

from math import comb, sqrt

from promptops.experiments.statistics._distributions import normal_quantile

__all__ = ["mcnemar", "wilson"]

_ENOUGH_DIGITS = 1e-18


def wilson(share: float, n: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a share.

    Args:
        share: The share that was seen, from 0 to 1.
        n: Among how many; need not be whole where the values of a cluster resemble each other.
        confidence: How often such intervals hold the true share.
    """
    z = normal_quantile(0.5 + confidence / 2)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At the ends of the scale the interval ends exactly there; rounding must not leave the truth outside.
    low = 0.0 if share <= 0 else max(0.0, centre - half)
    high = 1.0 if share >= 1 else min(1.0, centre + half)
    return low, high


def mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided p-value of McNemar's test.

    Under the hypothesis of no difference, a pair that changed is as likely to have changed for the better as for the
    worse.

    Args:
        gained: Pairs that went from 0 to 1.
        lost: Pairs that went from 1 to 0.
    """
    fewer, changed = min(gained, lost), gained + lost
    if 2 * fewer >= changed - 1:
        return 1.0
    # The largest term in whole numbers, the others as multiples of it: exact to the last digits, also for many pairs.
    largest = comb(changed, fewer) / (1 << changed - 1)
    tail = term = 1.0
    for below in range(fewer, 0, -1):
        term *= below / (changed - below + 1)
        tail += term
        if term < _ENOUGH_DIGITS * tail:
            break
    return min(1.0, largest * tail)
