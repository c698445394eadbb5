"""Labels of prompts, and the history of prompts, in SQLite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.idempotency import Once
from promptops.server.stores._audit import record
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._prompt_rows import find, is_uuid
from promptops.server.stores._session import Row, Session, moment
from promptops.server.stores.prompt_protocol import StoredLabel
from promptops.server.stores.scope import Scoped
from promptops.server.versions import sort_key

__all__ = ["SqliteLabels", "drop_labels", "labels_at"]

_COLUMNS: Final = "l.label, v.version, l.moved_at, l.moved_by"
_JOIN: Final = "FROM prompt_labels l JOIN prompt_versions v ON v.prompt_id = l.prompt_id AND v.sort_key = l.sort_key"

_LIST: Final = Scoped(f"SELECT {_COLUMNS} {_JOIN} WHERE l.prompt_id = :id AND {{l:granted}} ORDER BY l.label")
_ONE: Final = Scoped(f"SELECT {_COLUMNS} {_JOIN} WHERE l.prompt_id = :id AND l.label = :label AND {{l:granted}}")
_AT: Final = Scoped(
    f"SELECT {_COLUMNS} {_JOIN} WHERE l.prompt_id = :id AND (:sort_key IS NULL OR l.sort_key = :sort_key)"
    " AND {l:granted} ORDER BY l.label"
)
_VERSION: Final = Scoped(
    "SELECT v.content_hash FROM prompt_versions v WHERE v.prompt_id = :id AND v.sort_key = :sort_key AND {v:granted}"
)
_INSERT: Final = Scoped(
    "INSERT INTO prompt_labels VALUES (:id, :label, :project_id, :sort_key, :moved_at, :moved_by)"
    " ON CONFLICT (prompt_id, label) DO UPDATE SET sort_key = excluded.sort_key, moved_at = excluded.moved_at,"
    " moved_by = excluded.moved_by"
)
_REMOVE: Final = Scoped("DELETE FROM prompt_labels AS l WHERE l.prompt_id = :id AND l.label = :label AND {l:granted}")
_EVENTS: Final = (
    "FROM audit a WHERE {a:granted} AND a.kind = 'prompt' AND a.object_id = :id"
    " AND (:label IS NULL OR a.label = :label) AND (:until IS NULL OR a.at <= :until)"
)
_HISTORY: Final = Scoped(
    "SELECT a.at, a.action, a.version, a.from_version, a.label, a.content_hash, a.key_id, a.request_id"
    f" {_EVENTS} ORDER BY a.seq DESC LIMIT :limit OFFSET :offset"
)
_COUNT: Final = Scoped(f"SELECT count(*) {_EVENTS}")
_EVER: Final = Scoped("SELECT 1 FROM audit a WHERE {a:granted} AND a.kind = 'prompt' AND a.object_id = :id LIMIT 1")


class SqliteLabels(SqliteBase):
    """See :class:`promptops.server.stores.protocol.LabelStore`."""

    async def list_labels(self, grant: Grant, reference: str) -> list[StoredLabel] | None:
        """The labels of a prompt by name."""

        def work(session: Session) -> list[StoredLabel] | None:
            found = find(session, grant, reference)
            return None if found is None else [_label(row) for row in session.all(_LIST, grant, id=found[0])]

        return await self._listing(work)

    async def move_label(
        self,
        grant: Grant,
        reference: str,
        label: str,
        version: str,
        *,
        check: Callable[[str | None], None],
        finish: Callable[[StoredLabel], wire.PromptLabel],
        once: Once | None,
    ) -> wire.PromptLabel | None:
        """Let a label point to a version."""

        def work(session: Session) -> wire.PromptLabel | None:
            found = find(session, grant, reference)
            if found is None:
                return None
            prompt_id, project_id = found
            key = sort_key(version)
            held = session.one(_VERSION, grant, id=prompt_id, sort_key=key)
            if held is None:
                return None
            row = session.one(_ONE, grant, id=prompt_id, label=label)
            current = None if row is None else _label(row)
            check(None if current is None else current.version)
            if current is not None and current.version == version:
                return finish(current)
            now = session.now()
            values = {"id": prompt_id, "label": label, "project_id": project_id, "sort_key": key}
            session.run(_INSERT, grant, **values, moved_at=now, moved_by=grant.subject)
            record(
                session,
                grant,
                "prompt",
                "label_moved",
                prompt_id,
                project_id=project_id,
                version=version,
                content_hash=held[0],
                label=label,
                from_version=None if current is None else current.version,
            )
            return finish(StoredLabel(label=label, version=version, moved_at=moment(now), moved_by=grant.subject))

        return await self._write(once, work)

    async def remove_label(
        self, grant: Grant, reference: str, label: str, once: Once | None
    ) -> wire.PromptLabelRemoved | None:
        """Remove a label."""

        def work(session: Session) -> wire.PromptLabelRemoved | None:
            found = find(session, grant, reference)
            row = None if found is None else session.one(_ONE, grant, id=found[0], label=label)
            if found is None or row is None:
                return None
            gone = _label(row)
            drop_labels(session, grant, found[0], found[1], [gone])
            return wire.PromptLabelRemoved(removed=True, label=label, version=gone.version)

        return await self._write(once, work)

    async def prompt_history(
        self, grant: Grant, reference: str, *, label: str | None, until: int | None, limit: int, offset: int
    ) -> tuple[list[wire.PromptEvent], int] | None:
        """Events, newest first, and how many there are."""

        def work(session: Session) -> tuple[list[wire.PromptEvent], int] | None:
            found = find(session, grant, reference)
            prompt_id = reference.lower() if found is None else found[0]
            if found is None and not (is_uuid(reference) and session.one(_EVER, grant, id=prompt_id)):
                return None
            values = {"id": prompt_id, "label": label, "until": until}
            rows = session.all(_HISTORY, grant, **values, limit=limit, offset=offset)
            count = session.one(_COUNT, grant, **values)
            return [_event(row) for row in rows], 0 if count is None else int(count[0])

        return await self._listing(work)


def labels_at(session: Session, grant: Grant, prompt_id: str, version: str | None) -> list[StoredLabel]:
    """The labels that point to a version, or all labels of the prompt."""
    key = None if version is None else sort_key(version)
    return [_label(row) for row in session.all(_AT, grant, id=prompt_id, sort_key=key)]


def drop_labels(session: Session, grant: Grant, prompt_id: str, project_id: str, labels: list[StoredLabel]) -> None:
    """Remove labels, and note it."""
    for gone in labels:
        session.run(_REMOVE, grant, id=prompt_id, label=gone.label)
        record(
            session,
            grant,
            "prompt",
            "label_removed",
            prompt_id,
            project_id=project_id,
            label=gone.label,
            from_version=gone.version,
        )


def _label(row: Row) -> StoredLabel:
    return StoredLabel(label=row[0], version=row[1], moved_at=moment(row[2]), moved_by=row[3])


def _event(row: Row) -> wire.PromptEvent:
    return wire.PromptEvent(
        at=moment(row[0]),
        action=row[1],
        version=row[2],
        from_version=row[3],
        label=row[4],
        content_hash=row[5],
        by=row[6],
        request_id=row[7],
    )
