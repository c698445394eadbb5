"""Which annotations are meant: the filters of the routes, checked and turned into queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypedDict

from promptops.phoenix._checks import refused
from promptops.phoenix._generated import (
    SessionAnnotationsResponseBody,
    SpanAnnotationsResponseBody,
    TraceAnnotationsResponseBody,
)
from promptops.phoenix._http import Query, pairs
from promptops.phoenix._listing import choices, id_groups, known_filters
from promptops.phoenix.tracing._annotations_models import NOTE

__all__ = ["SHAPES", "AnnotationFilters", "annotation_queries"]

SHAPES: Final[Mapping[str, type[Any]]] = {
    "span": SpanAnnotationsResponseBody,
    "trace": TraceAnnotationsResponseBody,
    "session": SessionAnnotationsResponseBody,
}
"""The answer of each route."""


class AnnotationFilters(TypedDict, total=False):
    """Which annotations: those of spans, or of traces, or of sessions; the rest has to fit; None counts as absent.

    Attributes:
        span_ids: Those of these spans.
        trace_ids: Those of these traces.
        session_ids: Those of these sessions, named by their ``session_id``.
        identifiers: Only those with one of these identifiers.
        names: Only those of this name, or one of these.
        exclude_names: None of this name, or of these.
        notes: Whether notes are among them (False); they are in any case when ``names`` has ``"note"``.
    """

    span_ids: Iterable[str] | None
    trace_ids: Iterable[str] | None
    session_ids: Iterable[str] | None
    identifiers: Iterable[str] | None
    names: str | Sequence[str] | None
    exclude_names: str | Sequence[str] | None
    notes: bool


_KNOWN: Final = frozenset(AnnotationFilters.__annotations__)


def annotation_queries(query: AnnotationFilters) -> tuple[str, list[Query]]:
    """What kind of thing is annotated, and the queries that together ask for the annotations.

    Raises:
        TypeError: There is no such filter.
        ValidationError: There are not ids of exactly one kind, or a filter has a value that cannot be asked for.
    """
    known_filters("annotations", query, _KNOWN)
    given = {"span": query.get("span_ids"), "trace": query.get("trace_ids"), "session": query.get("session_ids")}
    kinds = [kind for kind, ids in given.items() if ids is not None]
    if len(kinds) != 1:
        raise refused("span_ids, trace_ids or session_ids", "must be given, and only one of them")
    kind = kinds[0]
    included = choices("names", query.get("names"))
    excluded = choices("exclude_names", query.get("exclude_names")) or []
    if not query.get("notes") and NOTE not in (included or ()):
        excluded.append(NOTE)
    common = pairs(
        identifier=choices("identifiers", query.get("identifiers")),
        include_annotation_names=included,
        exclude_annotation_names=excluded,
    )
    groups = id_groups(f"{kind}_ids", given[kind]) or []
    return kind, [(*common, *((f"{kind}_ids", one) for one in group)) for group in groups]
