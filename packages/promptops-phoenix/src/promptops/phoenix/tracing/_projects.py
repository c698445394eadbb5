"""The projects resource."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator
from typing import Final

from promptops.core.bridge import AsyncResource, SyncResource, bridge, bridge_iter
from promptops.core.errors import ConflictError, NotFoundError, ServerError
from promptops.core.pagination import CursorPage
from promptops.core.runtime import Runtime
from promptops.phoenix._checks import check_name, json_body, refused
from promptops.phoenix._generated import (
    CreateProjectResponseBody,
    GetProjectResponseBody,
    GetProjectsResponseBody,
    Project,
    ProjectRetentionPolicyData,
    SetProjectRetentionPolicyResponseBody,
    UpdateProjectResponseBody,
)
from promptops.phoenix._http import Query, delete, fetch, fetch_page, pairs, path, send
from promptops.phoenix._ids import check_id, is_global_id
from promptops.phoenix._listing import check_limit, iterate_pages
from promptops.phoenix._versions import ServerVersion

__all__ = ["AsyncProjects", "SyncProjects", "project_path"]

_FAILED: Final = 500


class AsyncProjects(AsyncResource):
    """Projects, which hold traces: create, read, change and delete.

    A project is named by its id or by its exact name, whatever characters that has.
    """

    def __init__(self, runtime: Runtime, *, version: ServerVersion) -> None:
        super().__init__(runtime)
        self._version = version

    async def get(self, *, project: str) -> Project:
        """Return the project of that id or exact name.

        Raises:
            NotFoundError: There is none.
        """
        if "/" in project:
            return await _named(self._runtime, project)
        where = await project_path(self._runtime, project)
        return (await fetch(self._runtime, where, GetProjectResponseBody)).data

    async def list_page(
        self,
        *,
        name_contains: str | None = None,
        experiments: bool = False,
        evaluators: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> CursorPage[Project]:
        """Return one page of the projects, newest first.

        Args:
            name_contains: Only those whose name contains this, in whatever case.
            experiments: Also the projects that hold the traces of experiments.
            evaluators: Also the projects that hold the traces of evaluators kept with a dataset.
            limit: Projects per page, 1 to 1000.
            cursor: ``next_cursor`` of the page before.
        """
        check_limit(limit)
        if name_contains is not None:
            await self._version.require("projects by a part of their name")
        query = pairs(
            name_contains=name_contains,
            include_experiment_projects=experiments,
            include_dataset_evaluator_projects=evaluators,
        )
        return await _page(self._runtime, query, cursor, limit)

    async def iterate(
        self,
        *,
        name_contains: str | None = None,
        experiments: bool = False,
        evaluators: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[Project]:
        """Yield the projects, newest first, page by page.

        Args:
            name_contains: As for :meth:`list_page`.
            experiments: As for :meth:`list_page`.
            evaluators: As for :meth:`list_page`.
            limit: Most projects in all; every one when absent.
        """

        async def page(cursor: str | None, size: int) -> CursorPage[Project]:
            return await self.list_page(
                name_contains=name_contains, experiments=experiments, evaluators=evaluators, limit=size, cursor=cursor
            )

        async for project in iterate_pages(page, limit=limit):
            yield project

    async def list(
        self,
        *,
        name_contains: str | None = None,
        experiments: bool = False,
        evaluators: bool = False,
        limit: int | None = None,
    ) -> builtins.list[Project]:
        """Return the projects, newest first; the arguments are those of :meth:`iterate`."""
        found = self.iterate(name_contains=name_contains, experiments=experiments, evaluators=evaluators, limit=limit)
        return [project async for project in found]

    async def create(self, *, name: str, description: str | None = None, exist_ok: bool = False) -> Project:
        """Create a project.

        Spans that are logged to a name create the project of that name by themselves.

        Args:
            name: Any text that does not look like a project's id.
            description: What it is for.
            exist_ok: Return the project of that name, unchanged, when there is one already.

        Raises:
            ConflictError: There is a project of that name.
            ValidationError: The name is empty, or would be taken for an id.
        """
        if is_global_id(check_name("name", name), "Project"):
            raise refused("name", "has the form of a project's id, so it could never be found by its name")
        body = json_body({"name": name} if description is None else {"name": name, "description": description})
        try:
            return (await send(self._runtime, "POST", path("projects"), body, CreateProjectResponseBody)).data
        except ServerError as error:
            # A name that is taken makes the server fail, and says nothing about why.
            found = await self._existing(name) if error.status_code == _FAILED else None
            if found is None:
                raise
            if exist_ok:
                return found
            message = f"There is a project named {name!r:.80} already; pass exist_ok=True to use it."
            raise ConflictError(message, details={"project_id": found.id}, request_id=error.request_id) from error

    async def update(self, *, project: str, description: str) -> Project:
        """Change what a project says it is for, and return it; its name cannot be changed.

        Args:
            project: Its id or exact name.
            description: The new description; ``""`` clears it.
        """
        where = await project_path(self._runtime, project)
        body = json_body({"description": description})
        return (await send(self._runtime, "PUT", where, body, UpdateProjectResponseBody)).data

    async def delete(self, *, project: str) -> None:
        """Delete the project of that id or exact name, with its traces, sessions and annotations.

        Raises:
            NotFoundError: There is none.
            AuthorizationError: It is the default project, which stays.
        """
        await delete(self._runtime, await project_path(self._runtime, project))

    async def set_retention(self, *, project: str, policy_id: str | None) -> ProjectRetentionPolicyData:
        """Say how long a project keeps its traces.

        Args:
            project: Its id or exact name.
            policy_id: The id of a retention policy (``ProjectTraceRetentionPolicy``); None for the default policy.

        Raises:
            NotFoundError: There is no such project or policy.
        """
        if policy_id is not None:
            check_id("policy_id", policy_id, "ProjectTraceRetentionPolicy")
        where = await project_path(self._runtime, project, "retention")
        body = json_body({"policy_id": policy_id})
        shape = SetProjectRetentionPolicyResponseBody
        return (await send(self._runtime, "PATCH", where, body, shape, repeatable=True)).data

    async def _existing(self, name: str) -> Project | None:
        try:
            return await self.get(project=name)
        except NotFoundError:
            return None


class SyncProjects(SyncResource[AsyncProjects]):
    """Blocking view of :class:`AsyncProjects`."""

    get = bridge(AsyncProjects.get)
    list_page = bridge(AsyncProjects.list_page)
    iterate = bridge_iter(AsyncProjects.iterate)
    list = bridge(AsyncProjects.list)
    create = bridge(AsyncProjects.create)
    update = bridge(AsyncProjects.update)
    delete = bridge(AsyncProjects.delete)
    set_retention = bridge(AsyncProjects.set_retention)


async def project_path(runtime: Runtime, project: str, *rest: str, create: bool = False) -> str:
    """The path of what belongs to a project; a name with a slash is looked up, for no route takes it.

    Args:
        runtime: Looks it up.
        project: Its id or exact name.
        *rest: What follows in the path.
        create: Create a project whose name has a slash, when there is none; spans do that for all other names.

    Raises:
        ValidationError: The project is empty.
        NotFoundError: Its name has a slash, and there is no such project.
    """
    if "/" in check_name("project", project):
        try:
            project = (await _named(runtime, project)).id
        except NotFoundError:
            if not create:
                raise
            made = await AsyncProjects(runtime, version=ServerVersion(runtime)).create(name=project, exist_ok=True)
            project = made.id
    return path("projects", project, *rest)


async def _named(runtime: Runtime, name: str) -> Project:
    query = pairs(name_contains=name, include_experiment_projects=True, include_dataset_evaluator_projects=True)
    async for project in iterate_pages(lambda cursor, size: _page(runtime, query, cursor, size), limit=None):
        if project.name == name:
            return project
    raise NotFoundError(f"There is no project named {name!r:.80}.")


async def _page(runtime: Runtime, query: Query, cursor: str | None, limit: int) -> CursorPage[Project]:
    shape = GetProjectsResponseBody
    return await fetch_page(runtime, path("projects"), shape, query=query, limit=limit, cursor=cursor)
