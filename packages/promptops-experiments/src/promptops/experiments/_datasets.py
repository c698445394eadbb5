"""The datasets resource."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from promptops.core.bridge import AsyncResource, SyncResource, bridge, bridge_iter
from promptops.core.errors import PromptOpsError
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.experiments._chunks import body_with, chunked
from promptops.experiments._examples import encoded_examples
from promptops.experiments._http import NAMED_PER_PAGE, delete, fetch, path, post
from promptops.experiments._lookup import dataset_id_of, space_id_of
from promptops.experiments._pages import datasets_page, examples_page
from promptops.models import Dataset, DatasetVersionWithExampleIds
from promptops.models.datasets import DatasetExample

__all__ = ["AsyncDatasets", "SyncDatasets"]


class AsyncDatasets(AsyncResource):
    """Datasets: create, read, extend and delete.

    A dataset is named by its id or by its exact name; ``project`` (a name or an id) says where to look and defaults
    to the client's project, then to all that the key grants.
    """

    async def create(
        self, name: str, examples: Iterable[Mapping[str, Any] | DatasetExample], *, project: str | None = None
    ) -> Dataset:
        """Create a dataset of one or more examples.

        The first 1,000 go with the create, the others follow in calls of at most 1,000.

        Args:
            name: Unique in its project.
            examples: Objects with one or more fields of any JSON values; the server gives ``id``, ``created_at`` and
                ``updated_at`` itself.
            project: The project by name or id; when absent, the client's, then the default of the key.

        Raises:
            ValidationError: An example cannot be stored; nothing was sent.
            ConflictError: The name is taken.
            PromptOpsError: A later part failed; ``details`` says how many examples are ``stored``, and the id.
        """
        parts = chunked(encoded_examples(examples))
        space_id = await self._scope(project)
        first = next(parts)
        others = {"name": name} if space_id is None else {"name": name, "space_id": space_id}
        dataset = await post(self._runtime, path("datasets"), body_with("examples", first, others), Dataset)
        await self._insert_parts(dataset.id, parts, stored=len(first), kind="created")
        return dataset

    async def get(self, dataset: str, *, project: str | None = None) -> Dataset:
        """Return the dataset of that id or exact name, with its versions, newest first.

        Raises:
            NotFoundError: There is none; close names are suggested.
        """
        return await fetch(self._runtime, path("datasets", await self._id(dataset, project)), Dataset)

    async def list_page(
        self,
        *,
        name: str | None = None,
        project: str | None = None,
        limit: int = NAMED_PER_PAGE,
        cursor: str | None = None,
    ) -> CursorPage[Dataset]:
        """Return one page of the datasets, newest first.

        Args:
            name: Only those whose name contains this.
            project: Only those of this project.
            limit: Datasets per page, 1 to 100.
            cursor: ``next_cursor`` of the page before.
        """
        space_id = await self._scope(project)
        return await datasets_page(self._runtime, cursor, space_id=space_id, name=name, limit=limit)

    async def iterate(self, *, name: str | None = None, project: str | None = None) -> AsyncIterator[Dataset]:
        """Yield the datasets, newest first, page by page; ``name`` keeps those whose name contains it."""
        space_id = await self._scope(project)
        pages = iterate_cursor(lambda cursor: datasets_page(self._runtime, cursor, space_id=space_id, name=name))
        async for dataset in pages:
            yield dataset

    async def list(self, *, name: str | None = None, project: str | None = None) -> builtins.list[Dataset]:
        """Return all datasets, newest first; ``name`` keeps those whose name contains it."""
        return [dataset async for dataset in self.iterate(name=name, project=project)]

    async def delete(self, dataset: str, *, project: str | None = None) -> None:
        """Delete the dataset of that id or exact name, with its examples and experiments."""
        await delete(self._runtime, path("datasets", await self._id(dataset, project)))

    async def insert(
        self,
        dataset: str,
        examples: Iterable[Mapping[str, Any] | DatasetExample],
        *,
        version: str | None = None,
        project: str | None = None,
    ) -> builtins.list[str]:
        """Append examples to a version of a dataset and return their ids, in the order given.

        Args:
            dataset: Its id or exact name.
            examples: As for :meth:`create`.
            version: The id of the version; the latest when absent.
            project: Where to look for the name.

        Raises:
            PromptOpsError: A part failed; ``details`` says how many examples are ``stored``.
        """
        parts = chunked(encoded_examples(examples))
        dataset_id = await self._id(dataset, project)
        return await self._insert_parts(dataset_id, parts, stored=0, kind="extended", version=version)

    async def iterate_examples(
        self, dataset: str, *, version: str | None = None, project: str | None = None
    ) -> AsyncIterator[DatasetExample]:
        """Yield the examples, oldest first, in pages of 500; ``version`` is an id and defaults to the latest."""
        dataset_id = await self._id(dataset, project)
        pages = iterate_cursor(
            lambda cursor: examples_page(self._runtime, cursor, dataset_id=dataset_id, version=version)
        )
        async for example in pages:
            yield example

    async def examples(
        self, dataset: str, *, version: str | None = None, project: str | None = None
    ) -> builtins.list[DatasetExample]:
        """Return all examples, oldest first; ``version`` is an id and defaults to the latest."""
        return [example async for example in self.iterate_examples(dataset, version=version, project=project)]

    async def _insert_parts(
        self,
        dataset_id: str,
        parts: Iterable[builtins.list[bytes]],
        *,
        stored: int,
        kind: str,
        version: str | None = None,
    ) -> builtins.list[str]:
        ids: list[str] = []
        where = path("datasets", dataset_id, "examples")
        query = (("dataset_version_id", version),) if version is not None else ()
        for part in parts:
            try:
                answer = await post(
                    self._runtime, where, body_with("examples", part), DatasetVersionWithExampleIds, query=query
                )
            except PromptOpsError as exc:
                exc.details.update(dataset_id=dataset_id, stored=stored)
                if stored:
                    exc.add_note(f"dataset {dataset_id} was {kind} in part: its first {stored} examples are stored")
                raise
            ids += answer.example_ids
            stored += len(part)
        return ids

    async def _id(self, dataset: str, project: str | None) -> str:
        return await dataset_id_of(self._runtime, dataset, project or self._project)

    async def _scope(self, project: str | None) -> str | None:
        return await space_id_of(self._runtime, project or self._project)


class SyncDatasets(SyncResource[AsyncDatasets]):
    """Blocking view of :class:`AsyncDatasets`."""

    create = bridge(AsyncDatasets.create)
    get = bridge(AsyncDatasets.get)
    list_page = bridge(AsyncDatasets.list_page)
    iterate = bridge_iter(AsyncDatasets.iterate)
    list = bridge(AsyncDatasets.list)
    delete = bridge(AsyncDatasets.delete)
    insert = bridge(AsyncDatasets.insert)
    iterate_examples = bridge_iter(AsyncDatasets.iterate_examples)
    examples = bridge(AsyncDatasets.examples)
