"""Experiments as a Phoenix server keeps them beside their runs: made empty, described, changed, tagged."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from promptops.core.errors import ConflictError
from promptops.core.runtime import Runtime
from promptops.experiments._runs import AsyncRuns
from promptops.experiments.journal._origin import origin_of
from promptops.experiments.stores import Stores
from promptops.phoenix import _generated as wire
from promptops.phoenix._checks import check_name, check_storable, check_tag_name, json_body, refused
from promptops.phoenix._http import fetch, path, send, send_empty
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.experiments._lookup import experiment_id_of, experiment_record, experiments_of, no_project
from promptops.phoenix.experiments._store import PhoenixExperimentStore
from promptops.phoenix.experiments._store_create import KEY, create_record, shown_record

__all__ = ["ExperimentRecords"]


class ExperimentRecords(AsyncRuns):
    """The part of :class:`AsyncPhoenixExperiments` that is about experiments as a whole."""

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
            check_storable("metadata", dict(metadata))
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

    async def _id(self, experiment: str, dataset: str | None, project: str | None = None) -> str:
        no_project(project)
        return await experiment_id_of(self._runtime, experiment, dataset)
