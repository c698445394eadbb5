"""Which spans are meant: the filters of the route, checked and turned into queries."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypedDict

import msgspec
from promptops.phoenix._checks import check_name, refused
from promptops.phoenix._http import Query, pairs
from promptops.phoenix._listing import choices, id_groups, known_filters, one_of, time_range
from promptops.phoenix.tracing._spans_new import SpanKind, StatusCode

__all__ = ["SpanFilters", "needed_features", "span_queries"]


class SpanFilters(TypedDict, total=False):
    """Which spans, and in which order; all of the filters have to fit, and None is as good as absent.

    Attributes:
        start_time: Only spans that began then or later; with a time zone.
        end_time: Only spans that began before then; with a time zone.
        trace_ids: Only the spans of these traces (no trace, no span).
        span_ids: Only the spans with these ids.
        parent_id: Only the children of the span with this ``span_id``.
        roots_only: Only spans without a parent.
        name: Only spans of exactly this name, or one of these.
        span_kind: Only spans of this kind, or one of these.
        status_code: Only spans that ended so, or in one of these ways.
        attributes: Only spans whose attributes have these values; names are dotted (``llm.model_name``), ``"5"`` is not
            5, and all of them have to fit.
        sort: ``"id"``, the order in which they arrived (the default), or ``"start_time"``.
        order: ``"desc"`` (the default) or ``"asc"``.
    """

    start_time: datetime | None
    end_time: datetime | None
    trace_ids: Sequence[str] | None
    span_ids: Sequence[str] | None
    parent_id: str | None
    roots_only: bool
    name: str | Sequence[str] | None
    span_kind: SpanKind | Sequence[SpanKind] | None
    status_code: StatusCode | Sequence[StatusCode] | None
    attributes: Mapping[str, str | int | float | bool] | None
    sort: Literal["id", "start_time"]
    order: Literal["asc", "desc"]


_KNOWN: Final = frozenset(SpanFilters.__annotations__)
_ROOT: Final = "null"


def span_queries(query: SpanFilters) -> Iterator[Query]:
    """Yield the queries that together ask for the spans: one, unless there are more ids than an address can hold.

    Raises:
        TypeError: There is no such filter.
        ValidationError: A filter has a value that cannot be asked for.
    """
    known_filters("spans", query, _KNOWN)
    time_range(query.get("start_time"), query.get("end_time"))
    parent = query.get("parent_id")
    if query.get("roots_only"):
        if parent is not None:
            raise refused("parent_id", "and roots_only exclude each other")
        parent = _ROOT
    elif parent is not None:
        check_name("parent_id", parent)
    attributes = query.get("attributes")
    common = pairs(
        start_time=query.get("start_time"),
        end_time=query.get("end_time"),
        parent_id=parent,
        name=choices("name", query.get("name")),
        span_kind=choices("span_kind", query.get("span_kind")),
        status_code=choices("status_code", query.get("status_code")),
        attribute=None if attributes is None else [_attribute(key, value) for key, value in attributes.items()],
        sort=one_of("sort", query.get("sort"), "id", "start_time"),
        order=one_of("order", query.get("order"), "desc", "asc"),
    )
    traces = id_groups("trace_ids", query.get("trace_ids"))
    spans = id_groups("span_ids", query.get("span_ids"))
    for trace_ids in (None,) if traces is None else traces:
        for span_ids in (None,) if spans is None else spans:
            yield (*common, *pairs(trace_id=trace_ids, span_id=span_ids))


def needed_features(query: SpanFilters) -> Iterator[str]:
    """The features that a server must have: an older one would leave such a filter out, and answer with every span."""
    if query.get("trace_ids") is not None:
        yield "spans of given traces"
    if query.get("span_ids") is not None:
        yield "spans by their ids"
    filters = ("parent_id", "name", "span_kind", "status_code")
    if query.get("roots_only") or any(query.get(name) is not None for name in filters):
        yield "filters of spans"
    if query.get("attributes") is not None:
        yield "filters of spans by attribute"


def _attribute(key: str, value: Any) -> str:
    """``key:value`` with the value as JSON, so that texts are not taken for numbers."""
    if ":" in check_name("attributes", key):
        raise refused(f"attributes.{key:.80}", "has a colon in its name, and the route cannot take one")
    if not isinstance(value, str | int | float):
        raise refused(f"attributes.{key:.80}", f"must be a text, a number or a boolean, not {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise refused(f"attributes.{key:.80}", "must be finite")
    return f"{key}:{msgspec.json.encode(value).decode()}"
