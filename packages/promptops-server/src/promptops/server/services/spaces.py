"""Spaces: the projects of a key, as ``/v2`` shows them."""

from __future__ import annotations

from promptops.core.errors import NotFoundError
from promptops.server import wire
from promptops.server.cursors import Cursors
from promptops.server.grants import Grant
from promptops.server.queries import SpaceListQuery
from promptops.server.stores.protocol import ProjectStore

__all__ = ["SpaceService"]


class SpaceService:
    """Lists and gets the projects of a grant."""

    def __init__(self, store: ProjectStore, cursors: Cursors) -> None:
        self._store = store
        self._cursors = cursors

    async def list(self, grant: Grant, query: SpaceListQuery) -> wire.SpaceList:
        """Spaces by name."""
        question = ("spaces", query.name)
        position = self._cursors.open(grant, question, query.cursor)
        after = str(position[0]) if position else None
        found = await self._store.list_projects(grant, name=query.name, limit=query.limit + 1, after=after)
        page = found[: query.limit]
        if len(found) <= query.limit:
            return wire.SpaceList(spaces=page, pagination=wire.Pagination(has_more=False))
        cursor = self._cursors.seal(grant, question, (page[-1].name,))
        return wire.SpaceList(spaces=page, pagination=wire.Pagination(has_more=True, next_cursor=cursor))

    async def get(self, grant: Grant, selector: str) -> wire.Space:
        """A space by id or name.

        Raises:
            NotFoundError: The key grants no such space.
        """
        space = await self._store.find_project(grant, selector)
        if space is None:
            raise NotFoundError(f"There is no space '{selector}' among those of this key.")
        return space
