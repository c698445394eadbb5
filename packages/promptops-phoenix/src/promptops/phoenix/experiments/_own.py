"""What only a Phoenix server has of experiments: records, tags, single runs and evaluations, exports, web pages."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from promptops.core.errors import ConfigurationError, ConflictError, NotFoundError
from promptops.core.runtime import Runtime
from promptops.core.urls import quote_segment
from promptops.experiments._runs import AsyncRuns
from promptops.experiments.journal import UnitKey
from promptops.experiments.journal._origin import origin_of
from promptops.experiments.stores import Stores
from promptops.phoenix import _generated as wire
from promptops.phoenix._checks import check_finite, check_name, check_tag_name, json_body
from promptops.phoenix._http import fetch, fetch_json, fetch_text, path, send, send_empty
from promptops.phoenix._ids import check_id
from promptops.phoenix._listing import refused
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.datasets._wire import resolve_dataset
from promptops.phoenix.experiments._lookup import experiment_id_of, experiment_record, experiments_of, no_project
from promptops.phoenix.experiments._rows import AnnotatorKind, logged_evaluation, logged_run
from promptops.phoenix.experiments._store import PhoenixExperimentStore
from promptops.phoenix.experiments._store_create import KEY, create_record, shown_record
from promptops.phoenix.experiments._store_upload import post_evaluation

__all__ = ["PhoenixOnlyExperiments"]


class PhoenixOnlyExperiments(AsyncRuns):
    """The part of :class:`AsyncPhoenixExperiments` that other servers do not have."""

    def __init__(self, runtime: Runtime, *, version: ServerVersion | None = None, base_url: str | None = None) -> None:
        super().__init__(runtime)
        self._version = ServerVersion(runtime) if version is None else version
        self._base_url = base_url
        self._store = PhoenixExperimentStore(runtime, version=self._version)

    def _stores(self) -> Stores:
        from promptops.phoenix.datasets._store import PhoenixDatasetStore

        datasets = PhoenixDatasetStore(self._runtime, version=self._version)
        return Stores(datasets=datasets, experiments=self._store, origin=origin_of(self._base_url))

    async def create_empty(
        self,
        *,
        name: str,
        dataset: str,
        version: str | None = None,
        splits: Sequence[str] | None = None,
        repetitions: int = 1,
        metadata: Mapping[str, Any] | None = None,
        description: str | None = None,
    ) -> wire.Experiment:
        """Make an experiment that gets its runs later, from one machine or from many.

        Args:
            name: Unique in the dataset.
            dataset: The dataset by name or id.
            version: The id of a version of the dataset; the latest by default.
            splits: Only the examples of these splits.
            repetitions: How often each example is run.
            metadata: Any JSON values.
            description: For people.

        Raises:
            ConflictError: The name is taken.
            NotFoundError: There is no such dataset, version or split.
        """
        made = await create_record(
            self._runtime,
            name,
            dataset_id=dataset,
            dataset_version_id=version,
            splits=splits,
            repetitions=repetitions,
            metadata=metadata,
            description=description,
        )
        return shown_record(made)

    async def record(self, *, experiment: str, dataset: str | None = None) -> wire.Experiment:
        """Return all that Phoenix says of an experiment: description, metadata, repetitions, and how many runs are
        successful, failed and missing."""
        return shown_record(await experiment_record(self._runtime, await self._id(experiment, dataset)))

    async def update(
        self,
        *,
        experiment: str,
        dataset: str | None = None,
        name: str | msgspec.UnsetType = msgspec.UNSET,
        description: str | msgspec.UnsetType | None = msgspec.UNSET,
        metadata: Mapping[str, Any] | msgspec.UnsetType = msgspec.UNSET,
    ) -> wire.Experiment:
        """Change the name, the description or the metadata of an experiment; what is left out stays.

        Args:
            experiment: Its id or exact name.
            dataset: Where to look for the name.
            name: Another name, unique in the dataset.
            description: Another description; None removes it.
            metadata: Everything that it shall have.

        Raises:
            ValidationError: There is nothing to change; nothing was sent.
            ConflictError: The name is taken.
        """
        changes: dict[str, Any] = {}
        if name is not msgspec.UNSET:
            changes["name"] = check_name("name", name)
        if description is not msgspec.UNSET:
            changes["description"] = description
        if metadata is not msgspec.UNSET:
            check_finite("metadata", dict(metadata))
            changes["metadata"] = dict(metadata)
        if not changes:
            raise refused("name", "is missing: give a name, a description or metadata to change", "missing")
        before = await experiment_record(self._runtime, await self._id(experiment, dataset))
        if changes.get("name", before.name) != before.name:
            async for other in experiments_of(self._runtime, before.dataset_id):
                if other.name == changes["name"]:
                    raise ConflictError(
                        f"the dataset has an experiment named {other.name!r} already ({other.id})",
                        details={"experiment_id": other.id},
                    )
        if "metadata" in changes and KEY in before.metadata:
            changes["metadata"][KEY] = before.metadata[KEY]
        where = path("experiments", before.id)
        shape = wire.UpdateExperimentResponseBody
        answer = await send(self._runtime, "PATCH", where, json_body(changes), shape, repeatable=True)
        return shown_record(answer.data)

    async def tags(self, *, experiment: str, dataset: str | None = None) -> builtins.list[wire.ExperimentTag]:
        """Return the tags of an experiment, for example ``baseline``."""
        where = path("experiments", await self._id(experiment, dataset), "tags")
        return (await fetch(self._runtime, where, wire.ListExperimentTagsResponseBody)).data

    async def set_tag(
        self, *, experiment: str, name: str, dataset: str | None = None, description: str | None = None
    ) -> wire.ExperimentTag:
        """Give an experiment a tag; another experiment of the dataset that has it loses it.

        Raises:
            ValidationError: The name is not of lower-case letters, digits, ``-`` and ``_``.
        """
        fields = {"name": check_tag_name(name)}
        if description is not None:
            fields["description"] = description
        where = path("experiments", await self._id(experiment, dataset), "tags")
        shape = wire.SetExperimentTagResponseBody
        return (await send(self._runtime, "POST", where, json_body(fields), shape, repeatable=True)).data

    async def delete_tag(self, *, experiment: str, name: str, dataset: str | None = None) -> None:
        """Take a tag from an experiment; one that it does not have is fine."""
        check_tag_name(name)
        where = path("experiments", await self._id(experiment, dataset), "tags", name)
        await send_empty(self._runtime, "DELETE", where)

    async def log_run(
        self,
        *,
        experiment: str,
        example_id: str,
        output: object,
        start_time: datetime,
        end_time: datetime,
        repetition: int = 1,
        error: str | None = None,
        trace_id: str | None = None,
        dataset: str | None = None,
    ) -> str:
        """Store one run and return its id; any number of machines may do so at the same time.

        Args:
            experiment: Its id or exact name.
            example_id: The id of the example, as examples of ours have it.
            output: Any JSON value.
            start_time: When the task began, with its offset from UTC.
            end_time: When it ended.
            repetition: From 1 to as many as the experiment was made with.
            error: Why the task failed.
            trace_id: The trace of the task.
            dataset: Where to look for the name.

        Raises:
            ValidationError: Something cannot be stored, or does not belong to the experiment.
            ConflictError: A successful run with another output is stored already.
        """
        row = logged_run(
            example_id=example_id,
            output=output,
            repetition=repetition,
            start_time=start_time,
            end_time=end_time,
            error=error,
            trace_id=trace_id,
        )
        return (await self._store.upload_runs(await self._id(experiment, dataset), [row]))[0]

    async def log_evaluation(
        self,
        *,
        run_id: str,
        name: str,
        score: float | None = None,
        label: str | None = None,
        explanation: str | None = None,
        error: str | None = None,
        annotator_kind: AnnotatorKind = "CODE",
        metadata: Mapping[str, Any] | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        trace_id: str | None = None,
    ) -> str:
        """Store one evaluation of a run and return its id; one of the same name is replaced.

        Args:
            run_id: The id of the run.
            name: The name of the evaluator.
            score: A finite number.
            label: A category.
            explanation: Why, in words.
            error: What went wrong; such an evaluation counts as missing.
            annotator_kind: Who or what made it.
            metadata: Any JSON values.
            start_time: When the evaluation began, with its offset from UTC; when it ended by default.
            end_time: When it ended; now by default.
            trace_id: The trace of the evaluation.

        Raises:
            ValidationError: It says nothing, or something cannot be stored; nothing was sent.
        """
        draft = logged_evaluation(
            name=name,
            score=score,
            label=label,
            explanation=explanation,
            error=error,
            annotator_kind=annotator_kind,
            metadata=metadata,
            start_time=start_time,
            end_time=end_time,
            trace_id=trace_id,
        )
        return await post_evaluation(self._runtime, None, check_id("run_id", run_id, "ExperimentRun"), draft)

    async def incomplete_runs(
        self, *, experiment: str, dataset: str | None = None, repetitions: int | None = None
    ) -> AsyncIterator[UnitKey]:
        """Yield the examples and repetitions whose runs are missing or failed, oldest example first."""
        async for key in self._store.incomplete_runs(await self._id(experiment, dataset), repetitions=repetitions):
            yield key

    async def incomplete_evaluations(
        self, *, experiment: str, evaluators: Sequence[str], dataset: str | None = None
    ) -> AsyncIterator[tuple[UnitKey, tuple[str, ...]]]:
        """Yield the successful runs that lack evaluations, or have failed ones, with the names of their evaluators."""
        async for item in self._store.incomplete_evaluations(await self._id(experiment, dataset), evaluators):
            yield item

    async def export_json(self, *, experiment: str, dataset: str | None = None) -> builtins.list[dict[str, Any]]:
        """Return the server's export: for each run a flat object with input, reference output, output, times and
        annotations. Numbers that are not finite, which other clients may have stored, are floats."""
        experiment_id = await self._id(experiment, dataset)
        try:
            found: list[dict[str, Any]] = await fetch_json(self._runtime, path("experiments", experiment_id, "json"))
        except NotFoundError:
            await experiment_record(self._runtime, experiment_id)
            return []
        return found

    async def export_csv(self, *, experiment: str, dataset: str | None = None) -> str:
        """Return the server's export as CSV; of an experiment without runs it is empty."""
        experiment_id = await self._id(experiment, dataset)
        try:
            return await fetch_text(self._runtime, path("experiments", experiment_id, "csv"), media="text/csv")
        except NotFoundError:
            await experiment_record(self._runtime, experiment_id)
            return ""

    async def url(self, *, experiment: str, dataset: str | None = None) -> str:
        """Return the address of the web page that shows an experiment."""
        record = await experiment_record(self._runtime, await self._id(experiment, dataset))
        return f"{self._page(record.dataset_id)}/compare?experimentId={quote_segment(record.id)}"

    async def dataset_url(self, *, dataset: str) -> str:
        """Return the address of the web page that shows the experiments of a dataset."""
        return f"{self._page(await resolve_dataset(self._runtime, dataset))}/experiments"

    def _page(self, dataset_id: str) -> str:
        if self._base_url is None:
            raise ConfigurationError("the address of the server is not known here; use the experiments of a client")
        return f"{self._base_url.rstrip('/')}/datasets/{quote_segment(dataset_id)}"

    async def _id(self, experiment: str, dataset: str | None, project: str | None = None) -> str:
        no_project(project)
        return await experiment_id_of(self._runtime, experiment, dataset)
