"""Quantiles of the normal and of Student's distribution, and of a sorted sample."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from math import exp, floor, lgamma, log
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from statistics import NormalDist

__all__ = ["normal_cdf", "normal_quantile", "order_quantile", "quantile", "t_cdf", "t_quantile"]

_MANY_DEGREES: Final = 1e7
_TINY: Final = 1e-300


def normal_quantile(level: float) -> float:
    """Return the value that a standard normal variable stays below with probability ``level``."""
    return _normal().inv_cdf(level)


def normal_cdf(value: float) -> float:
    """Return the probability that a standard normal variable is at most ``value``."""
    return _normal().cdf(value)


def t_cdf(value: float, degrees: float) -> float:
    """Return the probability that a variable of Student's distribution is at most ``value``."""
    if degrees > _MANY_DEGREES:
        return normal_cdf(value)
    # The share of the squared value that is kept small is the one that is passed on, so that no digit is lost.
    square = value * value
    if square < degrees:
        inside = _incomplete_beta(0.5, degrees / 2, square / (degrees + square))
        return 0.5 + 0.5 * inside if value > 0 else 0.5 - 0.5 * inside
    tail = 0.5 * _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + square))
    return 1 - tail if value > 0 else tail


@lru_cache(maxsize=1024)
def t_quantile(level: float, degrees: float) -> float:
    """Return the value that a variable of Student's distribution stays below with probability ``level``."""
    if level == 0.5:
        return 0.0
    if level > 0.5:
        return -t_quantile(1 - level, degrees)
    if degrees > _MANY_DEGREES:
        return normal_quantile(level)
    low, high = -1.0, 0.0
    while t_cdf(low, degrees) > level:
        low, high = low * 2, low
    for _ in range(200):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if t_cdf(middle, degrees) > level:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def quantile(ordered: Sequence[float], level: float) -> float:
    """Return a quantile of sorted values, with a straight line between neighbours (the usual one of numpy and R)."""
    return _between(ordered, level * (len(ordered) - 1))


def order_quantile(ordered: Sequence[float], level: float) -> float:
    """Return the quantile of sorted resamples that a further resample stays below with probability ``level``."""
    return _between(ordered, level * (len(ordered) + 1) - 1)


@cache
def _normal() -> NormalDist:
    # The module costs as much to import as all of these together, and most programs never need it.
    from statistics import NormalDist

    return NormalDist()


def _between(ordered: Sequence[float], place: float) -> float:
    place = min(max(place, 0.0), len(ordered) - 1.0)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for step in range(1, 100_000):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for part in (even, odd):
            d = 1 / _not_zero(1 + part * d)
            c = _not_zero(1 + part / c)
            value *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
