"""Projects in SQLite."""

from __future__ import annotations

from typing import Final

from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._session import Row, Session, moment
from promptops.server.stores.scope import Scoped

__all__ = ["SqliteProjects"]

_PROJECTS: Final = "SELECT p.id, p.name, p.description, p.created_at FROM (SELECT *, id AS project_id FROM projects) p"
_FIND: Final = Scoped(f"{_PROJECTS} WHERE (p.id = :selector OR p.name = :selector) AND {{p:granted}}")
_LIST: Final = Scoped(
    f"{_PROJECTS} WHERE {{p:granted}} AND (:name IS NULL OR instr(lower(p.name), lower(:name)) > 0)"
    " AND (:after IS NULL OR p.name > :after) ORDER BY p.name LIMIT :limit"
)


class SqliteProjects(SqliteBase):
    """See :class:`promptops.server.stores.protocol.ProjectStore`."""

    async def find_project(self, grant: Grant, selector: str) -> wire.Space | None:
        """A project by id or name."""
        row = self._inline.one(_FIND, grant, selector=selector)
        return None if row is None else _space(row)

    async def list_projects(self, grant: Grant, *, name: str | None, limit: int, after: str | None) -> list[wire.Space]:
        """Projects by name."""

        def work(session: Session) -> list[wire.Space]:
            return [_space(row) for row in session.all(_LIST, grant, name=name, after=after, limit=limit)]

        return await self._listing(work)


def _space(row: Row) -> wire.Space:
    return wire.Space(id=row[0], name=row[1], description=row[2], created_at=moment(row[3]), is_private=True)
