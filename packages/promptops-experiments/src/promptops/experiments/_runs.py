"""Runs over stores: what every resource of experiments inherits, whatever server it talks to."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Sequence
from typing import Any, TypeVar, Unpack

from promptops.core.bridge import AsyncResource, SyncResource, bridge, drive
from promptops.core.errors import UnsupportedOperation
from promptops.core.runtime import Runtime
from promptops.experiments._compare import ChangedExamples, compare
from promptops.experiments._comparison import Comparison
from promptops.experiments._evaluation import Evaluators
from promptops.experiments._gates import Gate
from promptops.experiments._options import RunOptions, Task, request_of
from promptops.experiments._result import ExperimentResult
from promptops.experiments._run import prepare_again, prepare_rerun, prepare_rescore, prepare_run
from promptops.experiments._runner import run_blocking, run_in_loop
from promptops.experiments._session import Session
from promptops.experiments._slices import SliceBy
from promptops.experiments.stores import StoredExperiment, Stores
from promptops.models.datasets import DatasetExample

__all__ = ["AsyncRuns", "SyncRuns"]


class AsyncRuns(AsyncResource):
    """Runs experiments and compares them over :meth:`_stores`, the one thing that a resource has to say."""

    def _stores(self) -> Stores:
        """Return the stores of the examples and the rows."""
        raise NotImplementedError

    def _stores_in(self, project: str) -> Stores:
        """Return the stores that look for names in this project; without projects there is nothing to choose."""
        name = self._stores().experiments.capabilities.store
        raise UnsupportedOperation(
            f"the {name} store does not look for experiments by project; leave project={project!r} out",
            details={"store": name, "feature": "projects"},
        )

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
        session = await prepare_run(self._runtime, self._stores(), dataset, request)
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
        """Go on with an experiment that ended early: no output that the journal holds is paid for again.

        Failed rows stand; :meth:`retry_failed` runs them again. What the store lacks is stored. An experiment that was
        run elsewhere, so that the store has it and the journal does not, is taken into the journal first; by what code
        it was made is not known then, and nothing is compared.

        Args:
            name: The name of the experiment.
            task: The same task.
            evaluators: The same evaluators.
            dataset: Where to look for the name, when experiments of several datasets have it.
            accept_changes: Go on although something changed; what changed is recorded.
            options: As for :meth:`run`; repetitions, parameters and metadata are those of the run before when absent.

        Raises:
            NotFoundError: Neither the journal nor the store has such an experiment.
            ResumeRefused: Code, examples, prompt, parameters or evaluators changed; the error lists it.
            ExperimentHeld: Another process is running it.
        """
        request = request_of(name, task, evaluators, options)
        session = await prepare_again(
            self._runtime, self._stores(), dataset, "resume", request, accept_changes=accept_changes
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

        Where a store takes no changes to its rows, as our server does, and has some that change, the experiment is
        deleted there and stored anew from the journal, under another id: once, when everything is done. A run that is
        interrupted before leaves it as it was, and :meth:`resume` goes on. For the moment between the two requests the
        name is not there; what a crash leaves undone then, :meth:`resume` does.
        """
        request = request_of(name, task, evaluators, options)
        session = await prepare_again(
            self._runtime, self._stores(), dataset, "retry_failed", request, accept_changes=accept_changes
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
        """Score the outputs of an experiment; no task runs.

        What these evaluators have not scored, or have scored in another version, is scored; other scores stand. Where
        the store takes no further evaluations, the experiment is stored anew, as :meth:`retry_failed` says. One that
        was run elsewhere is taken into the journal first, as :meth:`resume` says.

        Args:
            name: The name of the experiment.
            evaluators: One, several, or a mapping of names to evaluators.
            dataset: Where to look for the name, when experiments of several datasets have it.
            force: Score everything again.
            options: As for :meth:`run`.
        """
        request = request_of(name, None, evaluators, options, scores_only=True)
        session = await prepare_rescore(self._runtime, self._stores(), dataset, request, force=force)
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
        session = await prepare_rerun(self._runtime, self._stores(), dataset, previous, request)
        return await run_in_loop(session, self._runtime)

    async def compare(
        self,
        baseline: str,
        candidate: str,
        *,
        dataset: str | None = None,
        project: str | None = None,
        evaluator: str | None = None,
        lower_is_better: Collection[str] = (),
        changed_examples: ChangedExamples = "leave_out",
        slices: Sequence[SliceBy] = (),
        gates: Sequence[Gate] = (),
    ) -> Comparison:
        """Fetch the runs of two experiments and compare them example by example.

        Where they are of two versions of the dataset, pairs whose example changed in between are left out.

        Args:
            baseline: The experiment that is compared with, by id or exact name.
            candidate: The experiment that is judged, by id or exact name.
            dataset: Where to look for the names.
            project: Where to look for the names.
            evaluator: Compare only this evaluator; all when absent.
            lower_is_better: Evaluators whose smaller scores are the better ones.
            changed_examples: ``compare`` takes pairs whose example changed for pairs all the same.
            slices: By what to divide the examples: the name of a field, or a function of the example.
            gates: What the candidate has to hold; the verdict is part of the comparison.
        """
        stores = self._stores() if project is None else self._stores_in(project)
        dataset_id = None if dataset is None else (await stores.datasets.get(dataset)).id
        first = await stores.experiments.get(baseline, dataset_id=dataset_id)
        second = await stores.experiments.get(candidate, dataset_id=dataset_id)
        examples = await _examples_of(stores, first)
        other = await _other_examples(stores, first, second)
        return compare(
            [run async for run in stores.experiments.runs(first.id)],
            [run async for run in stores.experiments.runs(second.id)],
            evaluator=evaluator,
            lower_is_better=lower_is_better,
            baseline_name=first.name,
            candidate_name=second.name,
            examples=examples if other is None else other,
            baseline_examples=None if other is None else examples,
            changed_examples=changed_examples,
            slices=slices,
            gates=gates,
        )


RunsT = TypeVar("RunsT", bound=AsyncRuns)


class SyncRuns(SyncResource[RunsT]):
    """Blocking view of :class:`AsyncRuns`."""

    compare = bridge(AsyncRuns.compare)

    # Not bridges: the units need a loop, which the portal has, while the requests stay in this thread.

    def run(
        self, name: str, *, dataset: str, task: Task, evaluators: Evaluators = (), **options: Unpack[RunOptions]
    ) -> ExperimentResult:
        request = request_of(name, task, evaluators, options)
        return self._go(prepare_run(*self._over, dataset, request))

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
        return self._go(prepare_again(*self._over, dataset, "resume", request, accept_changes=accept_changes))

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
        return self._go(prepare_again(*self._over, dataset, "retry_failed", request, accept_changes=accept_changes))

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
        return self._go(prepare_rescore(*self._over, dataset, request, force=force))

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
        return self._go(prepare_rerun(*self._over, dataset, previous, request))

    run.__doc__ = AsyncRuns.run.__doc__
    resume.__doc__ = AsyncRuns.resume.__doc__
    retry_failed.__doc__ = AsyncRuns.retry_failed.__doc__
    rescore.__doc__ = AsyncRuns.rescore.__doc__
    rerun.__doc__ = AsyncRuns.rerun.__doc__

    @property
    def _over(self) -> tuple[Runtime, Stores]:
        return self._resource._runtime, self._resource._stores()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the two belong together

    def _go(self, preparing: Coroutine[Any, Any, Session]) -> ExperimentResult:
        return run_blocking(drive(preparing), self._over[0])


async def _examples_of(stores: Stores, experiment: StoredExperiment) -> dict[str, DatasetExample]:
    """Return the examples of an experiment by id, as its version of the dataset has them."""
    if experiment.dataset_id is None:
        return {}
    version = experiment.dataset_version_id if stores.datasets.capabilities.can("versions") else None
    found = stores.datasets.examples(experiment.dataset_id, version=version)
    return {example.id: example async for example in found}


async def _other_examples(
    stores: Stores, first: StoredExperiment, second: StoredExperiment
) -> dict[str, DatasetExample] | None:
    """Return the examples of the second experiment, or None where they are those of the first."""
    if (first.dataset_id, first.dataset_version_id) == (second.dataset_id, second.dataset_version_id):
        return None
    return await _examples_of(stores, second)
