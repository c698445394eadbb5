"""Begins and ends a run: everything is checked before the first task, and summed up after the last."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from promptops.core.errors import ConflictError, PromptOpsError
from promptops.core.runtime import Runtime
from promptops.experiments._binding import bind_task
from promptops.experiments._collect import Collector
from promptops.experiments._datasets import AsyncDatasets
from promptops.experiments._evaluation import Evaluators, named_evaluators
from promptops.experiments._lookup import dataset_id_of, experiment_named
from promptops.experiments._plan import Options, Plan, make_plan, metadata_columns
from promptops.experiments._progress import Progress, guarded_progress
from promptops.experiments._result import ExperimentResult, metrics_of
from promptops.experiments._rows import check_experiment_name
from promptops.models.datasets import DatasetExample

__all__ = ["PreparedRun", "Task", "options_of", "prepare"]

Task = Callable[[DatasetExample], Any] | Callable[..., Any]
"""A function or a coroutine function that is run for every example; see :meth:`AsyncExperiments.run`."""


def options_of(
    task: Task,
    *,
    evaluators: Evaluators,
    concurrency: int,
    repetitions: int,
    task_timeout: float | None,
    metadata: Mapping[str, Any] | None,
) -> Options:
    """Return the checked options of a run."""
    return Options(
        task=bind_task(task),
        evaluators=named_evaluators(evaluators),
        concurrency=concurrency,
        repetitions=repetitions,
        task_timeout=task_timeout,
        columns=metadata_columns(metadata),
    )


class PreparedRun:
    """A run that may begin: the name is free, the examples are there, every parameter can be filled."""

    def __init__(self, runtime: Runtime, name: str, dataset_id: str, plan: Plan) -> None:
        self.plan = plan
        self._runtime = runtime
        self._name = name
        self._dataset_id = dataset_id
        self._started = 0.0

    @contextmanager
    def collecting(self, progress: bool | Progress) -> Generator[Collector]:
        """Give the collector of this run, and show the progress until the block is left."""
        shown = guarded_progress(progress)
        self._started = perf_counter()
        shown.start(len(self.plan.units), self._name)
        try:
            yield Collector(
                self._runtime,
                name=self._name,
                dataset_id=self._dataset_id,
                total=len(self.plan.units),
                progress=shown,
            )
        finally:
            shown.finish()

    def result(self, collector: Collector) -> ExperimentResult:
        """Return what the run brought."""
        if collector.experiment is None:
            raise PromptOpsError(f"experiment {self._name!r} ended without a stored row; this should not happen")
        return ExperimentResult(
            experiment=collector.experiment,
            rows=collector.rows,
            metrics=metrics_of(collector.rows, [evaluator.name for evaluator in self.plan.options.evaluators]),
            duration_s=perf_counter() - self._started,
            examples={unit.example.id: unit.example for unit in self.plan.units},
        )


async def prepare(runtime: Runtime, project: str | None, name: str, dataset: str, options: Options) -> PreparedRun:
    """Find the dataset, refuse a taken name, and read the examples.

    Raises:
        ConflictError: The dataset has an experiment of that name.
    """
    check_experiment_name(name)
    dataset_id = await dataset_id_of(runtime, dataset, project)
    taken = await experiment_named(runtime, name, {"dataset_id": dataset_id})
    if taken is not None:
        raise ConflictError(
            f"dataset {dataset!r} already has an experiment named {name!r}; choose another name, or delete that one "
            f"({taken.id}). No task was run",
            details={"experiment_id": taken.id},
        )
    examples = await AsyncDatasets(runtime).examples(dataset_id)
    return PreparedRun(runtime, name, dataset_id, make_plan(options, examples, dataset))
