"""Datasets, their versions and examples in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType
from promptops.core.errors import ConflictError
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.idempotency import Once
from promptops.server.ids import new_id
from promptops.server.stores._audit import record
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._session import Row, Session, moment
from promptops.server.stores.protocol import Rows
from promptops.server.stores.scope import Scoped

__all__ = ["SqliteDatasets"]

_encode = msgspec.json.Encoder().encode

# ruff: noqa: S608 - every statement below is put together from constants of this module; values are parameters
_COLUMNS: Final = "d.id, d.name, d.project_id, d.created_at, d.updated_at, d.seq"
_GET: Final = Scoped(f"SELECT {_COLUMNS} FROM datasets d WHERE d.id = :id AND {{d:granted}}")
_VERSIONS: Final = Scoped(
    "SELECT v.id, v.name, v.dataset_id, v.created_at, v.updated_at FROM dataset_versions v"
    " WHERE v.dataset_id = :id AND {v:granted} ORDER BY v.seq DESC"
)
_VERSION: Final = Scoped(
    "SELECT v.id FROM dataset_versions v WHERE v.dataset_id = :id AND (:version IS NULL OR v.id = :version)"
    " AND {v:granted} ORDER BY v.seq DESC LIMIT 1"
)
_LIST: Final = Scoped(
    f"SELECT {_COLUMNS} FROM datasets d WHERE {{d:granted}} AND (:before IS NULL OR d.seq < :before)"
    " AND (:name IS NULL OR instr(lower(d.name), lower(:name)) > 0) ORDER BY d.seq DESC LIMIT :limit"
)
_INSERT: Final = Scoped(
    "INSERT INTO datasets (id, project_id, name, created_at, updated_at) VALUES (:id, :project_id, :name, :now, :now)"
)
_INSERT_VERSION: Final = Scoped(
    "INSERT INTO dataset_versions (id, dataset_id, project_id, name, created_at, updated_at)"
    " VALUES (:id, :dataset_id, :project_id, :name, :now, :now)"
)
_INSERT_EXAMPLE: Final = Scoped(
    "INSERT INTO examples VALUES (:version_id, :id, :project_id, :created_at, :created_at, :document)"
)
_TOUCH: Final = Scoped("UPDATE datasets AS d SET updated_at = :now WHERE d.id = :id AND {d:granted}")
_TOUCH_VERSION: Final = Scoped("UPDATE dataset_versions AS v SET updated_at = :now WHERE v.id = :id AND {v:granted}")
_DELETE: Final = Scoped("DELETE FROM datasets AS d WHERE d.id = :id AND {d:granted}")
_EXAMPLES: Final = Scoped(
    "SELECT e.id, e.created_at, e.updated_at, e.document FROM examples e"
    " WHERE e.version_id = :version_id AND {e:granted}"
    " AND (e.created_at, e.id) > (:after_time, :after_id) ORDER BY e.created_at, e.id LIMIT :limit"
)


class SqliteDatasets(SqliteBase):
    """See :class:`promptops.server.stores.protocol.DatasetStore`."""

    async def get_dataset(self, grant: Grant, dataset_id: str) -> wire.Dataset | None:
        """A dataset with its versions."""
        return _get(self._inline, grant, dataset_id)

    async def list_datasets(
        self, grant: Grant, *, name: str | None, limit: int, before: int | None
    ) -> tuple[list[wire.Dataset], int | None]:
        """Newest first, and the position after the page when there is more."""

        def work(session: Session) -> tuple[list[wire.Dataset], int | None]:
            rows = session.all(_LIST, grant, name=name, before=before, limit=limit + 1)
            page = rows[:limit]
            return [_dataset(row) for row in page], page[-1][5] if len(rows) > limit else None

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
            _append(session, project, version_id, examples)
            created = _get(session, grant, dataset_id)
            if created is None:
                raise RuntimeError("a dataset that was just written is not there")
            record(session, grant, "dataset", "created", dataset_id, project_id=project, version=version_id)
            return created

        return await self._write(once, work)

    async def delete_dataset(self, grant: Grant, dataset_id: str, once: Once | None) -> bool | None:
        """Delete a dataset and everything below it; None when there is none."""

        def work(session: Session) -> bool | None:
            row = session.one(_GET, grant, id=dataset_id)
            if row is None:
                return None
            session.run(_DELETE, grant, id=dataset_id)
            record(session, grant, "dataset", "deleted", dataset_id, project_id=row[2])
            return True

        return await self._write(once, work)

    async def list_examples(
        self, grant: Grant, dataset_id: str, version_id: str | None, *, limit: int, after: tuple[int | str, ...] | None
    ) -> Rows | None:
        """The examples of a version (the latest) in the order of creation."""
        after_time, after_id = after or (0, "")

        def work(session: Session) -> Rows | None:
            version = session.one(_VERSION, grant, id=dataset_id, version=version_id)
            if version is None:
                return None
            values = {"version_id": version[0], "after_time": after_time, "after_id": after_id, "limit": limit + 1}
            rows = session.all(_EXAMPLES, grant, **values)
            page = rows[:limit]
            last = (page[-1][1], page[-1][0]) if len(rows) > limit else None
            return Rows(items=[_example(row) for row in page], after=last)

        return await self._listing(work)

    async def insert_examples(
        self,
        grant: Grant,
        dataset_id: str,
        version_id: str | None,
        examples: Sequence[wire.JsonObject],
        once: Once | None,
    ) -> wire.DatasetVersionWithExampleIds | None:
        """Append examples to a version (the latest)."""

        def work(session: Session) -> wire.DatasetVersionWithExampleIds | None:
            dataset = _get(session, grant, dataset_id)
            version = session.one(_VERSION, grant, id=dataset_id, version=version_id)
            if dataset is None or version is None:
                return None
            ids = _append(session, dataset.space_id, version[0], examples)
            now = session.now()
            session.run(_TOUCH, grant, id=dataset_id, now=now)
            session.run(_TOUCH_VERSION, grant, id=version[0], now=now)
            project = dataset.space_id
            record(session, grant, "dataset", "examples_added", dataset_id, project_id=project, version=version[0])
            return wire.DatasetVersionWithExampleIds(
                id=dataset.id,
                name=dataset.name,
                space_id=dataset.space_id,
                created_at=dataset.created_at,
                updated_at=moment(now),
                dataset_version_id=version[0],
                example_ids=ids,
            )

        return await self._write(once, work)


def _get(session: Session, grant: Grant, dataset_id: str) -> wire.Dataset | None:
    row = session.one(_GET, grant, id=dataset_id)
    if row is None:
        return None
    versions = [
        wire.DatasetVersion(
            id=found[0],
            name=found[1],
            dataset_id=found[2],
            created_at=moment(found[3]),
            updated_at=moment(found[4]),
        )
        for found in session.all(_VERSIONS, grant, id=dataset_id)
    ]
    return _dataset(row, versions)


def _dataset(row: Row, versions: list[wire.DatasetVersion] | UnsetType = UNSET) -> wire.Dataset:
    return wire.Dataset(
        id=row[0],
        name=row[1],
        space_id=row[2],
        created_at=moment(row[3]),
        updated_at=moment(row[4]),
        versions=versions,
    )


def _append(session: Session, project: str, version_id: str, examples: Sequence[wire.JsonObject]) -> list[str]:
    # Each example has its own microsecond: "oldest first, then by id" is then the order in which they were given.
    first = session.now(len(examples))
    ids = [new_id("Example") for _ in examples]
    session.run_many(
        _INSERT_EXAMPLE,
        (
            {
                "version_id": version_id,
                "id": example_id,
                "project_id": project,
                "created_at": first + index,
                "document": _encode(example).decode(),
            }
            for index, (example_id, example) in enumerate(zip(ids, examples, strict=True))
        ),
    )
    return ids


def _example(row: Row) -> Raw:
    # The document is a JSON object with at least one field; the server's own fields go in front of the user's.
    head = _encode({"id": row[0], "created_at": moment(row[1]), "updated_at": moment(row[2])})
    return Raw(head[:-1] + b"," + row[3][1:].encode())
