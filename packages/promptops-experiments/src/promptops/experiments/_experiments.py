"""The experiments resource."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Unpack

from promptops.core.bridge import AsyncResource, SyncResource, bridge, bridge_iter, drive
from promptops.core.errors import PromptOpsError
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments._chunks import body_with, chunked
from promptops.experiments._compare import compare
from promptops.experiments._comparison import Comparison
from promptops.experiments._datasets import AsyncDatasets
from promptops.experiments._evaluation import Evaluators
from promptops.experiments._gates import Gate
from promptops.experiments._http import EXPERIMENT_RESULTS, NAMED_PER_PAGE, delete, fetch, path, post
from promptops.experiments._lookup import dataset_id_of, experiment_id_of, experiment_scope
from promptops.experiments._options import RunOptions, Task, request_of
from promptops.experiments._pages import experiments_page, runs_page
from promptops.experiments._result import ExperimentResult
from promptops.experiments._rows import check_experiment_name, encoded_runs
from promptops.experiments._run import prepare_again, prepare_rerun, prepare_rescore, prepare_run
from promptops.experiments._runner import run_blocking, run_in_loop
from promptops.experiments._session import Session
from promptops.experiments._slices import SliceBy
from promptops.models import Experiment, ExperimentWithRunIds
from promptops.models.experiments import ExperimentRun

__all__ = ["AsyncExperiments", "SyncExperiments"]


class AsyncExperiments(AsyncResource):
    """Experiments: run, store, read, compare and delete.

    An experiment is named by its id, or by its exact name; ``dataset`` (a name or an id) says which dataset to look in.
    """

    async def run(
        self, name: str, *, dataset: str, task: Task, evaluators: Evaluators = (), **options: Unpack[RunOptions]
    ) -> ExperimentResult:
        """Run a task over every example of a dataset, score each output, and store the rows while the run goes on.

        **Tasks** are functions or coroutine functions. A single parameter of any name gets the example; parameters
        named ``example``, ``input``, ``expected``, ``metadata``, ``prompt`` and ``trace_id`` are filled by name: the
        example itself, its fields of these names (``metadata`` is empty when there is no such field), the prompt of
        the run, and 32 hexadecimal digits that are new for each attempt. The task may return a string or any other
        JSON value. Functions run in worker threads, coroutine functions on the loop.

        **Evaluators** are functions, coroutine functions, or objects with ``name`` and ``evaluate``. A single
        parameter of any other name gets the output; ``output`` (the task's value in its JSON form) and the names
        above are filled by name. They return a bool, a number, a label, a pair (score, explanation), a mapping of
        these, an ``Evaluation``, or a list of them with names. They do not run where the task failed, unless they take
        ``error`` or declare ``on_error = True``.

        A task or an evaluator that fails is an error in its row and costs no other row. Both report what they cost by
        :func:`report_cost`. Calls that a provider refuses because they come too fast (429) are made again, at a pace
        that is learned and shared by tasks and evaluators; the recorded latency is without any waiting.

        Every output and score is in the journal before it is stored. Ctrl-C lets what runs end (for at most 20 s) and
        stores it; a second one stops at once. Either way, and after a crash, :meth:`resume` goes on.

        Args:
            name: Unique in the dataset; checked before the first task.
            dataset: The dataset by name or id.
            task: What to run.
            evaluators: One, several, or a mapping of names to evaluators.
            options: See :class:`RunOptions`.

        Raises:
            ValidationError: A parameter cannot be filled, a name or a number does not fit; nothing was run.
            NotFoundError: There is no such dataset.
            ConflictError: The name is taken; nothing was run.
            UploadError: Rows could not be stored; it carries every finished row.
            ExperimentStopped: ``exit_on_error`` ended the run; it carries the result.
            JournalError: The journal cannot be used; nothing was run.
        """
        request = request_of(name, task, evaluators, options)
        session = await prepare_run(self._runtime, self._project, dataset, request)
        return await run_in_loop(session, self._runtime)

    async def resume(
        self,
        name: str,
        *,
        task: Task,
        evaluators: Evaluators = (),
        dataset: str | None = None,
        accept_changes: bool = False,
        **options: Unpack[RunOptions],
    ) -> ExperimentResult:
        """Go on with an experiment of the journal that ended early: no output that it holds is paid for again.

        Failed rows stand; :meth:`retry_failed` runs them again. What the server lacks is stored.

        Args:
            name: The name of the experiment.
            task: The same task.
            evaluators: The same evaluators.
            dataset: Where to look for the name, when experiments of several datasets have it.
            accept_changes: Go on although something changed; what changed is recorded.
            options: As for :meth:`run`; repetitions, parameters and metadata are those of the run before when absent.

        Raises:
            NotFoundError: The journal has no such experiment.
            ResumeRefused: Code, examples, prompt, parameters or evaluators changed; the error lists it.
            ExperimentHeld: Another process is running it.
        """
        request = request_of(name, task, evaluators, options)
        session = await prepare_again(
            self._runtime, self._project, dataset, "resume", request, accept_changes=accept_changes
        )
        return await run_in_loop(session, self._runtime)

    async def retry_failed(
        self,
        name: str,
        *,
        task: Task,
        evaluators: Evaluators = (),
        dataset: str | None = None,
        accept_changes: bool = False,
        **options: Unpack[RunOptions],
    ) -> ExperimentResult:
        """:meth:`resume`, and run again what failed, tasks and evaluators.

        A server takes no changes to its rows: when it has some that change, the experiment is deleted there and stored
        anew from the journal, under another id.
        """
        request = request_of(name, task, evaluators, options)
        session = await prepare_again(
            self._runtime, self._project, dataset, "retry_failed", request, accept_changes=accept_changes
        )
        return await run_in_loop(session, self._runtime)

    async def rescore(
        self,
        name: str,
        evaluators: Evaluators,
        *,
        dataset: str | None = None,
        force: bool = False,
        **options: Unpack[RunOptions],
    ) -> ExperimentResult:
        """Score the outputs that the journal holds of an experiment; no task runs.

        What these evaluators have not scored, or have scored in another version, is scored; other scores stand. The
        experiment is stored anew, as :meth:`retry_failed` says.

        Args:
            name: The name of the experiment.
            evaluators: One, several, or a mapping of names to evaluators.
            dataset: Where to look for the name, when experiments of several datasets have it.
            force: Score everything again.
            options: As for :meth:`run`.
        """
        request = request_of(name, None, evaluators, options, scores_only=True)
        session = await prepare_rescore(self._runtime, self._project, dataset, request, force=force)
        return await run_in_loop(session, self._runtime)

    async def rerun(
        self,
        previous: str,
        name: str,
        *,
        dataset: str,
        task: Task,
        evaluators: Evaluators = (),
        **options: Unpack[RunOptions],
    ) -> ExperimentResult:
        """Run a new experiment, and take over from a previous one what has not changed since.

        An output is taken over when its example, the code of the task, the prompt and the parameters are the same; a
        score, when its evaluator is the same as well. Taken over rows say so in ``promptops.reused_from``.

        Args:
            previous: The name of the experiment to take from; the journal holds it.
            name: The name of the new one.
            dataset: The dataset of both, by name or id.
            task: What to run.
            evaluators: One, several, or a mapping of names to evaluators.
            options: As for :meth:`run`.
        """
        request = request_of(name, task, evaluators, options)
        session = await prepare_rerun(self._runtime, self._project, dataset, previous, request)
        return await run_in_loop(session, self._runtime)

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
        slices: Sequence[SliceBy] = (),
        gates: Sequence[Gate] = (),
    ) -> Comparison:
        """Fetch the runs of two experiments and compare them example by example.

        Args:
            baseline: The experiment that is compared with, by id or exact name.
            candidate: The experiment that is judged, by id or exact name.
            dataset: Where to look for the names.
            project: Where to look for the names.
            evaluator: Compare only this evaluator; all when absent.
            lower_is_better: Evaluators whose smaller scores are the better ones.
            slices: By what to divide the examples: the name of a field, or a function of the example.
            gates: What the candidate has to hold; the verdict is part of the comparison.
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
            slices=slices,
            gates=gates,
        )

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

    # Not bridges: the units need a loop, which the portal has, while the requests stay in this thread.

    def run(
        self, name: str, *, dataset: str, task: Task, evaluators: Evaluators = (), **options: Unpack[RunOptions]
    ) -> ExperimentResult:
        request = request_of(name, task, evaluators, options)
        return self._go(prepare_run(*self._where, dataset, request))

    def resume(
        self,
        name: str,
        *,
        task: Task,
        evaluators: Evaluators = (),
        dataset: str | None = None,
        accept_changes: bool = False,
        **options: Unpack[RunOptions],
    ) -> ExperimentResult:
        request = request_of(name, task, evaluators, options)
        return self._go(prepare_again(*self._where, dataset, "resume", request, accept_changes=accept_changes))

    def retry_failed(
        self,
        name: str,
        *,
        task: Task,
        evaluators: Evaluators = (),
        dataset: str | None = None,
        accept_changes: bool = False,
        **options: Unpack[RunOptions],
    ) -> ExperimentResult:
        request = request_of(name, task, evaluators, options)
        return self._go(prepare_again(*self._where, dataset, "retry_failed", request, accept_changes=accept_changes))

    def rescore(
        self,
        name: str,
        evaluators: Evaluators,
        *,
        dataset: str | None = None,
        force: bool = False,
        **options: Unpack[RunOptions],
    ) -> ExperimentResult:
        request = request_of(name, None, evaluators, options, scores_only=True)
        return self._go(prepare_rescore(*self._where, dataset, request, force=force))

    def rerun(
        self,
        previous: str,
        name: str,
        *,
        dataset: str,
        task: Task,
        evaluators: Evaluators = (),
        **options: Unpack[RunOptions],
    ) -> ExperimentResult:
        request = request_of(name, task, evaluators, options)
        return self._go(prepare_rerun(*self._where, dataset, previous, request))

    run.__doc__ = AsyncExperiments.run.__doc__
    resume.__doc__ = AsyncExperiments.resume.__doc__
    retry_failed.__doc__ = AsyncExperiments.retry_failed.__doc__
    rescore.__doc__ = AsyncExperiments.rescore.__doc__
    rerun.__doc__ = AsyncExperiments.rerun.__doc__

    @property
    def _where(self) -> tuple[Runtime, str | None]:
        return self._resource._runtime, self._resource._project  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the two belong together

    def _go(self, preparing: Coroutine[Any, Any, Session]) -> ExperimentResult:
        return run_blocking(drive(preparing), self._where[0])
