"""The datasets resource."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from os import PathLike
from typing import Any

import msgspec
from promptops.core.bridge import SyncResource, bridge, bridge_iter
from promptops.core.errors import PromptOpsError
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.experiments._chunks import body_with, chunked
from promptops.experiments._dataset_writes import AsyncDatasetWrites
from promptops.experiments._examples import encoded_examples
from promptops.experiments._http import ITEMS_PER_PAGE, NAMED_PER_PAGE, delete, fetch, path, post
from promptops.experiments._lookup import space_id_of
from promptops.experiments._pages import datasets_page, examples_page
from promptops.experiments._resolve import exactly_one, looks_like_id, not_found
from promptops.experiments.datasets._changes import DatasetChanges
from promptops.experiments.datasets._reading import Format
from promptops.experiments.datasets._splits import SPLIT, Splitter, split_of
from promptops.experiments.datasets._spool import Spool
from promptops.experiments.datasets._writing import ExampleWriter
from promptops.models import Dataset, DatasetVersionWithExampleIds
from promptops.models.datasets import DatasetExample

__all__ = ["AsyncDatasets", "SyncDatasets"]


class AsyncDatasets(AsyncDatasetWrites):
    """Datasets: create, read, change and delete.

    A dataset is named by its id or by its exact name; ``project`` (a name or an id) says where to look and defaults
    to the client's project, then to all that the key grants.
    """

    async def get(self, dataset: str, *, project: str | None = None) -> Dataset:
        """Return the dataset of that id or exact name, with its versions, newest first.

        Raises:
            NotFoundError: There is none; close names are suggested.
        """
        return await fetch(self._runtime, path("datasets", await self._dataset_id(dataset, project)), Dataset)

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
        await delete(self._runtime, path("datasets", await self._dataset_id(dataset, project)))

    async def insert(
        self,
        dataset: str,
        examples: Iterable[Mapping[str, Any] | DatasetExample],
        *,
        version: str | None = None,
        project: str | None = None,
    ) -> builtins.list[str]:
        """Append examples to a version of a dataset in place, and return their ids, in the order given.

        :meth:`append` makes a new version instead, and leaves this one as it is for the experiments that used it.

        Args:
            dataset: Its id or exact name.
            examples: As for :meth:`create`, without ids.
            version: The id of the version; the latest when absent.
            project: Where to look for the name.

        Raises:
            PromptOpsError: A part failed; ``details`` says how many examples are ``stored``.
        """
        parts = chunked(encoded_examples(examples))
        dataset_id = await self._dataset_id(dataset, project)
        return await self._insert_parts(dataset_id, parts, stored=0, kind="extended", version=version)

    async def iterate_examples(
        self, dataset: str, *, version: str | None = None, split: str | None = None, project: str | None = None
    ) -> AsyncIterator[DatasetExample]:
        """Yield the examples, oldest first, in pages of 500.

        Args:
            dataset: Its id or exact name.
            version: The id or name of a version; the latest when absent.
            split: Only the examples of this split.
            project: Where to look for the name.
        """
        dataset_id = await self._dataset_id(dataset, project)
        version_id = await self._version_id(dataset_id, version)
        pages = iterate_cursor(
            lambda cursor: examples_page(self._runtime, cursor, dataset_id=dataset_id, version=version_id, split=split)
        )
        async for example in pages:
            yield example

    async def examples(
        self, dataset: str, *, version: str | None = None, split: str | None = None, project: str | None = None
    ) -> builtins.list[DatasetExample]:
        """Return all examples, oldest first; the arguments are those of :meth:`iterate_examples`."""
        found = self.iterate_examples(dataset, version=version, split=split, project=project)
        return [example async for example in found]

    async def assign_split(
        self,
        dataset: str,
        shares: Mapping[str, float],
        *,
        seed: int = 0,
        by: str = "id",
        project: str | None = None,
    ) -> DatasetChanges:
        """Put every example of a dataset into a split, in a new version.

        Which split it is depends on nothing but the seed and the id (or the field ``by``): after an append, the same
        call assigns the new examples, and moves no other one.

        Args:
            dataset: Its id or exact name.
            shares: Splits and their shares of the whole, for example ``{"train": 0.8, "test": 0.2}``; what they leave
                of 1 is in no split.
            seed: Another seed gives another assignment.
            by: A field: examples with the same value of it are in the same split.
            project: Where to look for the name.

        Raises:
            ValidationError: The shares are no shares, or an example has not got the field ``by``.
            ConflictError: Somebody else changed the dataset meanwhile; nothing was changed.
        """
        splitter = Splitter(shares, seed=seed, by=by)
        dataset_id = await self._dataset_id(dataset, project)
        found = await self.get(dataset_id)
        latest = found.versions[0].id if isinstance(found.versions, builtins.list) and found.versions else ""
        count = 0
        with Spool() as spool:
            async for example in self.iterate_examples(dataset_id):
                count += 1
                split = splitter(example)
                if example.get(SPLIT) != split:
                    spool.add(msgspec.json.encode({"id": example.id, SPLIT: split}))
            if not spool.count:
                return DatasetChanges(dataset_id=dataset_id, version_id=latest, unchanged=count, total=count)
            changes = await self._change(dataset_id, "update", spool, None, None)
        return msgspec.structs.replace(changes, unchanged=count - changes.updated)

    async def splits(
        self, dataset: str, *, version: str | None = None, project: str | None = None
    ) -> dict[str | None, int]:
        """Return how many examples each split has; None stands for the examples that are in no split."""
        counts: Counter[str | None] = Counter()
        async for example in self.iterate_examples(dataset, version=version, project=project):
            counts[split_of(example)] += 1
        return dict(counts)

    async def export(
        self,
        dataset: str,
        path: str | PathLike[str],
        *,
        version: str | None = None,
        split: str | None = None,
        format: Format | None = None,  # noqa: A002 - what it is called
        id_column: str | None = "id",
        project: str | None = None,
    ) -> int:
        """Write the examples of a dataset to a file, and return how many.

        The file can be read with :func:`read_examples`; with its ids it can be imported, upserted or used to update.
        It is there once it is complete, and not before.

        Args:
            dataset: Its id or exact name.
            path: Where to write; the ending says the format: CSV, JSONL, JSON or Parquet.
            version: The id or name of a version; the latest when absent.
            split: Only the examples of this split.
            format: The format, whatever the ending.
            id_column: The column for the ids; None leaves them out.
            project: Where to look for the name.

        Raises:
            ValidationError: The format is not known, or an example has a field named as the id.
            ConfigurationError: The format needs a library that is not installed; the message names the extra.
            OSError: The file cannot be written.
        """
        found = self.iterate_examples(dataset, version=version, split=split, project=project)
        with ExampleWriter(path, format=format, id_column=id_column) as writer:
            page: builtins.list[DatasetExample] = []
            async for example in found:
                page.append(example)
                if len(page) == ITEMS_PER_PAGE:
                    await self._runtime.run_blocking(writer.write, page)
                    page = []
            await self._runtime.run_blocking(writer.write, page)
            await self._runtime.run_blocking(writer.finish)
            return writer.count

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

    async def _version_id(self, dataset_id: str, version: str | None) -> str | None:
        if version is None or looks_like_id(version):
            return version
        versions = (await fetch(self._runtime, path("datasets", dataset_id), Dataset)).versions
        known = versions if isinstance(versions, builtins.list) else []
        found = exactly_one("version", version, known, hint="pass the id of the one meant")
        if found is None:
            raise not_found("version", version, [item.name for item in known], where=" in this dataset")
        return found.id

    async def _scope(self, project: str | None) -> str | None:
        return await space_id_of(self._runtime, project or self._project)


class SyncDatasets(SyncResource[AsyncDatasets]):
    """Blocking view of :class:`AsyncDatasets`."""

    create = bridge(AsyncDatasets.create)
    append = bridge(AsyncDatasets.append)
    update = bridge(AsyncDatasets.update)
    upsert = bridge(AsyncDatasets.upsert)
    plan_replace = bridge(AsyncDatasets.plan_replace)
    replace = bridge(AsyncDatasets.replace)
    discard_plan = bridge(AsyncDatasets.discard_plan)
    set_schema = bridge(AsyncDatasets.set_schema)
    assign_split = bridge(AsyncDatasets.assign_split)
    splits = bridge(AsyncDatasets.splits)
    export = bridge(AsyncDatasets.export)
    get = bridge(AsyncDatasets.get)
    list_page = bridge(AsyncDatasets.list_page)
    iterate = bridge_iter(AsyncDatasets.iterate)
    list = bridge(AsyncDatasets.list)
    delete = bridge(AsyncDatasets.delete)
    insert = bridge(AsyncDatasets.insert)
    iterate_examples = bridge_iter(AsyncDatasets.iterate_examples)
    examples = bridge(AsyncDatasets.examples)
