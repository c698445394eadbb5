"""Two experiments side by side: what a comparison holds, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any, Final, NamedTuple

import msgspec
from promptops.experiments._comparison_text import comparison_dict, comparison_text, left_out_text
from promptops.experiments._gates import Verdict
from promptops.experiments._table import first_text
from promptops.experiments.statistics import PairedTest
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["Comparison", "ComparisonSlice", "MetricComparison", "PairKey", "ScorePair"]

_HEADLINE: Final = 90
_MOST_LISTED: Final = 5


class PairKey(NamedTuple):
    """What makes two rows a pair: the same repetition of the same example."""

    example_id: str
    repetition: int


class ScorePair(NamedTuple):
    """The scores of one pair."""

    key: PairKey
    baseline: float
    candidate: float


class MetricComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of two experiments, over the pairs in which both have a score.

    Attributes:
        name: The evaluator.
        pairs: The scores of each pair.
        lower_is_better: Which direction counts as better.
        unscored: Pairs in which one or both have no score.
        test: How sure the difference is: its interval and p-value; None when there are no pairs.
    """

    name: str
    pairs: Sequence[ScorePair]
    lower_is_better: bool = False
    unscored: int = 0
    test: PairedTest | None = None

    @property
    def baseline_mean(self) -> float | None:
        """Mean score of the baseline."""
        return _mean([pair.baseline for pair in self.pairs])

    @property
    def candidate_mean(self) -> float | None:
        """Mean score of the candidate."""
        return _mean([pair.candidate for pair in self.pairs])

    @property
    def difference(self) -> float | None:
        """Mean of candidate minus baseline."""
        return _mean([pair.candidate - pair.baseline for pair in self.pairs])

    @property
    def better(self) -> list[ScorePair]:
        """The pairs in which the candidate did better."""
        return [pair for pair in self.pairs if self._gain(pair) > 0]

    @property
    def worse(self) -> list[ScorePair]:
        """The pairs in which the candidate did worse."""
        return [pair for pair in self.pairs if self._gain(pair) < 0]

    @property
    def same(self) -> list[ScorePair]:
        """The pairs with equal scores."""
        return [pair for pair in self.pairs if pair.candidate == pair.baseline]

    def _gain(self, pair: ScorePair) -> float:
        gain = pair.candidate - pair.baseline
        return -gain if self.lower_is_better else gain


class ComparisonSlice(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a comparison whose examples have one value in common.

    Attributes:
        name: By what the examples were divided.
        value: What those of this slice have.
        pairs: How many pairs of rows belong to it.
        metrics: As in the whole; ``holm_p`` is adjusted for every slice and metric that was looked at.
    """

    name: str
    value: str
    pairs: int
    metrics: Mapping[str, MetricComparison]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two experiments side by side; ``print(comparison)`` shows a table.

    Attributes:
        baseline: Name of the experiment that is compared with.
        candidate: Name of the experiment that is judged.
        metrics: By the name of the evaluator, those that both have scores for.
        rows: The rows of each pair, baseline first.
        only_in_baseline: Rows without a partner in the candidate.
        only_in_candidate: Rows without a partner in the baseline.
        changed: The rows of each pair that is left out, because its example has another content in each experiment.
        not_compared: Evaluators that only one of the two has, or that gave no score.
        examples: The examples, as far as they are known, by id.
        slices: The same by slices of the examples, as far as they were asked for.
        tests: How many tests the p-values of ``metrics`` are adjusted for.
        verdict: What the gates say, when there are any.
    """

    baseline: str
    candidate: str
    metrics: Mapping[str, MetricComparison]
    rows: Mapping[PairKey, tuple[ExperimentRun, ExperimentRun]]
    only_in_baseline: int
    only_in_candidate: int
    changed: Mapping[PairKey, tuple[ExperimentRun, ExperimentRun]] = msgspec.field(
        default_factory=dict["PairKey", "tuple[ExperimentRun, ExperimentRun]"]
    )
    not_compared: Sequence[str] = ()
    examples: Mapping[str, DatasetExample] = msgspec.field(default_factory=dict[str, DatasetExample])
    slices: Sequence[ComparisonSlice] = ()
    tests: int = 0
    verdict: Verdict | None = None

    def __getitem__(self, evaluator: str) -> MetricComparison:
        return self.metrics[evaluator]

    def to_text(self, *, listed: int = _MOST_LISTED) -> str:
        """Return the comparison as text; up to ``listed`` ids are named of those that got better and worse."""
        return comparison_text(self, listed)

    @property
    def changed_examples(self) -> list[str]:
        """The ids of the examples of the pairs that are left out."""
        return list(dict.fromkeys(key.example_id for key in self.changed))

    def left_out(self, *, listed: int = _MOST_LISTED) -> str:
        """Return which pairs are left out and why, with up to ``listed`` ids of examples; nothing without any."""
        return left_out_text(len(self.changed), self.changed_examples, listed) if self.changed else ""

    def headline(self, key: PairKey) -> str:
        """Return the first text of the example in one short line, or nothing when the example is not known."""
        example = self.examples.get(key.example_id)
        text = "" if example is None else first_text(example.fields)
        return text if len(text) <= _HEADLINE else text[: _HEADLINE - 1] + "…"

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values that JSON can hold, with the ids of better and worse."""
        return comparison_dict(self)

    def __str__(self) -> str:
        return self.to_text()


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None
