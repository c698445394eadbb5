"""The rules of searching examples, and of changing those that are there."""

from __future__ import annotations

from promptops.core.errors import ValidationError
from promptops.server import wire
from promptops.server.cursors import Cursors
from promptops.server.examples import check_items, check_schema
from promptops.server.grants import Grant
from promptops.server.idempotency import InFlight, Once
from promptops.server.row_filters import parse_filter
from promptops.server.services.datasets import check_version_name, missing_dataset
from promptops.server.services.pages import DEFAULT_ROWS, ExamplePage, page_of
from promptops.server.stores.protocol import DatasetStore, ExampleStore, Store

__all__ = ["ExampleService"]


class ExampleService:
    """What a caller can do with examples; each method takes the grant first."""

    def __init__(self, store: Store, cursors: Cursors, in_flight: InFlight) -> None:
        self._datasets: DatasetStore = store
        self._store: ExampleStore = store
        self._cursors = cursors
        self._in_flight = in_flight

    async def search(self, grant: Grant, dataset_id: str, body: wire.DatasetExamplesSearch) -> ExamplePage:
        """The examples of a version, the latest unless one is named, those that a filter keeps; oldest first.

        Raises:
            NotFoundError: There is no such dataset or version.
            QueryError: The filter is blank.
            ValidationError: The filter cannot be read.
        """
        where = parse_filter(body.filter)
        version = body.dataset_version_id or None
        question = ("examples found", dataset_id, version, body.filter)
        after = self._cursors.open(grant, question, body.cursor)
        rows = await self._datasets.list_examples(
            grant, dataset_id, version, limit=body.limit or DEFAULT_ROWS, after=after, where=where
        )
        if rows is None:
            raise missing_dataset(dataset_id, version)
        return ExamplePage(rows.items, page_of(self._cursors, grant, question, rows))

    async def update(
        self,
        grant: Grant,
        dataset_id: str,
        body: wire.DatasetExamplesUpdate,
        *,
        version: str | None,
        once: Once | None,
    ) -> wire.DatasetVersionWithExampleIds:
        """Add and replace fields of examples, in place or in a new version; ids that nobody has are left out.

        Raises:
            NotFoundError: There is no such dataset or version.
            ConflictError: The dataset has a version of the new name.
            ValidationError: The new name is blank, or an example is not allowed.
        """
        check_version_name("new_version", body.new_version)
        check_items(body.examples, ids=True, partial=True)
        _refuse_repeated("examples[{}].id", [example["id"] for example in body.examples])
        with self._in_flight.claim(once):
            updated = await self._store.update_examples(
                grant,
                dataset_id,
                version,
                body.examples,
                once,
                new_version=body.new_version,
                check=check_schema,
            )
        if updated is None:
            raise missing_dataset(dataset_id, version)
        return updated

    async def delete(
        self, grant: Grant, dataset_id: str, body: wire.DatasetExamplesDelete, *, once: Once | None
    ) -> wire.DatasetExamplesDeleted:
        """Remove examples from a version.

        Raises:
            NotFoundError: There is no such dataset or version.
            ValidationError: An id is named twice.
        """
        _refuse_repeated("example_ids[{}]", body.example_ids)
        version = body.dataset_version_id
        with self._in_flight.claim(once):
            deleted = await self._store.delete_examples(grant, dataset_id, version, body.example_ids, once)
        if deleted is None:
            raise missing_dataset(dataset_id, version)
        return deleted


def _refuse_repeated(field: str, ids: list[str]) -> None:
    seen: set[str] = set()
    problems: list[dict[str, str]] = []
    for index, each in enumerate(ids):
        if each in seen:
            problems.append({"field": field.format(index), "message": "named twice", "code": "duplicate_id"})
        seen.add(each)
    if problems:
        raise ValidationError(f"{problems[0]['field']}: {problems[0]['message']}", validation_errors=problems)
