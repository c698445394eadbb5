"""The spans resource."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from typing import Unpack
from uuid import uuid4

from promptops.core.bridge import SyncResource, bridge, bridge_iter
from promptops.core.errors import NotFoundError, PromptOpsError
from promptops.core.pagination import CursorPage
from promptops.phoenix._checks import check_name, json_body, refused
from promptops.phoenix._generated import CreateSpanNoteResponseBody, Span, SpansResponseBody
from promptops.phoenix._http import Query, delete, fetch_page, path, send
from promptops.phoenix._listing import (
    SPANS_PER_PAGE,
    check_limit,
    check_seconds,
    id_groups,
    iterate_queries,
    path_id,
)
from promptops.phoenix.tracing._projects import project_path
from promptops.phoenix.tracing._query_resource import AsyncSpanQueries
from promptops.phoenix.tracing._spans_checks import batches, encoded_spans
from promptops.phoenix.tracing._spans_filters import SpanFilters, needed_features, span_queries
from promptops.phoenix.tracing._spans_log import LoggedSpans, OnDuplicate, log_batch, wait_for_spans
from promptops.phoenix.tracing._spans_new import NewSpan

__all__ = ["AsyncSpans", "SyncSpans"]


class AsyncSpans(AsyncSpanQueries):
    """Spans, the steps of traces: list, query, log and delete them, and write notes on them.

    A project is named by its id or by its exact name.
    """

    async def list_page(
        self, *, project: str, limit: int = 100, cursor: str | None = None, **query: Unpack[SpanFilters]
    ) -> CursorPage[Span]:
        """Return one page of the spans of a project, those that arrived last first.

        Args:
            project: Its id or exact name.
            limit: Spans per page, 1 to 1000.
            cursor: ``next_cursor`` of the page before.
            **query: Which spans, and in which order; see :class:`SpanFilters`.

        Raises:
            NotFoundError: There is no such project.
            ValidationError: A filter cannot be asked for, or there are more ids than fit into one request.
        """
        queries = list(span_queries(query))
        if len(queries) > 1:
            raise refused("span_ids and trace_ids", "are more than fit into one page; use iterate or list")
        await self._require(query)
        if not queries:
            return CursorPage(items=[])
        where = await project_path(self._runtime, project, "spans")
        return await self._page(where, queries[0], cursor, check_limit(limit))

    async def iterate(
        self, *, project: str, limit: int | None = None, **query: Unpack[SpanFilters]
    ) -> AsyncIterator[Span]:
        """Yield the spans of a project, those that arrived last first, in pages of 200.

        More than 100 ids are asked for in groups, one after another; the order is kept within each.

        Args:
            project: Its id or exact name.
            limit: Most spans in all; every one when absent.
            **query: Which spans, and in which order; see :class:`SpanFilters`.

        Raises:
            NotFoundError: There is no such project.
            ValidationError: A filter cannot be asked for.
        """
        queries = list(span_queries(query))
        await self._require(query)
        where = await project_path(self._runtime, project, "spans")
        pages = iterate_queries(partial(self._page, where), queries, limit=limit, largest=SPANS_PER_PAGE)
        async for span in pages:
            yield span

    async def list(
        self, *, project: str, limit: int | None = None, **query: Unpack[SpanFilters]
    ) -> builtins.list[Span]:
        """Return the spans of a project; the arguments are those of :meth:`iterate`."""
        return [span async for span in self.iterate(project=project, limit=limit, **query)]

    async def get(self, *, project: str, span_id: str) -> Span:
        """Return one span.

        Args:
            project: The id or exact name of its project.
            span_id: 16 digits of hex.

        Raises:
            NotFoundError: There is no such span in this project, or it is not stored yet.
        """
        found = (await self.list_page(project=project, limit=1, span_ids=[span_id])).items
        if not found:
            raise NotFoundError(f"There is no span {span_id!r:.80} in this project.")
        return found[0]

    async def log(
        self,
        *,
        project: str,
        spans: Iterable[NewSpan | Span],
        on_duplicate: OnDuplicate = "error",
        wait: float = 0.0,
    ) -> LoggedSpans:
        """Log spans, up to 1,000 in a request.

        All of them are checked before the first is sent. The server takes a request as a whole or not at all, and
        stores its spans a moment later, about a hundred in a second. The spans of one trace belong into one project:
        those of a trace that is in another project are stored there.

        Args:
            project: Its id, or its exact name; a project of that name is created when there is none.
            spans: The spans, also such that were read before.
            on_duplicate: Whether a span whose id the server has already is an error, or is left out.
            wait: Seconds to wait, at most, until all spans can be read; by default it does not wait.

        Raises:
            ValidationError: A span is malformed; nothing was sent, and ``validation_errors`` says what is wrong.
            SpansRefusedError: The server names spans that it has already or does not understand.
            TimeoutError: They could not be read in time; they may be later.
            PromptOpsError: Anything else; ``details`` says how many spans were ``queued`` before.
        """
        if on_duplicate not in {"error", "skip"}:
            raise refused("on_duplicate", 'must be "error" or "skip"')
        check_seconds("wait", wait)
        encoded = encoded_spans(spans)
        where = await project_path(self._runtime, project, "spans", create=True)
        queued = 0
        skipped: list[str] = []
        for batch in batches(encoded):
            try:
                done = await log_batch(self._runtime, where, batch, on_duplicate=on_duplicate)
            except PromptOpsError as exc:
                exc.details["queued"] = queued
                raise
            queued += done.queued
            skipped += done.skipped
        if wait > 0 and queued:
            left_out = set(skipped)
            logged = [span.span_id for span in encoded if span.span_id not in left_out]
            await self.wait_until_visible(project=project, span_ids=logged, timeout=wait)
        return LoggedSpans(queued=queued, skipped=tuple(skipped))

    async def wait_until_visible(self, *, project: str, span_ids: Sequence[str], timeout: float = 30.0) -> None:
        """Return when all of these spans can be read.

        Args:
            project: The id or exact name of their project.
            span_ids: Their ids.
            timeout: Seconds to wait, at most.

        Raises:
            TimeoutError: Not all of them could be read in time.
        """
        check_seconds("timeout", timeout)
        groups = id_groups("span_ids", span_ids) or []
        await self._version.require("spans by their ids")
        where = await project_path(self._runtime, project, "spans")
        await wait_for_spans(self._runtime, where, groups, seconds=timeout)

    async def delete(self, *, span_id: str) -> None:
        """Delete one span; its children stay, without a parent to be found.

        Args:
            span_id: 16 digits of hex, or the id that the server gave it (:attr:`Span.id`).

        Raises:
            NotFoundError: There is no such span.
        """
        await delete(self._runtime, path("spans", path_id("span_id", span_id)))

    async def add_note(self, *, span_id: str, note: str, identifier: str | None = None) -> str:
        """Write a note on a span, and return the id of the note.

        Args:
            span_id: 16 digits of hex.
            note: What it says.
            identifier: A note with the same one is replaced; every call adds a note when absent.

        Raises:
            NotFoundError: There is no such span.
        """
        body = note_body("span_id", span_id, note, identifier)
        shape = CreateSpanNoteResponseBody
        return (await send(self._runtime, "POST", path("span_notes"), body, shape, repeatable=True)).data.id

    async def _require(self, query: SpanFilters) -> None:
        for feature in needed_features(query):
            await self._version.require(feature)

    async def _page(self, where: str, query: Query, cursor: str | None, limit: int) -> CursorPage[Span]:
        return await fetch_page(
            self._runtime,
            where,
            SpansResponseBody,
            query=query,
            limit=limit,
            cursor=cursor,
        )


class SyncSpans(SyncResource[AsyncSpans]):
    """Blocking view of :class:`AsyncSpans`."""

    list_page = bridge(AsyncSpans.list_page)
    iterate = bridge_iter(AsyncSpans.iterate)
    list = bridge(AsyncSpans.list)
    get = bridge(AsyncSpans.get)
    query = bridge(AsyncSpans.query)
    retrieved_documents = bridge(AsyncSpans.retrieved_documents)
    questions_with_context = bridge(AsyncSpans.questions_with_context)
    log = bridge(AsyncSpans.log)
    wait_until_visible = bridge(AsyncSpans.wait_until_visible)
    delete = bridge(AsyncSpans.delete)
    add_note = bridge(AsyncSpans.add_note)


def note_body(field: str, target: str, note: str, identifier: str | None) -> bytes:
    """The body of a note.

    A note without an identifier gets one, so that sending it twice after a lost answer leaves one note.

    Raises:
        ValidationError: The target, the note or the identifier is empty.
    """
    key = f"promptops-note:{uuid4()}" if identifier is None else check_name("identifier", identifier)
    return json_body({"data": {field: check_name(field, target), "note": check_name("note", note), "identifier": key}})
