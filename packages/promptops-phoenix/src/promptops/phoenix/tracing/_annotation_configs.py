"""The annotation configurations resource."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeAlias

from promptops.core.bridge import AsyncResource, SyncResource, bridge, bridge_iter
from promptops.core.errors import NotFoundError
from promptops.core.pagination import CursorPage
from promptops.core.runtime import Runtime
from promptops.phoenix._checks import check_name, json_body, refused
from promptops.phoenix._generated import (
    CategoricalAnnotationConfig,
    CategoricalAnnotationConfigData,
    ContinuousAnnotationConfig,
    ContinuousAnnotationConfigData,
    CreateAnnotationConfigResponseBody,
    FreeformAnnotationConfig,
    FreeformAnnotationConfigData,
    GetAnnotationConfigResponseBody,
    GetAnnotationConfigsResponseBody,
    GetProjectAnnotationConfigsResponseBody,
    SetProjectAnnotationConfigsResponseBody,
    UnknownType,
    UpdateAnnotationConfigResponseBody,
)
from promptops.phoenix._http import delete, fetch, fetch_page, path, send, send_empty
from promptops.phoenix._ids import check_id, is_global_id
from promptops.phoenix._listing import check_limit, iterate_pages, path_id
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.tracing._annotations_models import NOTE
from promptops.phoenix.tracing._projects import project_path

__all__ = ["AnnotationConfig", "AsyncAnnotationConfigs", "NewAnnotationConfig", "SyncAnnotationConfigs"]

AnnotationConfig: TypeAlias = (
    CategoricalAnnotationConfig | ContinuousAnnotationConfig | FreeformAnnotationConfig | UnknownType
)
NewAnnotationConfig: TypeAlias = (
    CategoricalAnnotationConfigData | ContinuousAnnotationConfigData | FreeformAnnotationConfigData
)

_KINDS: Final = ("CategoricalAnnotationConfig", "ContinuousAnnotationConfig", "FreeformAnnotationConfig")
_ROUTE: Final = "annotation_configs"


class AsyncAnnotationConfigs(AsyncResource):
    """Which annotations people are asked for: the labels or the range of scores of each name.

    A configuration is named by its id or by its exact name; its id changes when its kind does.
    """

    def __init__(self, runtime: Runtime, *, version: ServerVersion) -> None:
        super().__init__(runtime)
        self._version = version

    async def get(self, *, config: str) -> AnnotationConfig:
        """Return the configuration of that id or exact name.

        Raises:
            NotFoundError: There is none.
        """
        if "/" in check_name("config", config):  # no route takes it
            async for found in self.iterate():
                if not isinstance(found, UnknownType) and found.name == config:
                    return found
            raise NotFoundError(f"There is no annotation configuration named {config!r:.80}.")
        return (await fetch(self._runtime, path(_ROUTE, config), GetAnnotationConfigResponseBody)).data

    async def iterate(self, *, project: str | None = None, limit: int | None = None) -> AsyncIterator[AnnotationConfig]:
        """Yield the configurations, the newest first, page by page.

        Args:
            project: Only those that are assigned to this project (its id or exact name).
            limit: Most configurations in all; every one when absent.
        """
        where, shape = path(_ROUTE), GetAnnotationConfigsResponseBody
        if project is not None:
            where, shape = await project_path(self._runtime, project, _ROUTE), GetProjectAnnotationConfigsResponseBody  # type: ignore[assignment]

        async def page(cursor: str | None, size: int) -> CursorPage[AnnotationConfig]:
            return await fetch_page(self._runtime, where, shape, limit=check_limit(size), cursor=cursor)

        async for config in iterate_pages(page, limit=limit):
            yield config

    async def list(self, *, project: str | None = None, limit: int | None = None) -> builtins.list[AnnotationConfig]:
        """Return the configurations, the newest first; the arguments are those of :meth:`iterate`."""
        return [config async for config in self.iterate(project=project, limit=limit)]

    async def create(self, *, config: NewAnnotationConfig) -> AnnotationConfig:
        """Create a configuration.

        Raises:
            ConflictError: The name is taken.
            ValidationError: It has no labels, or its bounds are out of order.
        """
        shape = CreateAnnotationConfigResponseBody
        return (await send(self._runtime, "POST", path(_ROUTE), _body(config), shape)).data

    async def update(self, *, config: str, to: NewAnnotationConfig) -> AnnotationConfig:
        """Replace a configuration as a whole, and return it; of another kind, it has another id then.

        Args:
            config: Its id or exact name.
            to: What it shall be.

        Raises:
            NotFoundError: There is no such configuration.
            ConflictError: Its new name is taken.
        """
        body = _body(to)
        where = path(_ROUTE, await self._id(config))
        shape = UpdateAnnotationConfigResponseBody
        return (await send(self._runtime, "PUT", where, body, shape)).data

    async def delete(self, *, config: str) -> None:
        """Delete the configuration of that id or exact name; annotations of its name stay.

        Raises:
            NotFoundError: There is none.
        """
        await delete(self._runtime, path(_ROUTE, await self._id(config)))

    async def assign(self, *, project: str, config: str) -> None:
        """Ask for this annotation in a project as well; doing it twice is the same as once.

        Args:
            project: Its id or exact name.
            config: The id or exact name of the configuration.

        Raises:
            NotFoundError: There is no such project or configuration.
        """
        where = await project_path(self._runtime, project, _ROUTE, await self._segment(config))
        await send_empty(self._runtime, "PUT", where)

    async def unassign(self, *, project: str, config: str) -> None:
        """Ask for this annotation in a project no more; one that was not asked for is fine.

        Args:
            project: Its id or exact name.
            config: The id or exact name of the configuration.

        Raises:
            NotFoundError: There is no such project or configuration.
        """
        await delete(self._runtime, await project_path(self._runtime, project, _ROUTE, await self._segment(config)))

    async def set_assigned(self, *, project: str, config_ids: Sequence[str]) -> builtins.list[AnnotationConfig]:
        """Ask for exactly these annotations in a project, and return their configurations.

        Args:
            project: Its id or exact name.
            config_ids: The ids of the configurations; none for no annotation.

        Raises:
            NotFoundError: There is no such project or configuration.
            ValidationError: One is not the id of a configuration.
        """
        for config_id in config_ids:
            _check_config_id(config_id)
        where = await project_path(self._runtime, project, _ROUTE)
        body = json_body({"annotation_config_ids": builtins.list(config_ids)})
        return (await send(self._runtime, "PUT", where, body, SetProjectAnnotationConfigsResponseBody)).data

    async def _id(self, config: str) -> str:
        """The id of what is named by its id or its name: two routes take no name."""
        if any(is_global_id(config, kind) for kind in _KINDS):
            return config
        found = await self.get(config=config)
        if isinstance(found, UnknownType):
            raise refused("config", "is of a kind that this version does not know; pass its id")
        return found.id

    async def _segment(self, config: str) -> str:
        return await self._id(config) if "/" in config else path_id("config", config)


class SyncAnnotationConfigs(SyncResource[AsyncAnnotationConfigs]):
    """Blocking view of :class:`AsyncAnnotationConfigs`."""

    get = bridge(AsyncAnnotationConfigs.get)
    iterate = bridge_iter(AsyncAnnotationConfigs.iterate)
    list = bridge(AsyncAnnotationConfigs.list)
    create = bridge(AsyncAnnotationConfigs.create)
    update = bridge(AsyncAnnotationConfigs.update)
    delete = bridge(AsyncAnnotationConfigs.delete)
    assign = bridge(AsyncAnnotationConfigs.assign)
    unassign = bridge(AsyncAnnotationConfigs.unassign)
    set_assigned = bridge(AsyncAnnotationConfigs.set_assigned)


def _body(config: NewAnnotationConfig) -> bytes:
    if check_name("name", config.name) == NOTE:
        raise refused("name", "is reserved for notes")
    return json_body(config)


def _check_config_id(value: str) -> None:
    if not any(is_global_id(value, kind) for kind in _KINDS):
        check_id("config_ids", value, _KINDS[0])
