"""Counts of expected against predicted labels, and the figures of classification that follow from them; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum
from typing import Literal

import msgspec

__all__ = ["Average", "ClassFigures", "Confusion", "confusion_of"]

Average = Literal["macro", "micro", "weighted"]


class ClassFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one label; a share of nothing is 0.

    Attributes:
        precision: Share of the rows with this prediction that are right.
        recall: Share of the rows with this label that are found.
        f1: Harmonic mean of both.
        support: How many rows have this label.
    """

    precision: float
    recall: float
    f1: float
    support: int


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """How often each expected label was predicted as each other.

    Attributes:
        labels: All labels, expected or predicted, sorted.
        matrix: Counts; a row for each expected label, a column for each predicted one.
    """

    labels: Sequence[str]
    matrix: Sequence[Sequence[int]]

    @property
    def total(self) -> int:
        """How many pairs were counted."""
        return sum(map(sum, self.matrix))

    @property
    def accuracy(self) -> float:
        """Share of the pairs with the same label on both sides."""
        return _share(sum(self.matrix[place][place] for place in range(len(self.labels))), self.total)

    @property
    def classes(self) -> dict[str, ClassFigures]:
        """The figures by label."""
        found: dict[str, ClassFigures] = {}
        for place, label in enumerate(self.labels):
            right = self.matrix[place][place]
            support = sum(self.matrix[place])
            predicted = sum(row[place] for row in self.matrix)
            found[label] = ClassFigures(
                precision=_share(right, predicted),
                recall=_share(right, support),
                f1=_share(2 * right, predicted + support),
                support=support,
            )
        return found

    def averaged(self, average: Average) -> ClassFigures:
        """Return the figures of all labels together.

        Args:
            average: ``macro`` is the plain mean over the labels, ``weighted`` the mean weighted by how many rows have
                each label, ``micro`` counts all rows alike, which with one label each makes all three the accuracy.
        """
        if average == "micro":
            share = self.accuracy
            return ClassFigures(precision=share, recall=share, f1=share, support=self.total)
        figures = list(self.classes.values())
        weights = [figure.support if average == "weighted" else 1 for figure in figures]
        return ClassFigures(
            precision=_mean([figure.precision for figure in figures], weights),
            recall=_mean([figure.recall for figure in figures], weights),
            f1=_mean([figure.f1 for figure in figures], weights),
            support=self.total,
        )


def confusion_of(pairs: Iterable[tuple[str, str]]) -> Confusion:
    """Count pairs of an expected and a predicted label."""
    counts = Counter(pairs)
    labels = sorted({label for pair in counts for label in pair})
    return Confusion(
        labels=labels, matrix=[[counts[expected, predicted] for predicted in labels] for expected in labels]
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    return _share(fsum(value * weight for value, weight in zip(values, weights, strict=True)), sum(weights))
