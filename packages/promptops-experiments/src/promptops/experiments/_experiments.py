"""The experiments resource."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any

from promptops.core.bridge import AsyncResource, SyncResource, bridge, bridge_iter, drive
from promptops.core.errors import PromptOpsError
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.experiments._chunks import body_with, chunked
from promptops.experiments._compare import compare
from promptops.experiments._comparison import Comparison
from promptops.experiments._datasets import AsyncDatasets
from promptops.experiments._evaluation import Evaluators
from promptops.experiments._http import EXPERIMENT_RESULTS, NAMED_PER_PAGE, delete, fetch, path, post
from promptops.experiments._lookup import dataset_id_of, experiment_id_of, experiment_scope
from promptops.experiments._pages import experiments_page, runs_page
from promptops.experiments._plan import Options
from promptops.experiments._progress import Progress
from promptops.experiments._result import ExperimentResult
from promptops.experiments._rows import check_experiment_name, encoded_runs
from promptops.experiments._run import PreparedRun, Task, options_of, prepare
from promptops.experiments._runner import run_blocking, run_in_loop
from promptops.models import Experiment, ExperimentWithRunIds
from promptops.models.experiments import ExperimentRun

__all__ = ["AsyncExperiments", "SyncExperiments"]


class AsyncExperiments(AsyncResource):
    """Experiments: run, store, read, compare and delete.

    An experiment is named by its id, or by its exact name; ``dataset`` (a name or an id) says which dataset to look in.
    """

    async def run(
        self,
        name: str,
        *,
        dataset: str,
        task: Task,
        evaluators: Evaluators = (),
        concurrency: int = 8,
        repetitions: int = 1,
        task_timeout: float | None = None,
        progress: bool | Progress = True,
        metadata: Mapping[str, Any] | None = None,
    ) -> ExperimentResult:
        """Run a task over every example of a dataset, score each output, and store the rows while the run goes on.

        **Tasks** are functions or coroutine functions. A single parameter of any name gets the example; parameters
        named ``example``, ``input``, ``expected`` and ``metadata`` are filled by name: the example itself, and its
        fields of these names (``metadata`` is empty when there is no such field). The task may return a string or any
        other JSON value. Functions run in worker threads, coroutine functions on the loop.

        **Evaluators** are functions, coroutine functions, or objects with ``name`` and ``evaluate``. A single
        parameter of any other name gets the output; ``output`` (the task's value in its JSON form), ``example``,
        ``input``, ``expected`` and ``metadata`` are filled by name. They return a bool, a number, a label, a pair
        (score, explanation), a mapping of these, or an ``Evaluation``. They do not run where the task failed.

        A task or an evaluator that fails is an error in its row and costs no other row. Ctrl-C and cancelling store
        what is finished.

        Args:
            name: Unique in the dataset; checked before the first task.
            dataset: The dataset by name or id.
            task: What to run.
            evaluators: One, several, or a mapping of names to evaluators.
            concurrency: Most tasks at once.
            repetitions: How often each example is run.
            task_timeout: Seconds for one task; no limit when absent. The thread of a function that takes longer goes
                on by itself.
            progress: True shows a bar on a terminal and plain lines elsewhere (both on stderr), False shows nothing.
            metadata: Stored on every row, for example the model and the version of the prompt.

        Raises:
            ValidationError: A parameter cannot be filled, a name or a number does not fit; nothing was run.
            NotFoundError: There is no such dataset.
            ConflictError: The name is taken; nothing was run.
            UploadError: Rows could not be stored; it carries every finished row.
        """
        options = options_of(
            task,
            evaluators=evaluators,
            concurrency=concurrency,
            repetitions=repetitions,
            task_timeout=task_timeout,
            metadata=metadata,
        )
        run = await self._prepare(name, dataset, options)
        with run.collecting(progress) as collector:
            await run_in_loop(run.plan, collector)
        return run.result(collector)

    async def create(
        self, name: str, *, dataset: str, runs: Iterable[Mapping[str, Any] | ExperimentRun], project: str | None = None
    ) -> Experiment:
        """Store an experiment whose runs exist already.

        The first 1,000 go with the create, the others follow in calls of at most 1,000.

        Args:
            name: Unique in the dataset, 1 to 255 characters without double quotes and backslashes.
            dataset: The dataset by name or id.
            runs: One or more objects with ``example_id``, ``output`` and any other fields. An output that is not a
                string is stored as JSON text, and typed in ``promptops.output``.
            project: Where to look for the dataset's name.

        Raises:
            ValidationError: There is no run, or one cannot be stored; nothing was sent.
            ConflictError: The name is taken.
            PromptOpsError: A later part failed; ``details`` says how many runs are ``stored``, and the experiment's id.
        """
        check_experiment_name(name)
        parts = chunked(encoded_runs(runs))
        dataset_id = await dataset_id_of(self._runtime, dataset, project or self._project)
        first = next(parts)
        experiment = await post(
            self._runtime,
            path("experiments"),
            body_with("experiment_runs", first, {"name": name, "dataset_id": dataset_id}),
            Experiment,
            profile=EXPERIMENT_RESULTS,
        )
        await self._insert_parts(experiment.id, parts, stored=len(first))
        return experiment

    async def get(self, experiment: str, *, dataset: str | None = None, project: str | None = None) -> Experiment:
        """Return the experiment of that id or exact name, without its runs.

        Raises:
            NotFoundError: There is none; close names are suggested.
        """
        where = path("experiments", await self._id(experiment, dataset, project))
        return await fetch(self._runtime, where, Experiment)

    async def list_page(
        self,
        *,
        dataset: str | None = None,
        name: str | None = None,
        project: str | None = None,
        limit: int = NAMED_PER_PAGE,
        cursor: str | None = None,
    ) -> CursorPage[Experiment]:
        """Return one page of the experiments, newest first.

        Args:
            dataset: Only those of this dataset.
            name: Only those whose name contains this.
            project: Only those of this project.
            limit: Experiments per page, 1 to 100.
            cursor: ``next_cursor`` of the page before.
        """
        scope = await self._scope(dataset, project)
        return await experiments_page(self._runtime, cursor, scope=scope, name=name, limit=limit)

    async def iterate(
        self, *, dataset: str | None = None, name: str | None = None, project: str | None = None
    ) -> AsyncIterator[Experiment]:
        """Yield the experiments, newest first, page by page; ``name`` keeps those whose name contains it."""
        scope = await self._scope(dataset, project)
        pages = iterate_cursor(lambda cursor: experiments_page(self._runtime, cursor, scope=scope, name=name))
        async for experiment in pages:
            yield experiment

    async def list(
        self, *, dataset: str | None = None, name: str | None = None, project: str | None = None
    ) -> builtins.list[Experiment]:
        """Return all experiments, newest first; ``name`` keeps those whose name contains it."""
        return [experiment async for experiment in self.iterate(dataset=dataset, name=name, project=project)]

    async def delete(self, experiment: str, *, dataset: str | None = None, project: str | None = None) -> None:
        """Delete the experiment of that id or exact name, with its runs."""
        where = path("experiments", await self._id(experiment, dataset, project))
        await delete(self._runtime, where)

    async def iterate_runs(
        self, experiment: str, *, dataset: str | None = None, project: str | None = None
    ) -> AsyncIterator[ExperimentRun]:
        """Yield the runs of an experiment in the order in which they were stored, in pages of 500."""
        experiment_id = await self._id(experiment, dataset, project)
        pages = iterate_cursor(lambda cursor: runs_page(self._runtime, cursor, experiment_id=experiment_id))
        async for run in pages:
            yield run

    async def runs(
        self, experiment: str, *, dataset: str | None = None, project: str | None = None
    ) -> builtins.list[ExperimentRun]:
        """Return all runs of an experiment in the order in which they were stored."""
        return [run async for run in self.iterate_runs(experiment, dataset=dataset, project=project)]

    async def insert_runs(
        self,
        experiment: str,
        runs: Iterable[Mapping[str, Any] | ExperimentRun],
        *,
        dataset: str | None = None,
        project: str | None = None,
    ) -> builtins.list[str]:
        """Append runs to an experiment and return their ids, in the order given.

        Args:
            experiment: Its id or exact name.
            runs: As for :meth:`create`.
            dataset: Where to look for the name.
            project: Where to look for the name.

        Raises:
            PromptOpsError: A part failed; ``details`` says how many runs are ``stored``.
        """
        parts = chunked(encoded_runs(runs))
        experiment_id = await self._id(experiment, dataset, project)
        return await self._insert_parts(experiment_id, parts, stored=0)

    async def compare(
        self,
        baseline: str,
        candidate: str,
        *,
        dataset: str | None = None,
        project: str | None = None,
        evaluator: str | None = None,
        lower_is_better: Collection[str] = (),
    ) -> Comparison:
        """Fetch the runs of two experiments and compare them example by example.

        Args:
            baseline: The experiment that is compared with, by id or exact name.
            candidate: The experiment that is judged, by id or exact name.
            dataset: Where to look for the names.
            project: Where to look for the names.
            evaluator: Compare only this evaluator; all when absent.
            lower_is_better: Evaluators whose smaller scores are the better ones.
        """
        first = await self.get(baseline, dataset=dataset, project=project)
        second = await self.get(candidate, dataset=dataset, project=project)
        examples = [] if first.dataset_id is None else await AsyncDatasets(self._runtime).examples(first.dataset_id)
        return compare(
            await self.runs(first.id),
            await self.runs(second.id),
            evaluator=evaluator,
            lower_is_better=lower_is_better,
            baseline_name=first.name,
            candidate_name=second.name,
            examples={example.id: example for example in examples},
        )

    async def _prepare(self, name: str, dataset: str, options: Options) -> PreparedRun:
        return await prepare(self._runtime, self._project, name, dataset, options)

    async def _insert_parts(
        self, experiment_id: str, parts: Iterable[builtins.list[bytes]], *, stored: int
    ) -> builtins.list[str]:
        ids: list[str] = []
        where = path("experiments", experiment_id, "runs")
        for part in parts:
            body = body_with("experiment_runs", part)
            try:
                answer = await post(self._runtime, where, body, ExperimentWithRunIds, profile=EXPERIMENT_RESULTS)
            except PromptOpsError as exc:
                exc.details.update(experiment_id=experiment_id, stored=stored)
                if stored:
                    exc.add_note(f"the first {stored} runs are stored in experiment {experiment_id}")
                raise
            ids += answer.run_ids
            stored += len(part)
        return ids

    async def _id(self, experiment: str, dataset: str | None, project: str | None) -> str:
        return await experiment_id_of(self._runtime, experiment, dataset, project or self._project)

    async def _scope(self, dataset: str | None, project: str | None) -> Mapping[str, str | None]:
        return await experiment_scope(self._runtime, dataset, project or self._project)


class SyncExperiments(SyncResource[AsyncExperiments]):
    """Blocking view of :class:`AsyncExperiments`."""

    create = bridge(AsyncExperiments.create)
    get = bridge(AsyncExperiments.get)
    list_page = bridge(AsyncExperiments.list_page)
    iterate = bridge_iter(AsyncExperiments.iterate)
    list = bridge(AsyncExperiments.list)
    delete = bridge(AsyncExperiments.delete)
    iterate_runs = bridge_iter(AsyncExperiments.iterate_runs)
    runs = bridge(AsyncExperiments.runs)
    insert_runs = bridge(AsyncExperiments.insert_runs)
    compare = bridge(AsyncExperiments.compare)

    def run(
        self,
        name: str,
        *,
        dataset: str,
        task: Task,
        evaluators: Evaluators = (),
        concurrency: int = 8,
        repetitions: int = 1,
        task_timeout: float | None = None,
        progress: bool | Progress = True,
        metadata: Mapping[str, Any] | None = None,
    ) -> ExperimentResult:
        # Not a bridge: the units need a loop, which the portal has, while the requests stay in this thread.
        options = options_of(
            task,
            evaluators=evaluators,
            concurrency=concurrency,
            repetitions=repetitions,
            task_timeout=task_timeout,
            metadata=metadata,
        )
        run = drive(self._resource._prepare(name, dataset, options))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the two belong together
        with run.collecting(progress) as collector:
            run_blocking(run.plan, collector)
        return run.result(collector)

    run.__doc__ = AsyncExperiments.run.__doc__
