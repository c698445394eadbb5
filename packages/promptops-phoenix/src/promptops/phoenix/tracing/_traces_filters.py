"""Which traces are meant: the filters of the route, checked and turned into queries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, TypedDict

from promptops.phoenix._checks import check_name, refused
from promptops.phoenix._http import Query, pairs
from promptops.phoenix._listing import id_groups, known_filters, one_of, time_range

__all__ = ["TraceFilters", "needs_filters", "trace_queries"]


class TraceFilters(TypedDict, total=False):
    """Which traces, and in which order; all of the filters have to fit, and None is as good as absent.

    Attributes:
        start_time: Only traces that began then or later; with a time zone.
        end_time: Only traces that began before then; with a time zone.
        session_ids: Only the traces of these sessions, each named by its ``session_id`` or its id.
        error: Only traces with a span that failed (True), or without one (False).
        min_latency_ms: Only traces that took so many milliseconds or more.
        max_latency_ms: Only traces that took so many milliseconds or fewer.
        filter: A condition in the language of the server, for example ``"error_count > 0 and latency_ms > 500"``.
        sort: ``"start_time"`` (the default) or ``"latency_ms"``.
        order: ``"desc"`` (the default) or ``"asc"``.
        include_spans: Whether each trace comes with its spans (False).
    """

    start_time: datetime | None
    end_time: datetime | None
    session_ids: Sequence[str] | None
    error: bool | None
    min_latency_ms: float | None
    max_latency_ms: float | None
    filter: str | None
    sort: Literal["start_time", "latency_ms"]
    order: Literal["asc", "desc"]
    include_spans: bool


_KNOWN: Final = frozenset(TraceFilters.__annotations__)
_FILTERS: Final = ("error", "min_latency_ms", "max_latency_ms", "filter")


def needs_filters(query: TraceFilters) -> bool:
    """Whether a filter is used that an older server would leave out, to answer with every trace."""
    return any(query.get(name) is not None for name in _FILTERS)


def trace_queries(query: TraceFilters) -> list[Query]:
    """The queries that together ask for the traces: one, unless there are more sessions than an address can hold.

    Raises:
        TypeError: There is no such filter.
        ValidationError: A filter has a value that cannot be asked for.
    """
    known_filters("traces", query, _KNOWN)
    time_range(query.get("start_time"), query.get("end_time"))
    condition = query.get("filter")
    common = pairs(
        start_time=query.get("start_time"),
        end_time=query.get("end_time"),
        error=query.get("error"),
        min_latency_ms=_milliseconds("min_latency_ms", query.get("min_latency_ms")),
        max_latency_ms=_milliseconds("max_latency_ms", query.get("max_latency_ms")),
        filter=None if condition is None else check_name("filter", condition),
        sort=one_of("sort", query.get("sort"), "start_time", "latency_ms"),
        order=one_of("order", query.get("order"), "desc", "asc"),
        include_spans=bool(query.get("include_spans")),
    )
    sessions = id_groups("session_ids", query.get("session_ids"))
    return [(*common, *pairs(session_identifier=group)) for group in ((None,) if sessions is None else sessions)]


def _milliseconds(field: str, value: float | None) -> str | None:
    if value is None:
        return None
    if not 0 <= value < math.inf:
        raise refused(field, f"must be a finite number of milliseconds, and not negative, not {value!r:.80}")
    return repr(value)
