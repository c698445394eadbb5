"""Datasets, their versions and examples in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw, UnsetType
from promptops.core.errors import ConflictError
from promptops.server import wire
from promptops.server.examples import SPLIT, item_of
from promptops.server.grants import Grant
from promptops.server.idempotency import Once
from promptops.server.ids import new_id
from promptops.server.row_filters import Filter
from promptops.server.stores._audit import record
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._dataset_rows import COLUMNS, dataset_of, find_dataset, find_version
from promptops.server.stores._example_rows import add_rows
from promptops.server.stores._row_filters import Columns, condition_of
from promptops.server.stores._session import Row, Session, moment
from promptops.server.stores.draft_protocol import SchemaCheck
from promptops.server.stores.protocol import Rows
from promptops.server.stores.scope import Scoped

__all__ = ["SqliteDatasets"]

_encode = msgspec.json.Encoder().encode

# ruff: noqa: S608 - every statement below is put together from constants of this module; values are parameters
_LIST: Final = Scoped(
    f"SELECT {COLUMNS} FROM datasets d WHERE {{d:granted}} AND (:before IS NULL OR d.seq < :before)"
    " AND d.staged_name IS NULL AND (:name IS NULL OR instr(lower(d.name), lower(:name)) > 0)"
    " ORDER BY d.seq DESC LIMIT :limit"
)
_INSERT: Final = Scoped(
    "INSERT INTO datasets (id, project_id, name, created_at, updated_at) VALUES (:id, :project_id, :name, :now, :now)"
)
_INSERT_VERSION: Final = Scoped(
    "INSERT INTO dataset_versions (id, dataset_id, project_id, name, created_at, updated_at)"
    " VALUES (:id, :dataset_id, :project_id, :name, :now, :now)"
)
_TOUCH: Final = Scoped("UPDATE datasets AS d SET updated_at = :now WHERE d.id = :id AND {d:granted}")
_TOUCH_VERSION: Final = Scoped("UPDATE dataset_versions AS v SET updated_at = :now WHERE v.id = :id AND {v:granted}")
_RENAME: Final = Scoped("UPDATE datasets AS d SET name = :name, updated_at = :now WHERE d.id = :id AND {d:granted}")
_DELETE: Final = Scoped("DELETE FROM datasets AS d WHERE d.id = :id AND {d:granted}")
_SET_SCHEMA: Final = Scoped(
    "UPDATE datasets AS d SET example_schema = :example_schema, updated_at = :now WHERE d.id = :id AND {d:granted}"
)
_EXAMPLES: Final = (
    "SELECT e.id, e.created_at, e.updated_at, e.document, e.split FROM examples e"
    " WHERE e.version_id = :version_id AND {e:granted}"
    " AND (e.created_at, e.id) > (:after_time, :after_id)"
    " AND (:split IS NULL OR coalesce(e.split, json_extract(e.document, '$.split')) = :split)"
)
_EXAMPLES_ORDER: Final = " ORDER BY e.created_at, e.id LIMIT :limit"
_EXAMPLE_COLUMNS: Final = Columns("e.document", {"id": "e.id", SPLIT: "e.split"})


class SqliteDatasets(SqliteBase):
    """See :class:`promptops.server.stores.protocol.DatasetStore`."""

    async def get_dataset(self, grant: Grant, dataset_id: str) -> wire.Dataset | None:
        """A dataset with its versions."""
        return find_dataset(self._inline, grant, dataset_id)

    async def list_datasets(
        self, grant: Grant, *, name: str | None, limit: int, before: int | None
    ) -> tuple[list[wire.Dataset], int | None]:
        """Newest first, and the position after the page when there is more."""

        def work(session: Session) -> tuple[list[wire.Dataset], int | None]:
            rows = session.all(_LIST, grant, name=name, before=before, limit=limit + 1)
            page = rows[:limit]
            return [dataset_of(row) for row in page], page[-1][5] if len(rows) > limit else None

        return await self._listing(work)

    async def insert_dataset(
        self, grant: Grant, name: str, examples: Sequence[wire.JsonObject], once: Once | None
    ) -> wire.Dataset:
        """Create a dataset with one version in the default project."""

        def work(session: Session) -> wire.Dataset:
            dataset_id, version_id, project = new_id("Dataset"), new_id("DatasetVersion"), grant.default
            now = session.now()
            try:
                session.run(_INSERT, grant, id=dataset_id, project_id=project, name=name, now=now)
            except sqlite3.IntegrityError as error:
                raise ConflictError(f"A dataset named '{name}' exists in this space; give another name.") from error
            session.run(
                _INSERT_VERSION, grant, id=version_id, dataset_id=dataset_id, project_id=project, name="v1", now=now
            )
            add_rows(session, grant, project, version_id, [item_of(example) for example in examples])
            created = find_dataset(session, grant, dataset_id)
            if created is None:
                raise RuntimeError("a dataset that was just written is not there")
            record(session, grant, "dataset", "created", dataset_id, project_id=project, version=version_id)
            return created

        return await self._write(once, work)

    async def rename_dataset(self, grant: Grant, dataset_id: str, name: str, once: Once | None) -> wire.Dataset | None:
        """Give a dataset another name."""

        def work(session: Session) -> wire.Dataset | None:
            dataset = find_dataset(session, grant, dataset_id)
            if dataset is None:
                return None
            try:
                session.run(_RENAME, grant, id=dataset_id, name=name, now=session.now())
            except sqlite3.IntegrityError as error:
                raise ConflictError(f"A dataset named '{name}' exists in this space; give another name.") from error
            record(session, grant, "dataset", "renamed", dataset_id, project_id=dataset.space_id)
            return find_dataset(session, grant, dataset_id)

        return await self._write(once, work)

    async def delete_dataset(self, grant: Grant, dataset_id: str, once: Once | None) -> bool | None:
        """Delete a dataset and everything below it; None when there is none."""

        def work(session: Session) -> bool | None:
            dataset = find_dataset(session, grant, dataset_id)
            if dataset is None:
                return None
            session.run(_DELETE, grant, id=dataset_id)
            record(session, grant, "dataset", "deleted", dataset_id, project_id=dataset.space_id)
            return True

        return await self._write(once, work)

    async def list_examples(
        self,
        grant: Grant,
        dataset_id: str,
        version_id: str | None,
        *,
        limit: int,
        after: tuple[int | str, ...] | None,
        split: str | None = None,
        where: Filter | None = None,
    ) -> Rows | None:
        """The examples of a version (the latest) in the order of creation; ``split`` and ``where`` keep some."""
        after_time, after_id, *begun = after or (0, "")
        # A list of the latest version stays with the one that it began with.
        wanted = version_id or (str(begun[0]) if begun else None)
        condition, values = condition_of(where, _EXAMPLE_COLUMNS)
        statement = Scoped(f"{_EXAMPLES} AND {condition}{_EXAMPLES_ORDER}")

        def work(session: Session) -> Rows | None:
            version = find_version(session, grant, dataset_id, wanted)
            if version is None:
                return None
            place = {"version_id": version.id, "after_time": after_time, "after_id": after_id}
            rows = session.all(statement, grant, **place, **values, split=split, limit=limit + 1)
            page = rows[:limit]
            last = (page[-1][1], page[-1][0], version.id) if len(rows) > limit else None
            return Rows(items=[_example(row) for row in page], after=last)

        return await (self._listing(work) if where is None else self._searching(work))

    async def insert_examples(
        self,
        grant: Grant,
        dataset_id: str,
        version_id: str | None,
        examples: Sequence[wire.JsonObject],
        once: Once | None,
        *,
        check: SchemaCheck | None = None,
    ) -> wire.DatasetVersionWithExampleIds | None:
        """Append examples to a version (the latest)."""

        def work(session: Session) -> wire.DatasetVersionWithExampleIds | None:
            dataset = find_dataset(session, grant, dataset_id)
            version = find_version(session, grant, dataset_id, version_id)
            if dataset is None or version is None:
                return None
            items = [item_of(example) for example in examples]
            if check is not None and not isinstance(dataset.example_schema, UnsetType):
                check({index: item.fields for index, item in enumerate(items)}, dataset.example_schema)
            ids = add_rows(session, grant, dataset.space_id, version.id, items)
            now = session.now()
            session.run(_TOUCH, grant, id=dataset_id, now=now)
            session.run(_TOUCH_VERSION, grant, id=version.id, now=now)
            project = dataset.space_id
            record(session, grant, "dataset", "examples_added", dataset_id, project_id=project, version=version.id)
            return wire.DatasetVersionWithExampleIds(
                id=dataset.id,
                name=dataset.name,
                space_id=dataset.space_id,
                created_at=dataset.created_at,
                updated_at=moment(now),
                dataset_version_id=version.id,
                example_ids=ids,
            )

        return await self._write(once, work)

    async def set_schema(
        self, grant: Grant, dataset_id: str, example_schema: wire.JsonObject | None, once: Once | None
    ) -> wire.Dataset | None:
        """Set the schema that new examples must meet; None for none."""

        def work(session: Session) -> wire.Dataset | None:
            dataset = find_dataset(session, grant, dataset_id)
            if dataset is None:
                return None
            text = None if example_schema is None else _encode(example_schema).decode()
            session.run(_SET_SCHEMA, grant, id=dataset_id, example_schema=text, now=session.now())
            record(session, grant, "dataset", "schema_set", dataset_id, project_id=dataset.space_id)
            return find_dataset(session, grant, dataset_id)

        return await self._write(once, work)


def _example(row: Row) -> Raw:
    # The document is a JSON object with at least one field; the server's own fields go in front of the user's.
    own = {"id": row[0], "created_at": moment(row[1]), "updated_at": moment(row[2])}
    head = _encode(own if row[4] is None else {**own, SPLIT: row[4]})
    return Raw(head[:-1] + b"," + row[3][1:].encode())
