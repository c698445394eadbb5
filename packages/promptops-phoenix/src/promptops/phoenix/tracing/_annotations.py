"""The annotations resource."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Literal, Unpack

from promptops.core.bridge import AsyncResource, SyncResource, bridge, bridge_iter
from promptops.core.errors import NotFoundError, PromptOpsError
from promptops.core.pagination import CursorPage
from promptops.core.runtime import Runtime
from promptops.phoenix._checks import check_name, refused
from promptops.phoenix._http import Query, fetch_page, pairs, send_empty
from promptops.phoenix._listing import iterate_queries, one_of, time_range
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.tracing._annotation_configs import AsyncAnnotationConfigs, SyncAnnotationConfigs
from promptops.phoenix.tracing._annotations_filters import SHAPES, AnnotationFilters, annotation_queries
from promptops.phoenix.tracing._annotations_models import Annotation, AnnotatorKind, NewAnnotation, annotation_of
from promptops.phoenix.tracing._annotations_send import UnknownTargetsError, annotation_batches, send_batch
from promptops.phoenix.tracing._projects import AsyncProjects, project_path

__all__ = ["AsyncAnnotations", "SyncAnnotations"]


class AsyncAnnotations(AsyncResource):
    """Annotations of spans, traces, sessions and retrieved documents: write, read and delete them.

    What is annotated has to be stored already: spans can be a moment after they were logged.
    """

    def __init__(self, runtime: Runtime, *, version: ServerVersion) -> None:
        super().__init__(runtime)
        self._version = version

    @property
    def configs(self) -> AsyncAnnotationConfigs:
        """Which annotations people are asked for in the projects."""
        return AsyncAnnotationConfigs(self._runtime, version=self._version)

    async def add(
        self,
        *,
        name: str,
        span_id: str | None = None,
        trace_id: str | None = None,
        session_id: str | None = None,
        document_position: int | None = None,
        annotator_kind: AnnotatorKind = "HUMAN",
        label: str | None = None,
        score: float | None = None,
        explanation: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        identifier: str = "",
        sync: bool = True,
    ) -> str | None:
        """Store one annotation; the arguments are those of :class:`NewAnnotation`.

        Args:
            name: What is judged, for example ``"correctness"``.
            span_id: The span, 16 digits of hex.
            trace_id: The trace, 32 digits of hex.
            session_id: The session, by its ``session_id``.
            document_position: With ``span_id``: which of the documents that the span retrieved, from 0.
            annotator_kind: Who judged.
            label: The judgement as a word.
            score: The judgement as a number.
            explanation: Why.
            metadata: Anything else that JSON can carry.
            identifier: Tells apart annotations of one name on one target.
            sync: False leaves the server to store it later: what is wrong then is never heard of.

        Returns:
            Its id, or None without ``sync``.

        Raises:
            UnknownTargetsError: What it is about does not exist.
            ValidationError: It is malformed; or, of a document, the span has no document there or does not exist.
        """
        annotation = NewAnnotation(
            name=name,
            span_id=span_id,
            trace_id=trace_id,
            session_id=session_id,
            document_position=document_position,
            annotator_kind=annotator_kind,
            label=label,
            score=score,
            explanation=explanation,
            metadata=metadata,
            identifier=identifier,
        )
        ids = await self.add_many(annotations=[annotation], sync=sync)
        return ids[0] if ids else None

    async def add_many(self, *, annotations: Iterable[NewAnnotation], sync: bool = True) -> builtins.list[str]:
        """Store annotations, of whatever kinds, up to 500 in a request.

        All of them are checked before the first is sent. The server stores a request as a whole or not at all.

        Args:
            annotations: The annotations.
            sync: False leaves the server to store them later: what is wrong then is never heard of.

        Returns:
            Their ids, in the order given; none without ``sync``.

        Raises:
            ValidationError: One is malformed; or a span has no document at that position.
            UnknownTargetsError: It names the targets that do not exist.
            PromptOpsError: Anything else; ``details`` says how many annotations were ``stored`` before.
        """
        batches = annotation_batches(annotations)
        if any(batch.route == "session_annotations" for batch in batches):
            await self._version.require("session annotations")
        ids: dict[int, str] = {}
        for batch in batches:
            try:
                stored = await send_batch(self._runtime, batch, sync=sync)
            except PromptOpsError as exc:
                exc.details["stored"] = len(ids)
                if isinstance(exc, UnknownTargetsError):
                    exc.stored = [ids[place] for place in sorted(ids)]
                raise
            ids.update(zip(batch.places, stored, strict=sync))
        return [ids[place] for place in sorted(ids)]

    async def iterate(
        self, *, project: str, limit: int | None = None, **query: Unpack[AnnotationFilters]
    ) -> AsyncIterator[Annotation]:
        """Yield the annotations of spans, or of traces, or of sessions, page by page.

        More than 100 ids are asked for in groups, one after another; within each the last one stored comes first. The
        annotations of documents cannot be read back: the server has no route for them.

        Args:
            project: The id or exact name of the project of what is annotated.
            limit: Most annotations in all; every one when absent.
            **query: Which annotations; see :class:`AnnotationFilters`.

        Raises:
            NotFoundError: There is no such project.
            ValidationError: There are not ids of exactly one kind.
        """
        kind, queries = annotation_queries(query)
        if query.get("identifiers") is not None:
            await self._version.require("annotations by their identifiers")
        where = await project_path(self._runtime, project, f"{kind}_annotations")
        pages = partial(self._page, project=project, where=where, shape=SHAPES[kind])
        async for annotation in iterate_queries(pages, queries, limit=limit):
            yield annotation

    async def list(
        self, *, project: str, limit: int | None = None, **query: Unpack[AnnotationFilters]
    ) -> builtins.list[Annotation]:
        """Return the annotations of spans, traces or sessions; the arguments are those of :meth:`iterate`."""
        return [annotation async for annotation in self.iterate(project=project, limit=limit, **query)]

    async def delete(
        self,
        *,
        project: str,
        target: Literal["span", "trace", "session"],
        name: str | None = None,
        identifier: str | None = None,
        annotator_kind: AnnotatorKind | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        delete_all: bool = False,
    ) -> None:
        """Delete the annotations of a project that fit all of what is given, notes among them.

        Either both times bound what is deleted, or ``delete_all`` says that all that fit the rest shall go.

        Args:
            project: Its id or exact name.
            target: Whether those of spans, of traces or of sessions are meant.
            name: Only those of this name; ``"note"`` for notes.
            identifier: Only those with this identifier.
            annotator_kind: Only those of such annotators.
            start_time: Only those that were stored then or later; with a time zone.
            end_time: Only those that were stored before then; with a time zone.
            delete_all: Whatever their time.

        Raises:
            NotFoundError: There is no such project.
            ValidationError: The times are not both given, and ``delete_all`` is not True; nothing was deleted.
        """
        one_of("target", target, *SHAPES)
        time_range(start_time, end_time)
        if (start_time is None or end_time is None) and not delete_all:
            raise refused(
                "delete_all",
                "must be True to delete without both start_time and end_time; the other filters still count",
            )
        query = pairs(
            name=None if name is None else check_name("name", name),
            identifier=None if identifier is None else check_name("identifier", identifier),
            annotator_kind=None
            if annotator_kind is None
            else one_of("annotator_kind", annotator_kind, "HUMAN", "LLM", "CODE"),
            start_time=start_time,
            end_time=end_time,
            delete_all=delete_all,
        )
        where = await project_path(self._runtime, project, f"{target}_annotations")
        await send_empty(self._runtime, "DELETE", where, query=query)

    async def _page(
        self, query: Query, cursor: str | None, limit: int, *, project: str, where: str, shape: type[Any]
    ) -> CursorPage[Annotation]:
        try:
            return await fetch_page(
                self._runtime, where, shape, query=query, limit=limit, cursor=cursor, convert=annotation_of
            )
        except NotFoundError:
            # That is also said when the project is there, and none of the ids is.
            await AsyncProjects(self._runtime, version=self._version).get(project=project)
            return CursorPage(items=[])


class SyncAnnotations(SyncResource[AsyncAnnotations]):
    """Blocking view of :class:`AsyncAnnotations`."""

    @property
    def configs(self) -> SyncAnnotationConfigs:
        """Which annotations people are asked for in the projects."""
        return SyncAnnotationConfigs(self._resource.configs)

    add = bridge(AsyncAnnotations.add)
    add_many = bridge(AsyncAnnotations.add_many)
    iterate = bridge_iter(AsyncAnnotations.iterate)
    list = bridge(AsyncAnnotations.list)
    delete = bridge(AsyncAnnotations.delete)
