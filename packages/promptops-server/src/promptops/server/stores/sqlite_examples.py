"""Changes of examples that are there, in SQLite: in place, or in a copy of their version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import UnsetType
from promptops.core.errors import ConflictError
from promptops.server import wire
from promptops.server.examples import SPLIT, digest_of, item_of
from promptops.server.grants import Grant
from promptops.server.idempotency import Once
from promptops.server.ids import new_id
from promptops.server.stores._audit import record
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._dataset_rows import find_dataset, find_version
from promptops.server.stores._session import Row, Session, moment
from promptops.server.stores.draft_protocol import SchemaCheck
from promptops.server.stores.scope import Scoped

__all__ = ["SqliteExamples"]

_encode = msgspec.json.Encoder().encode

_ROWS: Final = Scoped(
    "SELECT e.id, e.document, e.split FROM examples e"
    " WHERE e.version_id = :version_id AND e.id IN (SELECT value FROM json_each(:ids)) AND {e:granted}"
)
_CHANGE: Final = Scoped(
    "UPDATE examples AS e SET document = :document, digest = :digest, split = :split, updated_at = :now"
    " WHERE e.version_id = :version_id AND e.id = :id AND {e:granted}"
)
_DELETE: Final = Scoped(
    "DELETE FROM examples AS e WHERE e.version_id = :version_id AND e.id IN (SELECT value FROM json_each(:ids))"
    " AND {e:granted}"
)
_HAS_NAME: Final = Scoped(
    "SELECT 1 FROM dataset_versions v WHERE v.dataset_id = :dataset_id AND v.name = :name AND v.mode IS NULL"
    " AND {v:granted}"
)
_INSERT_VERSION: Final = Scoped(
    "INSERT INTO dataset_versions (id, dataset_id, project_id, name, created_at, updated_at)"
    " VALUES (:id, :dataset_id, :project_id, :name, :now, :now)"
)
_COPY: Final = Scoped(
    "INSERT INTO examples (version_id, id, project_id, created_at, updated_at, document, digest, split, given)"
    " SELECT :new, e.id, e.project_id, e.created_at, e.updated_at, e.document, e.digest, e.split, e.given"
    " FROM examples e WHERE e.version_id = :version_id AND {e:granted}"
)
_TOUCH: Final = Scoped("UPDATE datasets AS d SET updated_at = :now WHERE d.id = :id AND {d:granted}")
_TOUCH_VERSION: Final = Scoped("UPDATE dataset_versions AS v SET updated_at = :now WHERE v.id = :id AND {v:granted}")


class SqliteExamples(SqliteBase):
    """See :class:`promptops.server.stores.example_protocol.ExampleStore`."""

    async def update_examples(
        self,
        grant: Grant,
        dataset_id: str,
        version_id: str | None,
        examples: Sequence[wire.JsonObject],
        once: Once | None,
        *,
        new_version: str | None,
        check: SchemaCheck,
    ) -> wire.DatasetVersionWithExampleIds | None:
        """Add and replace fields of examples of a version (the latest), or of a copy of it."""

        def work(session: Session) -> wire.DatasetVersionWithExampleIds | None:
            dataset = find_dataset(session, grant, dataset_id)
            version = find_version(session, grant, dataset_id, version_id)
            if dataset is None or version is None:
                return None
            target = version.id
            if new_version:
                target = _copied(session, grant, dataset, version.id, new_version)
            changed = _changed(session, grant, target, examples)
            if not isinstance(dataset.example_schema, UnsetType):
                check({place: fields for place, _, fields, _ in changed}, dataset.example_schema)
            now = session.now()
            for _, example_id, fields, split in changed:
                row = {"document": _encode(fields).decode(), "digest": digest_of(fields), "split": split}
                session.run(_CHANGE, grant, version_id=target, id=example_id, now=now, **row)
            if changed or new_version:
                _touch(session, grant, dataset, target, now)
                action: Literal["versioned", "examples_changed"] = "versioned" if new_version else "examples_changed"
                project = dataset.space_id
                record(session, grant, "dataset", action, dataset_id, project_id=project, version=target)
            return wire.DatasetVersionWithExampleIds(
                id=dataset.id,
                name=dataset.name,
                space_id=dataset.space_id,
                created_at=dataset.created_at,
                updated_at=moment(now) if changed or new_version else dataset.updated_at,
                dataset_version_id=target,
                example_ids=[example_id for _, example_id, _, _ in changed],
            )

        return await self._write(once, work)

    async def delete_examples(
        self, grant: Grant, dataset_id: str, version_id: str, example_ids: Sequence[str], once: Once | None
    ) -> wire.DatasetExamplesDeleted | None:
        """Remove examples from a version."""

        def work(session: Session) -> wire.DatasetExamplesDeleted | None:
            dataset = find_dataset(session, grant, dataset_id)
            version = find_version(session, grant, dataset_id, version_id)
            if dataset is None or version is None:
                return None
            there = {row[0] for row in _rows(session, grant, version.id, example_ids)}
            if there:
                session.run(_DELETE, grant, version_id=version.id, ids=_encode(sorted(there)).decode())
                _touch(session, grant, dataset, version.id, session.now())
                project = dataset.space_id
                record(
                    session, grant, "dataset", "examples_removed", dataset_id, project_id=project, version=version.id
                )
            return wire.DatasetExamplesDeleted(
                completed=True,
                deleted_example_ids=[each for each in example_ids if each in there],
                not_deleted_example_ids=[each for each in example_ids if each not in there],
            )

        return await self._write(once, work)


def _rows(session: Session, grant: Grant, version_id: str, ids: Sequence[str]) -> list[Row]:
    return session.all(_ROWS, grant, version_id=version_id, ids=_encode(ids).decode())


def _changed(
    session: Session, grant: Grant, version_id: str, examples: Sequence[wire.JsonObject]
) -> list[tuple[int, str, wire.JsonObject, str | None]]:
    """The places in the request, ids, fields and splits that the examples get which the version has."""
    rows = {row[0]: row for row in _rows(session, grant, version_id, [example["id"] for example in examples])}
    changed: list[tuple[int, str, wire.JsonObject, str | None]] = []
    for place, example in enumerate(examples):
        row = rows.get(example["id"])
        if row is not None:
            sent = item_of(example)
            split = sent.split if SPLIT in example else row[2]
            changed.append((place, row[0], {**msgspec.json.decode(row[1]), **sent.fields}, split))
    return changed


def _copied(session: Session, grant: Grant, dataset: wire.Dataset, version_id: str, name: str) -> str:
    """The id of a new version with the examples of another one."""
    if session.one(_HAS_NAME, grant, dataset_id=dataset.id, name=name) is not None:
        raise ConflictError(f"The dataset has a version named '{name}'; give the new one another name.")
    new, project, now = new_id("DatasetVersion"), dataset.space_id, session.now()
    session.run(_INSERT_VERSION, grant, id=new, dataset_id=dataset.id, project_id=project, name=name, now=now)
    session.run(_COPY, grant, new=new, version_id=version_id)
    return new


def _touch(session: Session, grant: Grant, dataset: wire.Dataset, version_id: str, now: int) -> None:
    session.run(_TOUCH, grant, id=dataset.id, now=now)
    session.run(_TOUCH_VERSION, grant, id=version_id, now=now)
