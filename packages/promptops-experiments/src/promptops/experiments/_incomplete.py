"""What is missing of an experiment, worked out of its runs for stores whose server cannot say it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from promptops.core.errors import ValidationError
from promptops.experiments.journal import UnitKey
from promptops.experiments.stores import DatasetStore, ExperimentStore

__all__ = ["incomplete_evaluations", "incomplete_runs"]


async def incomplete_runs(
    experiments: ExperimentStore, datasets: DatasetStore, experiment_id: str, *, repetitions: int | None = None
) -> AsyncIterator[UnitKey]:
    """Yield what is missing or failed; reads all runs, and then all examples.

    Without ``repetitions`` they are those that the experiment was made with, or, where the store does not keep that,
    the highest that any run has.
    """
    experiment = await experiments.get(experiment_id)
    done: set[tuple[str | None, int]] = set()
    most = experiment.repetitions
    kept = experiments.capabilities.can("experiment_metadata")
    async for run in experiments.runs(experiment.id):
        if not kept:
            most = max(most, run.repetition)
        if run.error is None:
            done.add((run.example_id, run.repetition))
    if experiment.dataset_id is None:
        return
    wanted = most if repetitions is None else repetitions
    async for example in datasets.examples(experiment.dataset_id, version=experiment.dataset_version_id):
        for repetition in range(1, wanted + 1):
            if (example.id, repetition) not in done:
                yield UnitKey(example.id, repetition)


async def incomplete_evaluations(
    experiments: ExperimentStore, experiment_id: str, names: Sequence[str]
) -> AsyncIterator[tuple[UnitKey, tuple[str, ...]]]:
    """Yield the successful runs that lack one of the named evaluations, or have an error of it; reads all runs.

    Raises:
        ValidationError: No name is given.
    """
    wanted = tuple(dict.fromkeys(names))
    if not wanted:
        raise ValidationError("incomplete_evaluations needs the names of one or more evaluators")
    async for run in experiments.runs(experiment_id):
        if run.error is not None or run.example_id is None:
            continue
        said = run.evaluations
        lacking = tuple(name for name in wanted if name not in said or said[name].error is not None)
        if lacking:
            yield UnitKey(run.example_id, run.repetition), lacking
