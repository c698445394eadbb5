"""Values that come in clusters: their mean, and how much each cluster moves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import fsum, sqrt

import msgspec

__all__ = ["Sample", "sample_of"]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Values of one kind, gathered by cluster: the repetitions of one example are one cluster.

    Attributes:
        n: How many values there are.
        mean: Their mean, in which each value weighs the same.
        sums: The sum of each cluster.
        sizes: How many values each cluster has.
        influence: By how much each cluster is above the mean, in units of the mean; they sum to zero.
    """

    n: int
    mean: float
    sums: Sequence[float]
    sizes: Sequence[int]
    influence: Sequence[float]

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return len(self.sums)

    @property
    def stderr(self) -> float | None:
        """Standard error of the mean, which counts clusters and not values; None for less than two clusters."""
        count = self.clusters
        if count < 2:
            return None
        return sqrt(fsum(part * part for part in self.influence) / (count * (count - 1)))

    @property
    def most_alike(self) -> int:
        """How many clusters share the most frequent cluster mean."""
        means = [round(total / size, 12) for total, size in zip(self.sums, self.sizes, strict=True)]
        return Counter(means).most_common(1)[0][1]


def sample_of(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Sample:
    """Gather values by cluster.

    Args:
        values: At least one.
        clusters: The cluster of each value, in the same order; each value is its own cluster when absent.
    """
    if not values:
        raise ValueError("a sample needs at least one value")
    if clusters is None:
        sums, sizes = list(values), [1] * len(values)
    else:
        gathered: dict[Hashable, list[float]] = {}
        for value, cluster in zip(values, clusters, strict=True):
            gathered.setdefault(cluster, []).append(value)
        sums, sizes = [fsum(group) for group in gathered.values()], [len(group) for group in gathered.values()]
    mean = fsum(values) / len(values)
    usual = len(values) / len(sums)
    influence = [(total - mean * size) / usual for total, size in zip(sums, sizes, strict=True)]
    return Sample(n=len(values), mean=mean, sums=sums, sizes=sizes, influence=influence)
