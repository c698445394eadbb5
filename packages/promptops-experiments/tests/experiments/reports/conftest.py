"""Results without a run: what a report is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from promptops.experiments import ExperimentResult, Gate, compare, make_report
from promptops.experiments.reports import Report, stored_result
from promptops.models import Experiment
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MakeResult = Callable[..., ExperimentResult]


@pytest.fixture
def make_result() -> MakeResult:
    """Makes a result of scores, one for each example, or None for a task that failed."""

    def make(
        name: str,
        scores: Sequence[float | None],
        *,
        outputs: Sequence[str] | None = None,
        metric: str = "accuracy",
        fields: Mapping[str, Any] | None = None,
        error: str = "RuntimeError: no answer",
    ) -> ExperimentResult:
        examples = [
            DatasetExample(id=f"ex-{number}", fields={"question": f"what is {number}?", **(fields or {})})
            for number in range(len(scores))
        ]
        rows: list[ExperimentRun] = []
        for number, score in enumerate(scores):
            output = outputs[number] if outputs is not None else f"answer {number} of {name}"
            if score is None:
                rows.append(ExperimentRun(example_id=f"ex-{number}", output="", error=error, fields={}))
                continue
            columns: dict[str, Any] = {f"eval.{metric}.score": score, "latency": 20.0, "promptops.cost": 0.25}
            rows.append(ExperimentRun(example_id=f"ex-{number}", output=output, fields=columns))
        experiment = Experiment(
            id=f"id-{name}", name=name, space_id="s", dataset_id="d", created_at=NOW, updated_at=NOW
        )
        return stored_result(experiment, rows, examples)

    return make


@pytest.fixture
def before(make_result: MakeResult) -> ExperimentResult:
    return make_result("before", [1.0] * 30 + [0.0] * 10)


@pytest.fixture
def after(make_result: MakeResult) -> ExperimentResult:
    return make_result("after", [0.0] * 5 + [1.0] * 30 + [0.0] * 4 + [None])


@pytest.fixture
def report(before: ExperimentResult, after: ExperimentResult) -> Report:
    gates = [Gate(metric="accuracy", max_regression=0.4), Gate(metric="accuracy", min_mean=0.99)]
    comparison = compare(before, after, gates=gates)
    return make_report([before, after, comparison], title="A report")
