"""Experiments on a Phoenix server, behind the port that every store implements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from promptops.core.errors import NotFoundError, PromptOpsError, ValidationError
from promptops.core.pagination import iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments.journal import UnitKey
from promptops.experiments.stores import Capabilities, RunEvaluation, StoredExperiment, Uploads
from promptops.models.experiments import ExperimentRun
from promptops.phoenix import _generated as wire
from promptops.phoenix._checks import check_repetitions
from promptops.phoenix._http import delete, path
from promptops.phoenix._ids import check_id
from promptops.phoenix._large import in_turns
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.datasets._wire import resolve_dataset
from promptops.phoenix.experiments._lookup import (
    experiment_id_of,
    experiment_record,
    experiments_of,
    incomplete_page,
    runs_of,
    unscored_page,
)
from promptops.phoenix.experiments._store_create import STORE, create_record, stored_experiment
from promptops.phoenix.experiments._store_known import Examples, KnownExperiments, check_units
from promptops.phoenix.experiments._store_reading import Annotation, exported_annotations, row_of
from promptops.phoenix.experiments._store_rows import EvaluationDraft, RunDraft, evaluation_drafts, names_of, run_drafts
from promptops.phoenix.experiments._store_upload import post_evaluations, store_runs

__all__ = ["PhoenixExperimentStore"]

_CAPABILITIES: Final = Capabilities(
    store=STORE,
    features=frozenset(
        {
            "empty_experiments",
            "append_runs",
            "add_evaluations",
            "incomplete_runs",
            "incomplete_evaluations",
            "replace_failed_runs",
            "experiment_metadata",
            "delete_experiment",
        }
    ),
    uploads=Uploads(rows=100, seconds=0.0, most=100),
)
_TURN: Final = 20
"""Rows that are made ready to be sent before others have the event loop."""


class PhoenixExperimentStore:
    """Experiments on a Phoenix server; see :class:`~promptops.experiments.stores.ExperimentStore`.

    Each run and each evaluation is a request of its own, eight at once. Of a run are kept: its output as JSON, its
    error, its times, the id of its trace, and its evaluations with their cost, tokens and duration.

    Args:
        runtime: Sends the requests.
        version: The version of the server, as far as it is known; every version that is supported has these routes.
    """

    def __init__(self, runtime: Runtime, *, version: ServerVersion | None = None) -> None:
        del version
        self._runtime = runtime
        self._known = KnownExperiments(runtime)

    @property
    def capabilities(self) -> Capabilities:
        """What a Phoenix server can do."""
        return _CAPABILITIES

    async def create(
        self,
        name: str,
        *,
        dataset_id: str,
        runs: Sequence[ExperimentRun] = (),
        key: str | None = None,
        repetitions: int = 1,
        metadata: Mapping[str, Any] | None = None,
        dataset_version_id: str | None = None,
    ) -> StoredExperiment:
        """See :class:`ExperimentStore`; the server allows one name several times, so it is looked for first."""
        drafts = await self._drafts(runs)
        check_repetitions(repetitions)
        examples: Examples | None = None
        if drafts:
            dataset_id = await resolve_dataset(self._runtime, dataset_id)
            examples = await self._known.examples(dataset_id, dataset_version_id)
            check_units([draft.key for draft in drafts], examples.ids, repetitions, name)
        record = await create_record(
            self._runtime,
            name,
            dataset_id=dataset_id,
            key=key,
            repetitions=repetitions,
            metadata=metadata,
            dataset_version_id=dataset_version_id,
        )
        self._known.made(record)
        if drafts:
            known = await self._known.get(record.id, record=record, examples=examples)
            try:
                await store_runs(self._runtime, known, drafts)
            except PromptOpsError as exc:
                exc.details.setdefault("experiment_id", record.id)
                exc.add_note(f"the experiment was created as {record.id}; some of its runs may be stored")
                raise
        return stored_experiment(record)

    async def upload_runs(
        self, experiment_id: str, runs: Sequence[ExperimentRun], *, key: str | None = None
    ) -> list[str]:
        """See :class:`ExperimentStore`; a unit has one run, so sending one again stores nothing twice without a key."""
        del key
        drafts = await self._drafts(runs)
        known = await self._known.get(check_id("experiment_id", experiment_id, "Experiment"))
        known.check([draft.key for draft in drafts])
        return await store_runs(self._runtime, known, drafts)

    async def upload_evaluations(self, experiment_id: str, evaluations: Sequence[RunEvaluation]) -> None:
        """See :class:`ExperimentStore`."""
        drafts: list[tuple[UnitKey, EvaluationDraft]] = [
            (UnitKey(item.example_id, item.repetition), draft)
            for item in evaluations
            for draft in evaluation_drafts(item.name, item.evaluation)
        ]
        known = await self._known.get(check_id("experiment_id", experiment_id, "Experiment"))
        known.check([key for key, _ in drafts], field="evaluations")
        placed = [(await self._known.run_id(known, key), draft) for key, draft in drafts]
        await post_evaluations(self._runtime, known, placed)

    async def get(self, experiment: str, *, dataset_id: str | None = None) -> StoredExperiment:
        """See :class:`ExperimentStore`."""
        found = await experiment_id_of(self._runtime, experiment, dataset_id)
        return stored_experiment(await experiment_record(self._runtime, found))

    async def iterate(self, *, dataset_id: str | None = None) -> AsyncIterator[StoredExperiment]:
        """See :class:`ExperimentStore`."""
        wanted = None if dataset_id is None else await resolve_dataset(self._runtime, dataset_id)
        async for found in experiments_of(self._runtime, wanted):
            yield stored_experiment(found)

    async def runs(self, experiment_id: str) -> AsyncIterator[ExperimentRun]:
        """See :class:`ExperimentStore`; all are read before the first is yielded: the server has the newest first."""
        found = await runs_of(self._runtime, experiment_id)
        if not found:
            # The list is empty as well when there is no such experiment.
            await experiment_record(self._runtime, experiment_id)
            return
        annotations = await self._annotations(experiment_id)

        def rows_of(some: Sequence[wire.ExperimentRun]) -> list[ExperimentRun]:
            keys = [UnitKey(run.dataset_example_id, run.repetition_number) for run in some]
            return [row_of(run, annotations.pop(key, ())) for run, key in zip(some, keys, strict=True)]

        async for row in in_turns(self._runtime, found, rows_of):
            yield row

    async def incomplete_runs(self, experiment_id: str, *, repetitions: int | None = None) -> AsyncIterator[UnitKey]:
        """See :class:`ExperimentStore`; oldest example first.

        Raises:
            ValidationError: More repetitions are asked for than the experiment was made with.
        """
        if repetitions is not None:
            made = (await experiment_record(self._runtime, experiment_id)).repetitions
            if check_repetitions(repetitions) > made:
                raise ValidationError(
                    f"the experiment was made with {made} repetitions, so {repetitions} of them cannot be stored"
                )
        pages = iterate_cursor(lambda cursor: incomplete_page(self._runtime, cursor, experiment_id=experiment_id))
        async for item in pages:
            for repetition in sorted(item.repetition_numbers):
                if repetitions is None or repetition <= repetitions:
                    yield UnitKey(item.dataset_example.node_id, repetition)

    async def incomplete_evaluations(
        self, experiment_id: str, names: Sequence[str]
    ) -> AsyncIterator[tuple[UnitKey, tuple[str, ...]]]:
        """See :class:`ExperimentStore`; oldest run first."""
        wanted = names_of(names)
        pages = iterate_cursor(
            lambda cursor: unscored_page(self._runtime, cursor, experiment_id=experiment_id, names=wanted)
        )
        async for item in pages:
            run, lacking = item.experiment_run, set(item.evaluation_names)
            key = UnitKey(run.dataset_example_id, run.repetition_number)
            yield key, tuple(name for name in wanted if name in lacking)

    async def delete(self, experiment_id: str) -> None:
        """See :class:`ExperimentStore`; the project with the traces of the runs stays."""
        self.forget(experiment_id)
        await delete(self._runtime, path("experiments", check_id("experiment_id", experiment_id, "Experiment")))

    def forget(self, experiment_id: str) -> None:
        """Drop what is remembered of an experiment that is about to be deleted."""
        self._known.forget(experiment_id)

    async def _drafts(self, runs: Sequence[ExperimentRun]) -> list[RunDraft]:
        drafts: list[RunDraft] = []
        for draft in run_drafts(runs):
            drafts.append(draft)
            if len(drafts) % _TURN == 0:
                await self._runtime.sleep(0)
        return drafts

    async def _annotations(self, experiment_id: str) -> dict[UnitKey, list[Annotation]]:
        try:
            return await exported_annotations(self._runtime, experiment_id)
        except NotFoundError:
            await experiment_record(self._runtime, experiment_id)  # says so if the experiment is gone
            return {}
