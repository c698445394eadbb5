"""The sessions resource."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from promptops.core.bridge import AsyncResource, SyncResource, bridge, bridge_iter
from promptops.core.pagination import CursorPage
from promptops.core.runtime import Runtime
from promptops.phoenix._checks import check_name, json_body, refused
from promptops.phoenix._generated import (
    CreateSessionNoteResponseBody,
    GetSessionResponseBody,
    GetSessionsResponseBody,
    SessionData,
    Span,
)
from promptops.phoenix._http import delete, fetch, fetch_page, pairs, path, send, send_empty
from promptops.phoenix._ids import is_global_id
from promptops.phoenix._listing import check_limit, choices, iterate_pages, one_of, path_id
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.tracing._projects import project_path
from promptops.phoenix.tracing._sessions_turns import SessionTurn, turns_of
from promptops.phoenix.tracing._spans import AsyncSpans, note_body

__all__ = ["AsyncSessions", "SyncSessions"]

_KIND = "ProjectSession"


class AsyncSessions(AsyncResource):
    """Sessions, which are conversations of several traces: read and delete them, and write notes on them.

    A session is named by its ``session_id`` or by the id that the server gave it. Spans that are logged with a
    ``session_id`` make a session of that name. One whose name has a slash has to be named by its id, but for
    :meth:`delete_many` and :meth:`add_note`.
    """

    def __init__(self, runtime: Runtime, *, version: ServerVersion) -> None:
        super().__init__(runtime)
        self._version = version

    async def get(self, *, session_id: str) -> SessionData:
        """Return one session, with its traces.

        Raises:
            NotFoundError: There is none.
            ValidationError: The name has a slash.
        """
        where = path("sessions", path_id("session_id", session_id))
        await self._version.require("reading sessions")
        return (await fetch(self._runtime, where, GetSessionResponseBody)).data

    async def list_page(
        self,
        *,
        project: str,
        filter: str | None = None,  # noqa: A002 - what the server calls it
        order: Literal["asc", "desc"] = "asc",
        limit: int = 100,
        cursor: str | None = None,
    ) -> CursorPage[SessionData]:
        """Return one page of the sessions of a project, the oldest first.

        Args:
            project: Its id or exact name.
            filter: A condition in the language of the server, for example ``"num_traces > 1"``.
            order: ``"desc"`` for the newest first.
            limit: Sessions per page, 1 to 1000.
            cursor: ``next_cursor`` of the page before.

        Raises:
            NotFoundError: There is no such project.
            ValidationError: The server does not understand the filter.
        """
        query = pairs(
            order=one_of("order", order, "asc", "desc"),
            filter=None if filter is None else check_name("filter", filter),
        )
        check_limit(limit)
        await self._version.require("reading sessions" if filter is None else "conditions on traces and sessions")
        where = await project_path(self._runtime, project, "sessions")
        shape = GetSessionsResponseBody
        return await fetch_page(self._runtime, where, shape, query=query, limit=limit, cursor=cursor)

    async def iterate(
        self,
        *,
        project: str,
        filter: str | None = None,  # noqa: A002 - what the server calls it
        order: Literal["asc", "desc"] = "asc",
        limit: int | None = None,
    ) -> AsyncIterator[SessionData]:
        """Yield the sessions of a project, the oldest first, page by page.

        Args:
            project: Its id or exact name.
            filter: As for :meth:`list_page`.
            order: ``"desc"`` for the newest first.
            limit: Most sessions in all; every one when absent.
        """

        async def page(cursor: str | None, size: int) -> CursorPage[SessionData]:
            return await self.list_page(project=project, filter=filter, order=order, limit=size, cursor=cursor)

        async for session in iterate_pages(page, limit=limit):
            yield session

    async def list(
        self,
        *,
        project: str,
        filter: str | None = None,  # noqa: A002 - what the server calls it
        order: Literal["asc", "desc"] = "asc",
        limit: int | None = None,
    ) -> builtins.list[SessionData]:
        """Return the sessions of a project, the oldest first; the arguments are those of :meth:`iterate`."""
        found = self.iterate(project=project, filter=filter, order=order, limit=limit)
        return [session async for session in found]

    async def turns(self, *, session_id: str) -> builtins.list[SessionTurn]:
        """Return what was said in a session: one turn for each of its traces, in the order in which they began.

        The input and the output of a turn are those of the root span of its trace; a trace without one (not stored
        yet, or deleted) is a turn without them.

        Raises:
            NotFoundError: There is no such session.
            ValidationError: The name has a slash.
        """
        session = await self.get(session_id=session_id)
        spans = AsyncSpans(self._runtime, version=self._version)
        ids = [trace.trace_id for trace in session.traces]
        roots: dict[str, Span] = {}
        if ids:
            found = spans.iterate(
                project=session.project_id, trace_ids=ids, roots_only=True, sort="start_time", order="asc"
            )
            async for span in found:
                roots.setdefault(span.context.trace_id, span)
        return turns_of(session, roots)

    async def delete(self, *, session_id: str) -> None:
        """Delete one session with its traces, spans and annotations.

        Raises:
            NotFoundError: There is none.
            ValidationError: The name has a slash; :meth:`delete_many` takes it.
        """
        where = path("sessions", path_id("session_id", session_id))
        await self._version.require("deleting sessions")
        await delete(self._runtime, where)

    async def delete_many(self, *, session_ids: Sequence[str]) -> None:
        """Delete sessions with their traces, spans and annotations; those that do not exist are passed over.

        Args:
            session_ids: Their ``session_id`` or ids. The two kinds go in one request each.

        Raises:
            ValidationError: There is none.
        """
        ids = choices("session_ids", session_ids)
        if isinstance(session_ids, str) or ids is None:
            raise refused("session_ids", "must be a sequence of ids")
        await self._version.require("deleting sessions")
        for given in (True, False):
            same = [one for one in ids if is_global_id(one, _KIND) is given]
            if same:
                body = json_body({"session_identifiers": same})
                await send_empty(self._runtime, "POST", path("sessions", "delete"), body, repeatable=True)

    async def add_note(self, *, session_id: str, note: str, identifier: str | None = None) -> str:
        """Write a note on a session, and return the id of the note.

        Args:
            session_id: Its ``session_id``.
            note: What it says.
            identifier: A note with the same one is replaced; every call adds a note when absent.

        Raises:
            NotFoundError: There is no such session.
        """
        body = note_body("session_id", session_id, note, identifier)
        shape = CreateSessionNoteResponseBody
        return (await send(self._runtime, "POST", path("session_notes"), body, shape, repeatable=True)).data.id


class SyncSessions(SyncResource[AsyncSessions]):
    """Blocking view of :class:`AsyncSessions`."""

    get = bridge(AsyncSessions.get)
    list_page = bridge(AsyncSessions.list_page)
    iterate = bridge_iter(AsyncSessions.iterate)
    list = bridge(AsyncSessions.list)
    turns = bridge(AsyncSessions.turns)
    delete = bridge(AsyncSessions.delete)
    delete_many = bridge(AsyncSessions.delete_many)
    add_note = bridge(AsyncSessions.add_note)
