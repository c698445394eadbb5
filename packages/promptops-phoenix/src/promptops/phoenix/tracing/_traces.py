"""The traces resource."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Unpack

from promptops.core.bridge import AsyncResource, SyncResource, bridge, bridge_iter
from promptops.core.pagination import CursorPage
from promptops.core.runtime import Runtime
from promptops.phoenix._checks import check_name, json_body, refused
from promptops.phoenix._generated import (
    CreateTraceNoteResponseBody,
    GetTracesResponseBody,
    TraceData,
    TransferTracesResponseBody,
)
from promptops.phoenix._http import Query, delete, fetch_page, pairs, path, send, send_empty
from promptops.phoenix._listing import (
    LARGEST_PAGE,
    SPANS_PER_PAGE,
    check_limit,
    choices,
    iterate_queries,
    path_id,
    time_range,
)
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.tracing._projects import project_path
from promptops.phoenix.tracing._spans import note_body
from promptops.phoenix.tracing._traces_filters import TraceFilters, needs_filters, trace_queries

__all__ = ["AsyncTraces", "SyncTraces"]


class AsyncTraces(AsyncResource):
    """Traces: list, delete and move them, and write notes on them.

    A project is named by its id or by its exact name, a trace by its ``trace_id`` or by the id that the server gave it.
    """

    def __init__(self, runtime: Runtime, *, version: ServerVersion) -> None:
        super().__init__(runtime)
        self._version = version

    async def list_page(
        self, *, project: str, limit: int = 100, cursor: str | None = None, **query: Unpack[TraceFilters]
    ) -> CursorPage[TraceData]:
        """Return one page of the traces of a project, the newest first.

        Args:
            project: Its id or exact name.
            limit: Traces per page, 1 to 1000.
            cursor: ``next_cursor`` of the page before.
            **query: Which traces, and in which order; see :class:`TraceFilters`.

        Raises:
            NotFoundError: There is no such project.
            ValidationError: A filter cannot be asked for.
        """
        queries = trace_queries(query)
        if len(queries) > 1:
            raise refused("session_ids", "are more than fit into one page; use iterate or list")
        await self._require(query)
        if not queries:
            return CursorPage(items=[])
        where = await project_path(self._runtime, project, "traces")
        return await self._page(where, queries[0], cursor, check_limit(limit))

    async def iterate(
        self, *, project: str, limit: int | None = None, **query: Unpack[TraceFilters]
    ) -> AsyncIterator[TraceData]:
        """Yield the traces of a project, the newest first, page by page.

        Args:
            project: Its id or exact name.
            limit: Most traces in all; every one when absent.
            **query: Which traces, and in which order; see :class:`TraceFilters`.

        Raises:
            NotFoundError: There is no such project.
            ValidationError: A filter cannot be asked for.
        """
        queries = trace_queries(query)
        await self._require(query)
        where = await project_path(self._runtime, project, "traces")
        largest = SPANS_PER_PAGE if query.get("include_spans") else LARGEST_PAGE
        async for trace in iterate_queries(partial(self._page, where), queries, limit=limit, largest=largest):
            yield trace

    async def list(
        self, *, project: str, limit: int | None = None, **query: Unpack[TraceFilters]
    ) -> builtins.list[TraceData]:
        """Return the traces of a project; the arguments are those of :meth:`iterate`."""
        return [trace async for trace in self.iterate(project=project, limit=limit, **query)]

    async def delete(self, *, trace_id: str) -> None:
        """Delete one trace with its spans and annotations.

        Args:
            trace_id: 32 digits of hex, or the id that the server gave it.

        Raises:
            NotFoundError: There is no such trace.
        """
        await delete(self._runtime, path("traces", path_id("trace_id", trace_id)))

    async def delete_range(self, *, project: str, start_time: datetime, end_time: datetime) -> None:
        """Delete the traces of a project that began at ``start_time`` or later and before ``end_time``.

        Args:
            project: Its id or exact name.
            start_time: With a time zone.
            end_time: With a time zone, after ``start_time``.

        Raises:
            NotFoundError: There is no such project.
            ValidationError: A time has no time zone, or the end is not after the start.
        """
        time_range(start_time, end_time)
        where = await project_path(self._runtime, project, "traces")
        await send_empty(self._runtime, "DELETE", where, query=pairs(start_time=start_time, end_time=end_time))

    async def transfer(self, *, trace_ids: Sequence[str], project: str) -> int:
        """Move traces to another project, all of them or none, and return how many there were.

        Args:
            trace_ids: Their ids; those that are named twice count once.
            project: The id or exact name of where they go.

        Raises:
            NotFoundError: One of the traces, or the project, does not exist; nothing was moved.
        """
        ids = choices("trace_ids", trace_ids)
        if isinstance(trace_ids, str) or ids is None:
            raise refused("trace_ids", "must be a sequence of ids")
        body = json_body({"destination_project_identifier": check_name("project", project), "trace_identifiers": ids})
        shape = TransferTracesResponseBody
        answer = await send(self._runtime, "POST", path("traces", "transfer"), body, shape, repeatable=True)
        return answer.data.transferred_trace_count

    async def add_note(self, *, trace_id: str, note: str, identifier: str | None = None) -> str:
        """Write a note on a trace, and return the id of the note.

        Args:
            trace_id: 32 digits of hex.
            note: What it says.
            identifier: A note with the same one is replaced; every call adds a note when absent.

        Raises:
            NotFoundError: There is no such trace.
        """
        body = note_body("trace_id", trace_id, note, identifier)
        shape = CreateTraceNoteResponseBody
        return (await send(self._runtime, "POST", path("trace_notes"), body, shape, repeatable=True)).data.id

    async def _require(self, query: TraceFilters) -> None:
        await self._version.require("listing traces")
        if needs_filters(query):
            await self._version.require("filters of traces")
        if query.get("filter") is not None:
            await self._version.require("conditions on traces and sessions")

    async def _page(self, where: str, query: Query, cursor: str | None, limit: int) -> CursorPage[TraceData]:
        shape = GetTracesResponseBody
        return await fetch_page(self._runtime, where, shape, query=query, limit=limit, cursor=cursor)


class SyncTraces(SyncResource[AsyncTraces]):
    """Blocking view of :class:`AsyncTraces`."""

    list_page = bridge(AsyncTraces.list_page)
    iterate = bridge_iter(AsyncTraces.iterate)
    list = bridge(AsyncTraces.list)
    delete = bridge(AsyncTraces.delete)
    delete_range = bridge(AsyncTraces.delete_range)
    transfer = bridge(AsyncTraces.transfer)
    add_note = bridge(AsyncTraces.add_note)
