"""The record of writes, page by page."""

from __future__ import annotations

from promptops.server import wire
from promptops.server.cursors import Cursors
from promptops.server.grants import Grant
from promptops.server.queries import AuditQuery
from promptops.server.services.pages import pagination
from promptops.server.services.projects import Projects
from promptops.server.stores.protocol import AuditStore

__all__ = ["AuditService"]


class AuditService:
    """Lists who wrote what."""

    def __init__(self, store: AuditStore, projects: Projects, cursors: Cursors) -> None:
        self._store = store
        self._projects = projects
        self._cursors = cursors

    async def list(self, grant: Grant, query: AuditQuery) -> wire.AuditList:
        """A page of writes in the granted projects, newest first."""
        grant = await self._projects.within(grant, query.project_id)
        question = ("audit", query.kind, query.object_id)
        position = self._cursors.open(grant, question, query.cursor)
        before = int(position[0]) if position else None
        entries, after = await self._store.list_audit(
            grant, kind=query.kind, object_id=query.object_id, limit=query.limit, before=before
        )
        following = None if after is None else (after,)
        return wire.AuditList(entries=entries, pagination=pagination(self._cursors, grant, question, following))
