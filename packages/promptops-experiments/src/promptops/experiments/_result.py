"""What a run brought: its rows, and the mean of each metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from promptops.experiments._row_facts import has_error
from promptops.experiments._run_evaluation import RunEvaluation
from promptops.experiments._table import number, one_line, table
from promptops.experiments.statistics import Summary, summarise
from promptops.models import Experiment
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["ExperimentResult", "Metric", "metrics_of"]


_MOST_LABELS: Final = 8
_LONGEST_LABEL: Final = 40
_YES_OR_NO: Final = frozenset({"true", "false"})  # the mean says how often


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """How one evaluator judged the rows of one experiment.

    Attributes:
        name: The evaluator.
        mean: Mean of the scores, or None when it gave none.
        scored: How many rows have a score.
        errors: How many rows it failed on; they have no score.
        labels: How often it gave each label.
        summary: Spread, quantiles and the 95 % interval of the mean, or None when it gave no score.
    """

    name: str
    mean: float | None
    scored: int
    errors: int
    labels: Mapping[str, int]
    summary: Summary | None = None

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % interval of the mean, or None when there is none."""
        return None if self.summary is None else self.summary.low

    @property
    def high(self) -> float | None:
        """Upper end of the 95 % interval of the mean, or None when there is none."""
        return None if self.summary is None else self.summary.high


class ExperimentResult(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run of an experiment; ``print(result)`` shows it as a table.

    Attributes:
        experiment: The experiment as it is stored.
        rows: One row for each example and repetition, in the order of the dataset.
        metrics: By the name of the evaluator.
        duration_s: Seconds from the first task to the last stored row.
        examples: The examples that were run, by id.
        stopped: Why the run ended before its last unit (a budget, a verdict), or None when it did not.
        remaining: How many rows are missing for that reason; ``experiments.resume`` runs them.
        cost: What tasks and evaluators reported to have cost, earlier runs included; None when nothing was reported.
        run_evaluations: What run-level evaluators say about all rows together, by name.
        digests: Of the content that examples had when they were run, by id, where a journal knows it; ``examples`` may
            have changed since.
    """

    experiment: Experiment
    rows: Sequence[ExperimentRun]
    metrics: Mapping[str, Metric]
    duration_s: float
    examples: Mapping[str, DatasetExample] = msgspec.field(default_factory=dict[str, DatasetExample])
    stopped: str | None = None
    remaining: int = 0
    cost: float | None = None
    run_evaluations: Mapping[str, RunEvaluation] = msgspec.field(default_factory=dict[str, RunEvaluation])
    digests: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])

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
            "cost": self.cost,
            "stopped": self.stopped,
            "remaining": self.remaining,
            "metrics": {
                name: {
                    "mean": metric.mean,
                    "scored": metric.scored,
                    "errors": metric.errors,
                    "labels": dict(metric.labels),
                    "summary": None if metric.summary is None else msgspec.to_builtins(metric.summary),
                }
                for name, metric in self.metrics.items()
            },
            "run_evaluations": {
                name: msgspec.to_builtins(evaluation) for name, evaluation in self.run_evaluations.items()
            },
        }

    def __str__(self) -> str:
        rows = len(self.rows)
        head = f"{self.name}: {rows} {'row' if rows == 1 else 'rows'} in {self.duration_s:.1f} s"
        if self.failed:
            head += f", {self.failed} failed"
        if self.cost is not None:
            head += f", cost {self.cost:.6g}"
        if self.stopped is not None:
            head += (
                f"\nstopped with {self.remaining} {'row' if self.remaining == 1 else 'rows'} missing: {self.stopped}"
            )
        text = head
        if self.metrics:
            lines = [
                (metric.name, number(metric.mean), _interval(metric), str(metric.scored), str(metric.errors))
                for metric in self.metrics.values()
            ]
            text += f"\n\n{table(('evaluator', 'mean', '95% interval', 'scored', 'errors'), lines)}"
            text += "".join(_labels(metric) for metric in self.metrics.values() if metric.labels.keys() - _YES_OR_NO)
        if self.run_evaluations:
            whole = [(name, _shown(evaluation)) for name, evaluation in self.run_evaluations.items()]
            text += f"\n\n{table(('whole run', 'value'), whole)}"
        first = next((error for row in self.rows for error in _errors(row)), None)
        return f"{text}\n\nfirst error: {first.splitlines()[0][:300]}" if first else text


def metrics_of(rows: Sequence[ExperimentRun], names: Iterable[str] = ()) -> dict[str, Metric]:
    """Return a metric for each of ``names``, and for every other evaluator that is found in the rows."""
    scores: dict[str, list[float]] = {name: [] for name in names}
    clusters: dict[str, list[Hashable]] = {}
    labels: dict[str, Counter[str]] = {}
    errors: Counter[str] = Counter()
    for place, row in enumerate(rows):
        for name, evaluation in row.evaluations.items():
            found = scores.setdefault(name, [])
            if evaluation.error is not None:
                errors[name] += 1
                continue
            if evaluation.score is not None:
                found.append(evaluation.score)
                clusters.setdefault(name, []).append(place if row.example_id is None else row.example_id)
            if evaluation.label is not None:
                labels.setdefault(name, Counter())[evaluation.label] += 1
    # An evaluator of several metrics has its own name only before theirs.
    empty = {name for name, found in scores.items() if not found and not errors[name] and name not in labels}
    hidden = {name for name in empty if any(other.startswith(f"{name}.") for other in scores)}
    return {
        name: Metric(
            name=name,
            mean=sum(found) / len(found) if found else None,
            scored=len(found),
            errors=errors[name],
            labels=labels.get(name, {}),
            summary=summarise(found, clusters[name]) if found else None,
        )
        for name, found in scores.items()
        if name not in hidden
    }


def _shown(evaluation: RunEvaluation) -> str:
    if evaluation.error is not None:
        return f"error: {evaluation.error.splitlines()[0][:100]}"
    return number(evaluation.score) if evaluation.score is not None else evaluation.label or "see its details"


def _labels(metric: Metric) -> str:
    common = sorted(metric.labels.items(), key=lambda pair: (-pair[1], pair[0]))
    said = ", ".join(f"{one_line(label, _LONGEST_LABEL)} {count}" for label, count in common[:_MOST_LABELS])
    more = f" and {len(common) - _MOST_LABELS} other labels" if len(common) > _MOST_LABELS else ""
    return f"\n{metric.name}: {said}{more}"


def _interval(metric: Metric) -> str:
    return "-" if metric.low is None or metric.high is None else f"{metric.low:.4f} to {metric.high:.4f}"


def _errors(row: ExperimentRun) -> Iterable[str]:
    if row.error is not None:
        yield row.error
    for evaluation in row.evaluations.values():
        if evaluation.error is not None:
            yield evaluation.error
