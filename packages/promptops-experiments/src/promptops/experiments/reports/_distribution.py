"""Sorts scores into bins that several experiments share."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import Final

from promptops.experiments.reports._model import Bin, Distribution

__all__ = ["distributions"]

_MOST_VALUES: Final = 12
_RANGES: Final = 20


def distributions(samples: Sequence[Sequence[float]]) -> list[Distribution | None]:
    """Return how each sample is spread, over bins that all of them share.

    Up to twelve different scores get a bin each; more are divided into twenty ranges of equal width. A sample without
    scores gets None.

    Args:
        samples: The scores of one metric, by experiment.
    """
    finite = [[score for score in sample if isfinite(score)] for sample in samples]
    values = sorted({score for sample in finite for score in sample})
    if len(values) <= _MOST_VALUES:
        return [_by_value(sample, values) if sample else None for sample in finite]
    low, high = values[0], values[-1]
    # From the halves, so that scores near the ends of what a float can hold do not overflow.
    step = (high / _RANGES) - (low / _RANGES)
    edges = [low, *(low + step * place for place in range(1, _RANGES)), high]
    return [_by_range(sample, edges) if sample else None for sample in finite]


def _by_value(sample: Sequence[float], values: Sequence[float]) -> Distribution:
    counts = Counter(sample)
    return Distribution(kind="values", bins=[Bin(low=value, high=value, count=counts[value]) for value in values])


def _by_range(sample: Sequence[float], edges: Sequence[float]) -> Distribution:
    counts = [0] * (len(edges) - 1)
    for score in sample:
        counts[min(max(bisect_right(edges, score) - 1, 0), len(counts) - 1)] += 1
    bins = [Bin(low=edges[place], high=edges[place + 1], count=count) for place, count in enumerate(counts)]
    return Distribution(kind="ranges", bins=bins)
