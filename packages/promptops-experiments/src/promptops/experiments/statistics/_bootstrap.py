"""The bootstrap: how far the mean of a sample moves when its clusters are drawn again."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import fsum, sqrt
from typing import TYPE_CHECKING, Final

from promptops.experiments.statistics._distributions import normal_cdf, order_quantile, t_quantile
from promptops.experiments.statistics._sample import Sample

if TYPE_CHECKING:
    from random import Random

__all__ = ["bootstrap_interval"]

_FEW_VALUES: Final = 12
_ROUNDS: Final = 26
_PLACES: Final = 1 << 16
_TABLE_LASTS: Final = 256
_MOST_BITS: Final = 1 << 22  # half a megabyte: one step on it is short, so other threads are not held up


def bootstrap_interval(
    sample: Sample, *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile interval of the mean over resampled clusters.

    The percentiles lie a little further out than their names say, by as much as Student's quantile with one degree less
    than there are clusters exceeds the normal one: a resample spreads less than the population that it stands for.
    Both ends can only move up when a value does, whichever it is.

    Args:
        sample: At least two clusters.
        confidence: How often such intervals hold the true mean.
        resamples: How many samples are drawn.
        seed: Of the drawing.
    """
    from random import Random

    count = sample.clusters
    generator = Random(seed)  # noqa: S311 - a resample is no secret
    kinds = Counter(round(part, 12) for part in sample.influence)
    if len(kinds) <= _FEW_VALUES:
        sums = _few_values(kinds, resamples, generator)
    else:
        sums = _many_values(sample.influence, resamples, generator)
    sums.sort()
    level = _outer_level(confidence, count)
    return (
        sample.mean + order_quantile(sums, level) / count,
        sample.mean + order_quantile(sums, 1 - level) / count,
    )


@lru_cache(maxsize=256)
def _outer_level(confidence: float, count: int) -> float:
    return normal_cdf(t_quantile(0.5 - confidence / 2, count - 1) * sqrt(count / (count - 1)))


def _few_values(kinds: Counter[float], resamples: int, generator: Random) -> list[float]:
    """Draw how often each value comes, a bit for each draw: one large number holds the draws of many resamples."""
    count = kinds.total()
    at_once = max(1, _MOST_BITS // (count + 8))
    sums: list[float] = []
    while len(sums) < resamples:
        sums += _some_of_few_values(kinds, min(at_once, resamples - len(sums)), generator)
    return sums


def _some_of_few_values(kinds: Counter[float], resamples: int, generator: Random) -> list[float]:
    count = kinds.total()
    width = (count + 7) // 8
    # The bits that fill the last byte of a resample are drawn as nothing.
    open_places = int.from_bytes(((1 << count) - 1).to_bytes(width, "little") * resamples, "little")
    sums = [0.0] * resamples
    left = count
    ordered = kinds.most_common()
    for value, often in ordered[:-1]:
        taken = open_places & _bits(often / left, 8 * width * resamples, generator)
        open_places ^= taken
        left -= often
        _add(sums, value, taken, width)
    _add(sums, ordered[-1][0], open_places, width)
    return sums


def _add(sums: list[float], value: float, taken: int, width: int) -> None:
    raw = taken.to_bytes(width * len(sums), "little")
    for place in range(len(sums)):
        sums[place] += value * int.from_bytes(raw[place * width : (place + 1) * width], "little").bit_count()


def _bits(share: float, bits: int, generator: Random) -> int:
    """Return random bits, each of them 1 with probability ``share``."""
    threshold = round(share * (1 << _ROUNDS))
    found = 0
    for digit in range(_ROUNDS):
        drawn = generator.getrandbits(bits)
        found = found | drawn if threshold >> digit & 1 else found & drawn
    return found


def _many_values(values: Sequence[float], resamples: int, generator: Random) -> list[float]:
    """Draw values by their places in a table of 65,536, which 16 random bits name.

    Where the number of values does not divide the places, some values have one place more; which ones is drawn anew
    with each table, so that in the end none is preferred.
    """
    count = len(values)
    if count > _PLACES // 8:
        return [fsum(generator.choices(values, k=count)) for _ in range(resamples)]
    sums: list[float] = []
    whole = list(values) * (_PLACES // count)
    while len(sums) < resamples:
        table = whole + generator.sample(values, _PLACES - len(whole))
        for _ in range(min(_TABLE_LASTS, resamples - len(sums))):
            places = array("H", generator.randbytes(2 * count))
            if sys.byteorder == "big":
                places.byteswap()
            sums.append(sum(map(table.__getitem__, places)))
    return sums
