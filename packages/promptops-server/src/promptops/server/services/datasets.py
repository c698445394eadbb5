"""The rules of datasets and their examples."""

from __future__ import annotations

from typing import Final

from promptops.core.errors import NotFoundError
from promptops.core.json_schema import compile_object_schema
from promptops.server import wire
from promptops.server.cursors import Cursors
from promptops.server.examples import check_items, check_schema
from promptops.server.grants import Grant
from promptops.server.idempotency import InFlight, Once
from promptops.server.queries import DatasetListQuery, ExampleListQuery
from promptops.server.refusals import invalid
from promptops.server.services.pages import ExamplePage, page_of, pagination
from promptops.server.services.projects import Projects
from promptops.server.stores.protocol import DatasetStore

__all__ = ["DatasetService", "check_dataset_name", "check_version_name", "missing_dataset"]

_LONGEST_NAME: Final = 1000


class DatasetService:
    """What a caller can do with datasets; each method takes the grant first."""

    def __init__(self, store: DatasetStore, projects: Projects, cursors: Cursors, in_flight: InFlight) -> None:
        self._store = store
        self._projects = projects
        self._cursors = cursors
        self._in_flight = in_flight

    async def list(self, grant: Grant, query: DatasetListQuery) -> wire.DatasetList:
        """Datasets, newest first."""
        grant = await self._projects.within(grant, query.space_id, query.space_name)
        question = ("datasets", query.name)
        position = self._cursors.open(grant, question, query.cursor)
        datasets, after = await self._store.list_datasets(
            grant, name=query.name, limit=query.limit, before=int(position[0]) if position else None
        )
        return wire.DatasetList(
            datasets=datasets,
            pagination=pagination(self._cursors, grant, question, None if after is None else (after,)),
        )

    async def create(self, grant: Grant, body: wire.DatasetCreate, *, once: Once | None) -> wire.Dataset:
        """Create a dataset with its first examples.

        Raises:
            ValidationError: The name is blank or an example is not allowed.
            ConflictError: The name is taken in the space.
        """
        grant = await self._projects.within(grant, body.space_id)
        check_dataset_name(body.name)
        check_items(body.examples, ids=False)
        with self._in_flight.claim(once):
            return await self._store.insert_dataset(grant, body.name, body.examples, once)

    async def get(self, grant: Grant, dataset_id: str) -> wire.Dataset:
        """A dataset with its versions.

        Raises:
            NotFoundError: There is none.
        """
        dataset = await self._store.get_dataset(grant, dataset_id)
        if dataset is None:
            raise missing_dataset(dataset_id)
        return dataset

    async def rename(
        self, grant: Grant, dataset_id: str, body: wire.DatasetUpdate, *, once: Once | None
    ) -> wire.Dataset:
        """Give a dataset another name.

        Raises:
            NotFoundError: There is no such dataset.
            ValidationError: The name is blank or too long.
            ConflictError: The name is taken in the space.
        """
        check_dataset_name(body.name)
        with self._in_flight.claim(once):
            dataset = await self._store.rename_dataset(grant, dataset_id, body.name, once)
        if dataset is None:
            raise missing_dataset(dataset_id)
        return dataset

    async def delete(self, grant: Grant, dataset_id: str, *, once: Once | None) -> None:
        """Delete a dataset, its examples and its experiments.

        Raises:
            NotFoundError: There is none.
        """
        with self._in_flight.claim(once):
            if await self._store.delete_dataset(grant, dataset_id, once) is None:
                raise missing_dataset(dataset_id)

    async def examples(self, grant: Grant, dataset_id: str, query: ExampleListQuery) -> ExamplePage:
        """The examples of a version, the latest unless one is named; oldest first.

        Raises:
            NotFoundError: There is no such dataset or version.
        """
        question = ("examples", dataset_id, query.dataset_version_id, query.split)
        after = self._cursors.open(grant, question, query.cursor)
        rows = await self._store.list_examples(
            grant, dataset_id, query.dataset_version_id, limit=query.limit, after=after, split=query.split
        )
        if rows is None:
            raise missing_dataset(dataset_id, query.dataset_version_id)
        return ExamplePage(rows.items, page_of(self._cursors, grant, question, rows))

    async def insert_examples(
        self,
        grant: Grant,
        dataset_id: str,
        body: wire.DatasetExamplesInsert,
        *,
        version: str | None,
        once: Once | None,
    ) -> wire.DatasetVersionWithExampleIds:
        """Append examples to a version, the latest unless one is named.

        Raises:
            NotFoundError: There is no such dataset or version.
            ValidationError: An example is not allowed.
        """
        check_items(body.examples, ids=False)
        with self._in_flight.claim(once):
            inserted = await self._store.insert_examples(
                grant, dataset_id, version, body.examples, once, check=check_schema
            )
        if inserted is None:
            raise missing_dataset(dataset_id, version)
        return inserted

    async def set_schema(
        self, grant: Grant, dataset_id: str, body: wire.DatasetSchema, *, once: Once | None
    ) -> wire.Dataset:
        """Set the schema that new examples must meet; those that are there stay as they are.

        Raises:
            NotFoundError: There is no such dataset.
            ValidationError: The schema has keywords that are wrong or not supported.
        """
        if body.example_schema is not None:
            compile_object_schema(body.example_schema, field="example_schema")
        with self._in_flight.claim(once):
            dataset = await self._store.set_schema(grant, dataset_id, body.example_schema, once)
        if dataset is None:
            raise missing_dataset(dataset_id)
        return dataset


def check_dataset_name(name: str) -> None:
    """Refuse a name that is blank or longer than 1,000 characters."""
    if not name.strip():
        raise invalid("name", "must not be blank")
    if len(name) > _LONGEST_NAME:
        raise invalid("name", f"at most {_LONGEST_NAME} characters", "too_long")


def check_version_name(field: str, name: str | None) -> None:
    """Refuse a name of blanks; an empty one is none."""
    if name and not name.strip():
        raise invalid(field, "must not be blank")


def missing_dataset(dataset_id: str, version: str | None = None) -> NotFoundError:
    """The error for a dataset, or a version of it, that is not there."""
    if version is None:
        return NotFoundError(f"There is no dataset '{dataset_id}' in the projects of this key.")
    return NotFoundError(f"There is no version '{version}' of dataset '{dataset_id}' in the projects of this key.")
