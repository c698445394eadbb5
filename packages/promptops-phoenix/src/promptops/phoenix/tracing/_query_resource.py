"""The part of the spans resource that sends queries."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from promptops.core.bridge import AsyncResource
from promptops.core.runtime import Runtime
from promptops.phoenix._checks import is_count, refused, shown
from promptops.phoenix._listing import time_range
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.tracing._projects import AsyncProjects
from promptops.phoenix.tracing._query import SpanQuery
from promptops.phoenix.tracing._query_calls import MOST, query_body, run_queries
from promptops.phoenix.tracing._query_rag import CONTEXTS, QUESTIONS, RETRIEVED_DOCUMENTS, with_contexts
from promptops.phoenix.tracing._query_rows import SpanRows

__all__ = ["AsyncSpanQueries"]

_EVERYTHING: Final = SpanQuery()


class AsyncSpanQueries(AsyncResource):
    """Rows of spans, as a query asks for them."""

    def __init__(self, runtime: Runtime, *, version: ServerVersion) -> None:
        super().__init__(runtime)
        self._version = version

    async def query(
        self,
        *,
        project: str,
        query: SpanQuery = _EVERYTHING,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        roots_only: bool = False,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> SpanRows:
        """Return rows made of the spans of a project: filtered, cut to some columns, with lists exploded or joined.

        The server answers in one piece, and rows of a query with columns of its own in no promised order; a limit then
        cuts anywhere. Numbers arrive rounded to ten digits after the point, and to ten in all when they are large:
        :meth:`iterate` gives them as they are, page by page.

        Args:
            project: Its id or exact name.
            query: Which spans, and what of them; everything of all spans when absent.
            start_time: Only spans that began then or later; with a time zone.
            end_time: Only spans that began before then; with a time zone.
            roots_only: Only spans without a parent; ``where("parent_span is None")`` takes those whose parent is not
                stored as well.
            limit: Most spans, before their lists are exploded (a server with PostgreSQL counts rows); every one when
                absent. Not for a query with both ``explode`` and ``concat``.
            timeout: Seconds for the query, retries included; 5 minutes by default.

        Raises:
            NotFoundError: There is no such project.
            ValidationError: The query cannot be right, or the server does not understand one of its conditions.
            ServerError: The server failed on the query, as with SQLite on lists to explode that hold texts alone.
        """
        found = await self._query(
            project,
            query,
            start_time=start_time,
            end_time=end_time,
            roots_only=roots_only,
            limit=limit,
            timeout=timeout,
        )
        return found[0]

    async def retrieved_documents(
        self,
        *,
        project: str,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> SpanRows:
        """Return a row for each document that was retrieved, for judging its relevance.

        Args:
            project: Its id or exact name.
            start_time: Only what spans retrieved that began then or later; with a time zone.
            end_time: Only what spans retrieved that began before then; with a time zone.
            limit: Most spans (a server with PostgreSQL counts rows); every one when absent.
            timeout: Seconds for the query, retries included; 5 minutes by default.

        Returns:
            Rows with ``context.span_id``, ``document_position`` (from 0), ``context.trace_id``, ``input`` (the
            question), ``document`` (its text), ``document_score`` and ``document_metadata``: the answer to
            ``RETRIEVED_DOCUMENTS``, which can be refined and given to :meth:`query`.

        Raises:
            NotFoundError: There is no such project.
        """
        found = await self._query(
            project, RETRIEVED_DOCUMENTS, start_time=start_time, end_time=end_time, limit=limit, timeout=timeout
        )
        return found[0]

    async def questions_with_context(
        self,
        *,
        project: str,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        timeout: float | None = None,
    ) -> SpanRows:
        """Return a row for each question and answer with the documents that were retrieved in the trace of them.

        For judging whether answers are right and grounded. Questions without documents are left out; what was retrieved
        outside of the range of time is not seen.

        Args:
            project: Its id or exact name.
            start_time: Only spans that began then or later; with a time zone.
            end_time: Only spans that began before then; with a time zone.
            timeout: Seconds for the query, retries included; 5 minutes by default.

        Returns:
            Rows with ``context.span_id`` and ``context.trace_id`` of the first span of the trace, its ``input``,
            ``output`` and ``metadata``, and as ``context`` the texts of all documents, with empty lines between them,
            in the order in which the spans that retrieved them began. The oldest question is first.

        Raises:
            NotFoundError: There is no such project.
        """
        questions, contexts = await self._query(
            project, QUESTIONS, CONTEXTS, start_time=start_time, end_time=end_time, timeout=timeout
        )
        return with_contexts(questions, contexts)

    async def _query(
        self,
        project: str,
        *queries: SpanQuery,
        start_time: datetime | None,
        end_time: datetime | None,
        roots_only: bool = False,
        limit: int | None = None,
        timeout: float | None,
    ) -> list[SpanRows]:
        time_range(start_time, end_time)
        if limit is not None and (not is_count(limit) or limit > MOST):
            raise refused("limit", f"must be a whole number of at least 1, or None, not {shown(limit)}", "out_of_range")
        if limit is not None and any(query.exploded and query.concatenated for query in queries):
            reason = "cannot go with both explode and concat, for the server takes other spans for each; ask twice"
            raise refused("limit", reason)
        body = query_body(queries, start_time=start_time, end_time=end_time, limit=limit, roots_only=roots_only)
        # Of a project that it does not know, and by an id, the route finds nothing and does not say so.
        name = (await AsyncProjects(self._runtime, version=self._version).get(project=project)).name
        return await run_queries(self._runtime, name, body, queries, timeout=timeout)
