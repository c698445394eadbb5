"""What a run brought: its rows, and the mean of each metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from promptops.experiments._collect import has_error
from promptops.experiments._table import number, table
from promptops.models import Experiment
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["ExperimentResult", "Metric", "metrics_of"]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """How one evaluator judged the rows of one experiment.

    Attributes:
        name: The evaluator.
        mean: Mean of the scores, or None when it gave none.
        scored: How many rows have a score.
        errors: How many rows it failed on; they have no score.
        labels: How often it gave each label.
    """

    name: str
    mean: float | None
    scored: int
    errors: int
    labels: Mapping[str, int]


class ExperimentResult(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run of an experiment; ``print(result)`` shows it as a table.

    Attributes:
        experiment: The experiment as it is stored.
        rows: One row for each example and repetition, in the order of the dataset.
        metrics: By the name of the evaluator.
        duration_s: Seconds from the first task to the last stored row.
        examples: The examples that were run, by id.
    """

    experiment: Experiment
    rows: Sequence[ExperimentRun]
    metrics: Mapping[str, Metric]
    duration_s: float
    examples: Mapping[str, DatasetExample] = msgspec.field(default_factory=dict[str, DatasetExample])

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.experiment.name

    @property
    def failed(self) -> int:
        """How many rows have an output that is missing because their task failed."""
        return sum(row.error is not None for row in self.rows)

    @property
    def errors(self) -> int:
        """How many rows have any error, of the task or of an evaluator."""
        return sum(has_error(row) for row in self.rows)

    def mean(self, evaluator: str) -> float | None:
        """Return the mean score of an evaluator, or None when it gave none."""
        metric = self.metrics.get(evaluator)
        return None if metric is None else metric.mean

    def summary(self) -> dict[str, Any]:
        """Return the figures as plain values that JSON can hold."""
        return {
            "experiment": self.name,
            "experiment_id": self.experiment.id,
            "rows": len(self.rows),
            "failed": self.failed,
            "errors": self.errors,
            "duration_s": round(self.duration_s, 3),
            "metrics": {
                name: {
                    "mean": metric.mean,
                    "scored": metric.scored,
                    "errors": metric.errors,
                    "labels": dict(metric.labels),
                }
                for name, metric in self.metrics.items()
            },
        }

    def __str__(self) -> str:
        rows = len(self.rows)
        head = f"{self.name}: {rows} {'row' if rows == 1 else 'rows'} in {self.duration_s:.1f} s"
        if self.failed:
            head += f", {self.failed} failed"
        if not self.metrics:
            return head
        lines = [
            (metric.name, number(metric.mean), str(metric.scored), str(metric.errors))
            for metric in self.metrics.values()
        ]
        text = f"{head}\n\n{table(('evaluator', 'mean', 'scored', 'errors'), lines)}"
        first = next((error for row in self.rows for error in _errors(row)), None)
        return f"{text}\n\nfirst error: {first.splitlines()[0][:300]}" if first else text


def metrics_of(rows: Sequence[ExperimentRun], names: Iterable[str] = ()) -> dict[str, Metric]:
    """Return a metric for each of ``names``, and for every other evaluator that is found in the rows."""
    scores: dict[str, list[float]] = {name: [] for name in names}
    labels: dict[str, Counter[str]] = {}
    errors: Counter[str] = Counter()
    for row in rows:
        for name, evaluation in row.evaluations.items():
            found = scores.setdefault(name, [])
            if evaluation.error is not None:
                errors[name] += 1
                continue
            if evaluation.score is not None:
                found.append(evaluation.score)
            if evaluation.label is not None:
                labels.setdefault(name, Counter())[evaluation.label] += 1
    return {
        name: Metric(
            name=name,
            mean=sum(found) / len(found) if found else None,
            scored=len(found),
            errors=errors[name],
            labels=labels.get(name, {}),
        )
        for name, found in scores.items()
    }


def _errors(row: ExperimentRun) -> Iterable[str]:
    if row.error is not None:
        yield row.error
    for evaluation in row.evaluations.values():
        if evaluation.error is not None:
            yield evaluation.error
