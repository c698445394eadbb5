"""Spans as pandas data frames and back; pandas is an extra."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from promptops.core.errors import ValidationError
from promptops.models import prepared
from promptops.phoenix._checks import refused
from promptops.phoenix._generated import Span, SpanEvent
from promptops.phoenix.tracing._frames import frame_of, frame_rows
from promptops.phoenix.tracing._query_rows import SpanRows
from promptops.phoenix.tracing._spans_new import NewSpan

__all__ = ["span_rows_to_dataframe", "spans_from_dataframe", "spans_to_dataframe"]

_ATTRIBUTES: Final = "attributes."
_SPAN_ID: Final = "context.span_id"
_TRACE_ID: Final = "context.trace_id"
_COLUMNS: Final[Mapping[str, str]] = {
    "name": "name",
    "span_kind": "kind",
    "parent_id": "parent_id",
    "start_time": "start_time",
    "end_time": "end_time",
    "status_code": "status_code",
    "status_message": "status_message",
    "events": "events",
    _SPAN_ID: "span_id",
    _TRACE_ID: "trace_id",
}
"""Columns of a data frame, and the fields of a span."""


def spans_to_dataframe(spans: Iterable[Span]) -> Any:
    """Return a ``pandas.DataFrame`` with a row for each span, indexed by ``context.span_id``.

    Its columns are those of Phoenix's own data frames: ``name``, ``span_kind``, ``parent_id``, ``start_time``,
    ``end_time``, ``status_code``, ``status_message``, ``events``, ``context.trace_id``, and one
    for each attribute (``attributes.llm.model_name``, missing where a span has not got it).

    Raises:
        ConfigurationError: pandas is not installed.
    """
    return frame_of(map(_row, spans), _COLUMNS).set_index(_SPAN_ID)


def span_rows_to_dataframe(rows: SpanRows) -> Any:
    """Return a ``pandas.DataFrame`` of what ``client.spans.query`` found, indexed as the query says.

    An answer without rows has its columns all the same.

    Raises:
        ConfigurationError: pandas is not installed.
    """
    return frame_of(rows, rows.columns).set_index(list(rows.index_columns))


def spans_from_dataframe(frame: Any) -> list[NewSpan]:
    """Return the spans of a data frame with the columns of :func:`spans_to_dataframe`, for logging.

    ``name`` is needed; what else has no column, or a missing value, is as :class:`NewSpan` makes it by default. The
    span ids may be the index as well. Columns that are none of these are refused, for they would be lost.

    Raises:
        ConfigurationError: pandas is not installed.
        ValidationError: ``name`` is missing, a column is not known, or a cell has the wrong type.
    """
    if _SPAN_ID not in frame.columns and frame.index.name == _SPAN_ID:
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    unknown = [name for name in names if name not in _COLUMNS and not name.startswith(_ATTRIBUTES)]
    if unknown or "name" not in names:
        reason = f"has columns that are none of a span: {', '.join(unknown)}" if unknown else 'has no column "name"'
        raise refused("the data frame", reason)
    return [_span(number, row) for number, row in enumerate(frame_rows(frame))]


def _row(span: Span) -> dict[str, Any]:
    attributes = {} if span.attributes is msgspec.UNSET else span.attributes
    events = [] if span.events is msgspec.UNSET else span.events
    return {
        "name": span.name,
        "span_kind": span.span_kind,
        "parent_id": None if span.parent_id is msgspec.UNSET else span.parent_id,
        "start_time": span.start_time,
        "end_time": span.end_time,
        "status_code": span.status_code,
        "status_message": span.status_message,
        "events": [msgspec.to_builtins(event, builtin_types=(type(event.timestamp),)) for event in events],
        _SPAN_ID: span.context.span_id,
        _TRACE_ID: span.context.trace_id,
        **{_ATTRIBUTES + name: value for name, value in attributes.items()},
    }


def _span(number: int, row: Mapping[str, Any]) -> NewSpan:
    fields = {_COLUMNS[name]: value for name, value in row.items() if name in _COLUMNS}
    attributes = {name.removeprefix(_ATTRIBUTES): value for name, value in row.items() if name not in _COLUMNS}
    try:
        fields["events"] = msgspec.convert(fields.get("events", []), prepared(list[SpanEvent]))
        return msgspec.convert({**fields, "attributes": attributes}, prepared(NewSpan))
    except msgspec.ValidationError as exc:
        raise ValidationError(f"row {number} of the data frame is no span: {exc}.") from exc
