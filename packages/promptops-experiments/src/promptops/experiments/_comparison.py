"""Two experiments side by side: what a comparison holds, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any, Final, NamedTuple

import msgspec
from promptops.experiments._table import number, signed, table
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["Comparison", "MetricComparison", "PairKey", "ScorePair"]

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
    """

    name: str
    pairs: Sequence[ScorePair]
    lower_is_better: bool = False
    unscored: int = 0

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


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two experiments side by side; ``print(comparison)`` shows a table.

    Attributes:
        baseline: Name of the experiment that is compared with.
        candidate: Name of the experiment that is judged.
        metrics: By the name of the evaluator, those that both have scores for.
        rows: The rows of each pair, baseline first.
        only_in_baseline: Rows without a partner in the candidate.
        only_in_candidate: Rows without a partner in the baseline.
        not_compared: Evaluators that only one of the two has, or that gave no score.
        examples: The examples, as far as they are known, by id.
    """

    baseline: str
    candidate: str
    metrics: Mapping[str, MetricComparison]
    rows: Mapping[PairKey, tuple[ExperimentRun, ExperimentRun]]
    only_in_baseline: int
    only_in_candidate: int
    not_compared: Sequence[str] = ()
    examples: Mapping[str, DatasetExample] = msgspec.field(default_factory=dict[str, DatasetExample])

    def __getitem__(self, evaluator: str) -> MetricComparison:
        return self.metrics[evaluator]

    def to_text(self, *, listed: int = _MOST_LISTED) -> str:
        """Return the comparison as text; up to ``listed`` ids are named of those that got better and worse."""
        parts = [f"{self.candidate} compared with {self.baseline}: {len(self.rows)} pairs"]
        for count, name in ((self.only_in_baseline, self.baseline), (self.only_in_candidate, self.candidate)):
            if count:
                parts[0] += f", {count} only in {name}"
        head = ("metric", self.baseline, self.candidate, "difference", "better", "worse", "same")
        lines = [_line(metric) for metric in self.metrics.values()]
        parts.append(table(head, lines) if lines else "no metric has a score in both")
        for metric in self.metrics.values():
            for word, pairs in (("better", metric.better), ("worse", metric.worse)):
                if pairs and listed:
                    parts.append(self._named(f"{metric.name}: {len(pairs)} {word}", pairs, listed))
        if self.not_compared:
            parts.append(f"not compared: {', '.join(self.not_compared)}")
        return "\n\n".join(parts)

    def headline(self, key: PairKey) -> str:
        """Return the first text of the example in one short line, or nothing when the example is not known."""
        example = self.examples.get(key.example_id)
        for value in () if example is None else example.fields.values():
            if isinstance(value, str) and value.strip():
                text = " ".join(value.split())
                return text if len(text) <= _HEADLINE else text[: _HEADLINE - 1] + "…"
        return ""

    def _named(self, head: str, pairs: Sequence[ScorePair], listed: int) -> str:
        lines = [head]
        for pair in pairs[:listed]:
            repetition = f" #{pair.key.repetition}" if pair.key.repetition != 1 else ""
            scores = f"{pair.baseline:.4g} -> {pair.candidate:.4g}"
            lines.append(f"  {pair.key.example_id}{repetition}  {scores}  {self.headline(pair.key)}".rstrip())
        if len(pairs) > listed:
            lines.append(f"  and {len(pairs) - listed} more")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values that JSON can hold, with the ids of better and worse."""
        return {
            "baseline": self.baseline,
            "candidate": self.candidate,
            "pairs": len(self.rows),
            "only_in_baseline": self.only_in_baseline,
            "only_in_candidate": self.only_in_candidate,
            "not_compared": list(self.not_compared),
            "metrics": {name: _as_dict(metric) for name, metric in self.metrics.items()},
        }

    def __str__(self) -> str:
        return self.to_text()


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _line(metric: MetricComparison) -> tuple[str, ...]:
    means = (number(metric.baseline_mean), number(metric.candidate_mean), signed(metric.difference))
    counts = (str(len(metric.better)), str(len(metric.worse)), str(len(metric.same)))
    return (metric.name, *means, *counts)


def _as_dict(metric: MetricComparison) -> dict[str, Any]:
    def listed(pairs: Sequence[ScorePair]) -> list[dict[str, Any]]:
        return [
            {
                "example_id": pair.key.example_id,
                "repetition": pair.key.repetition,
                "baseline": pair.baseline,
                "candidate": pair.candidate,
            }
            for pair in pairs
        ]

    return {
        "pairs": len(metric.pairs),
        "unscored": metric.unscored,
        "baseline_mean": metric.baseline_mean,
        "candidate_mean": metric.candidate_mean,
        "difference": metric.difference,
        "lower_is_better": metric.lower_is_better,
        "better": listed(metric.better),
        "worse": listed(metric.worse),
        "same": len(metric.same),
    }
