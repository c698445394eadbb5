"""Which of the granted projects a request means."""

from __future__ import annotations

from promptops.core.errors import NotFoundError
from promptops.server.grants import Grant
from promptops.server.meter import SELECTED_PROJECT
from promptops.server.stores.protocol import ProjectStore

__all__ = ["Projects"]


class Projects:
    """Selects a project within a grant."""

    def __init__(self, store: ProjectStore) -> None:
        self._store = store

    async def within(self, grant: Grant, *selectors: str | None) -> Grant:
        """The grant narrowed to the project that the selectors name, by id or by name; unchanged without any.

        Raises:
            NotFoundError: The key grants no such project, or two selectors name different ones.
        """
        for selector in selectors:
            if selector is None:
                continue
            found = selector if selector in grant.projects else None
            if found is None:
                space = await self._store.find_project(grant, selector)
                if space is None:
                    raise NotFoundError(f"There is no project '{selector}' among those of this key.")
                found = space.id
            grant = grant.narrowed(found)
            SELECTED_PROJECT.set(found)
        return grant
