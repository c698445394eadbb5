"""Datasets in a local file: each append makes a new version, and the ones before stay as they were."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

import msgspec
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.experiments._blocking import RunBlocking
from promptops.experiments._examples import encoded_examples
from promptops.experiments._resolve import not_found
from promptops.experiments.datasets import to_dataframe, write_examples
from promptops.experiments.datasets._reading import Format
from promptops.experiments.datasets._splits import in_split
from promptops.experiments.journal import Journal
from promptops.experiments.journal._group import insert_rows
from promptops.experiments.journal._schema import EXAMPLES
from promptops.experiments.stores import Capabilities, StoredDataset, StoredVersion
from promptops.models import prepared
from promptops.models.datasets import DatasetExample

if TYPE_CHECKING:
    import sqlite3

__all__ = ["LocalDatasetStore"]

_CAPABILITIES: Final = Capabilities(
    store="local", features=frozenset({"append_examples", "delete_dataset", "versions", "snapshots"})
)
_PAGE: Final = 500
_ROWS_PER_TRANSACTION: Final = 5000
_LOCK_SECONDS: Final = 30.0
_LONGEST_NAME: Final = 255


class _Found(msgspec.Struct, frozen=True):
    number: int
    dataset: StoredDataset


class LocalDatasetStore:
    """Datasets in the file of a journal; see :class:`DatasetStore` for what each call does."""

    def __init__(self, journal: Journal, run_blocking: RunBlocking) -> None:
        self._journal = journal
        self._run = run_blocking

    @property
    def capabilities(self) -> Capabilities:
        """What the store can do."""
        return _CAPABILITIES

    async def create(self, name: str, examples: Iterable[Mapping[str, Any] | DatasetExample]) -> StoredDataset:
        """See :class:`DatasetStore`."""
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise ValidationError(f"a dataset's name has 1 to {_LONGEST_NAME} characters; {name[:300]!r} does not fit")
        encoded = encoded_examples(examples)
        return await self._run(self._create, name, encoded)

    async def append(self, dataset: str, examples: Iterable[Mapping[str, Any] | DatasetExample]) -> list[str]:
        """See :class:`DatasetStore`."""
        encoded = encoded_examples(examples)
        return await self._run(self._append, dataset, encoded)

    async def get(self, dataset: str) -> StoredDataset:
        """See :class:`DatasetStore`."""
        return (await self._run(self._find, dataset)).dataset

    async def iterate(self) -> AsyncIterator[StoredDataset]:
        """See :class:`DatasetStore`."""
        for found in await self._run(self._all):
            yield found

    async def examples(
        self, dataset: str, *, version: str | None = None, split: str | None = None
    ) -> AsyncIterator[DatasetExample]:
        """See :class:`DatasetStore`."""
        found = await self._run(self._find, dataset)
        since = _number_of(found.dataset, version)
        last: int | None = 0
        while last is not None:
            page, last = await self._run(self._page, found.number, since, last)
            for example in in_split(page, split):
                yield example

    async def export(
        self,
        dataset: str,
        path: str | PathLike[str],
        *,
        version: str | None = None,
        split: str | None = None,
        format: Format | None = None,  # noqa: A002 - what it is called
        id_column: str | None = "id",
    ) -> int:
        """Write the examples of a dataset to a file, and return how many; see :meth:`AsyncDatasets.export`."""
        examples = [example async for example in self.examples(dataset, version=version, split=split)]
        return await self._run(write_examples, examples, path, format=format, id_column=id_column)

    async def to_dataframe(
        self, dataset: str, *, version: str | None = None, split: str | None = None, id_column: str | None = "id"
    ) -> Any:
        """Return the examples of a dataset as a ``pandas.DataFrame``; see :func:`datasets.to_dataframe`."""
        return to_dataframe(
            [example async for example in self.examples(dataset, version=version, split=split)], id_column=id_column
        )

    async def delete(self, dataset: str) -> None:
        """See :class:`DatasetStore`."""
        await self._run(self._delete, dataset)

    def _create(self, name: str, encoded: Sequence[bytes]) -> StoredDataset:
        # Without a version nothing of it is to be seen, until the last example is in.
        hidden = StoredDataset(id=f"ds-{uuid.uuid4().hex}", name=name, created_at=datetime.now(UTC))

        def insert(connection: sqlite3.Connection) -> int:
            taken = connection.execute("SELECT record FROM datasets WHERE name = ?", (name,)).fetchone()
            if taken is not None:
                raise ConflictError(
                    f"a dataset is named {name!r} already; append to it, or choose another name",
                    details={"dataset_id": _decoded(taken[0]).id},
                )
            cursor = connection.execute(
                "INSERT INTO datasets(id, name, record) VALUES (?, ?, ?)", (hidden.id, name, _encoded(hidden))
            )
            return cursor.lastrowid or 0

        with self._journal.lock(hidden.id, timeout=_LOCK_SECONDS):
            number = self._journal.transaction(insert)
            try:
                self._insert(_Found(number, hidden), encoded)
            except BaseException:
                self._journal.transaction(lambda connection: _remove(connection, number))
                raise
        return self._find(hidden.id).dataset

    def _append(self, dataset: str, encoded: Sequence[bytes]) -> list[str]:
        found = self._find(dataset)
        with self._journal.lock(found.dataset.id, timeout=_LOCK_SECONDS) as held:
            if not held:
                raise ConflictError(f"another process is changing dataset {found.dataset.name!r}; try again later")
            return self._insert(self._find(found.dataset.id), encoded)

    def _insert(self, found: _Found, encoded: Sequence[bytes]) -> list[str]:
        since = len(found.dataset.versions) + 1
        now = time.time()
        ids = [f"ex-{uuid.uuid4().hex}" for _ in encoded]
        self._journal.transaction(
            # What an append that was killed left behind.
            lambda connection: connection.execute(
                "DELETE FROM examples WHERE dataset = ? AND since >= ?", (found.number, since)
            )
        )
        for start in range(0, len(encoded), _ROWS_PER_TRANSACTION):
            rows = [
                (found.number, ids[index], since, encoded[index].decode(), now)
                for index in range(start, min(start + _ROWS_PER_TRANSACTION, len(encoded)))
            ]
            self._journal.transaction(partial(insert_rows, statement=EXAMPLES, rows=rows))
        version = StoredVersion(
            id=f"{found.dataset.id}-v{since}", name=str(since), created_at=datetime.fromtimestamp(now, UTC)
        )
        grown = msgspec.structs.replace(found.dataset, versions=(version, *found.dataset.versions))
        self._journal.transaction(
            lambda connection: connection.execute(
                "UPDATE datasets SET record = ? WHERE number = ?", (_encoded(grown), found.number)
            )
        )
        return ids

    def _find(self, dataset: str) -> _Found:
        query = "SELECT number, record FROM datasets WHERE id = ? OR name = ? ORDER BY id = ? DESC"
        with self._journal.reading() as connection:
            row = connection.execute(query, (dataset, dataset, dataset)).fetchone()
        if row is None:
            raise not_found("dataset", dataset, [found.name for found in self._all()], where=" in the local store")
        return _Found(row[0], _decoded(row[1]))

    def _all(self) -> list[StoredDataset]:
        with self._journal.reading() as connection:
            rows = connection.execute("SELECT record FROM datasets ORDER BY number DESC").fetchall()
        found = [_decoded(row[0]) for row in rows]
        return [msgspec.structs.replace(dataset, versions=()) for dataset in found if dataset.versions]

    def _page(self, number: int, since: int, last: int) -> tuple[list[DatasetExample], int | None]:
        query = """SELECT number, id, fields, created_at FROM examples
            WHERE dataset = ? AND number > ? AND since <= ? ORDER BY number LIMIT ?"""
        with self._journal.reading() as connection:
            rows = connection.execute(query, (number, last, since, _PAGE)).fetchall()
        page = [
            DatasetExample(
                id=row[1],
                fields=msgspec.json.decode(row[2], type=dict[str, Any]),
                created_at=datetime.fromtimestamp(row[3], UTC),
                updated_at=datetime.fromtimestamp(row[3], UTC),
            )
            for row in rows
        ]
        return page, rows[-1][0] if len(rows) == _PAGE else None

    def _delete(self, dataset: str) -> None:
        number = self._find(dataset).number
        self._journal.transaction(lambda connection: _remove(connection, number))


def _number_of(dataset: StoredDataset, version: str | None) -> int:
    if version is None:
        return len(dataset.versions)
    for found in dataset.versions:
        if found.id == version:
            return int(found.name)
    raise NotFoundError(f"dataset {dataset.name!r} has no version {version!r}; its latest is {dataset.versions[0].id}")


def _remove(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("DELETE FROM examples WHERE dataset = ?", (number,))
    connection.execute("DELETE FROM datasets WHERE number = ?", (number,))


def _encoded(dataset: StoredDataset) -> str:
    return msgspec.json.encode(dataset).decode()


def _decoded(text: str) -> StoredDataset:
    return msgspec.json.decode(text, type=prepared(StoredDataset))
