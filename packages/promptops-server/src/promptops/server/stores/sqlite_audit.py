"""Reading the record of writes in SQLite."""

from __future__ import annotations

from typing import Final

from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._session import Session, moment
from promptops.server.stores.scope import Scoped

__all__ = ["SqliteAudit"]

_LIST: Final = Scoped(
    "SELECT a.seq, a.at, a.key_id, a.action, a.kind, a.object_id, a.version, a.project_id, a.request_id,"
    " a.from_version, a.label FROM audit a"
    " WHERE {a:granted} AND (:before IS NULL OR a.seq < :before) AND (:kind IS NULL OR a.kind = :kind)"
    " AND (:object_id IS NULL OR a.object_id = :object_id) ORDER BY a.seq DESC LIMIT :limit"
)


class SqliteAudit(SqliteBase):
    """See :class:`promptops.server.stores.protocol.AuditStore`."""

    async def list_audit(
        self, grant: Grant, *, kind: str | None, object_id: str | None, limit: int, before: int | None
    ) -> tuple[list[wire.AuditEntry], int | None]:
        """Newest first, and the position after the page when there is more."""

        def work(session: Session) -> tuple[list[wire.AuditEntry], int | None]:
            rows = session.all(_LIST, grant, kind=kind, object_id=object_id, before=before, limit=limit + 1)
            entries = [
                wire.AuditEntry(
                    seq=row[0],
                    at=moment(row[1]),
                    key_id=row[2],
                    action=row[3],
                    kind=row[4],
                    object_id=row[5],
                    version=row[6],
                    project_id=row[7],
                    request_id=row[8],
                    from_version=row[9],
                    label=row[10],
                )
                for row in rows[:limit]
            ]
            return entries, entries[-1].seq if len(rows) > limit else None

        return await self._listing(work)
