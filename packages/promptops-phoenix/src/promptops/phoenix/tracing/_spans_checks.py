"""Spans are checked before they are sent: the server takes almost anything, and then loses or bends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
from promptops.core import codec
from promptops.core.errors import ValidationError
from promptops.core.narrow import is_array, is_object
from promptops.phoenix._checks import aware, check_name, shown
from promptops.phoenix._generated import Span
from promptops.phoenix._numbers import LARGE_NUMBER, fits
from promptops.phoenix.tracing._spans_new import KINDS, STATUSES, NewSpan, is_span_id, is_trace_id, wire_span

__all__ = ["EncodedSpan", "batches", "encoded_spans"]

_SPANS: Final = 1000
_BYTES: Final = 4_000_000
_PROBLEMS: Final = 100
_DEEPEST: Final = codec.MAX_DEPTH - 4
"""Levels of a span; around it, an answer has up to four more."""
_KIND: Final = "openinference.span.kind"
_NUL: Final = "holds a NUL character, which databases cannot store"


class EncodedSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A span that may be sent.

    Attributes:
        span_id: Its id.
        body: It as JSON.
    """

    span_id: str
    body: bytes


def encoded_spans(spans: Iterable[NewSpan | Span]) -> list[EncodedSpan]:
    """Check and encode spans.

    Raises:
        ValidationError: ``validation_errors`` lists what is wrong with which of them, 100 problems at most.
    """
    found: list[EncodedSpan] = []
    places: dict[str, int] = {}
    problems: list[dict[str, Any]] = []
    for index, span in enumerate(spans):
        try:
            wire = wire_span(span)
            problems += [_problem(index, field, reason) for field, reason in _wrong(wire)]
            span_id = wire.context.span_id
            if places.setdefault(span_id, index) != index:
                reason = f"is that of span {places[span_id]} of this call as well; the server would keep one of them"
                problems.append(_problem(index, "span_id", reason))
            body = codec.encode(wire)
            problems += [_problem(index, field, reason) for field, reason in _lost(wire, body)]
            found.append(EncodedSpan(span_id=span_id, body=body))
        except ValidationError as exc:
            first = exc.validation_errors[0]
            problems.append(_problem(index, str(first["field"]).removeprefix("$."), str(first["message"])))
        if len(problems) >= _PROBLEMS:
            break
    if problems:
        more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
        message = f"{problems[0]['field']} {problems[0]['message']}{more}; no span was sent."
        raise ValidationError(message, validation_errors=problems[:_PROBLEMS])
    return found


def batches(spans: Iterable[EncodedSpan]) -> Iterator[list[EncodedSpan]]:
    """Split spans into requests of at most 1,000 and about 4 MB."""
    batch: list[EncodedSpan] = []
    size = 0
    for span in spans:
        if batch and (len(batch) == _SPANS or size + len(span.body) > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(span)
        size += len(span.body)
    if batch:
        yield batch


def _wrong(span: Span) -> Iterator[tuple[str, str]]:
    context = span.context
    if not is_trace_id(context.trace_id):
        yield "trace_id", f"must be 32 digits of lower-case hex, not all 0, not {shown(context.trace_id)}"
    if not is_span_id(context.span_id):
        yield "span_id", f"must be 16 digits of lower-case hex, not all 0, not {shown(context.span_id)}"
    parent = span.parent_id
    if parent is not msgspec.UNSET and parent is not None:
        if not is_span_id(parent):
            yield "parent_id", f"must be 16 digits of lower-case hex, or None for a root, not {shown(parent)}"
        elif parent == context.span_id:
            yield "parent_id", "is the id of the span itself"
    yield from _refusals(span)
    if span.span_kind not in KINDS:
        yield "kind", f"must be one of {', '.join(sorted(KINDS))}, not {shown(span.span_kind)}"
    if span.status_code not in STATUSES:
        yield "status_code", f"must be one of {', '.join(sorted(STATUSES))}, not {shown(span.status_code)}"
    if span.attributes is not msgspec.UNSET and span.attributes.get(_KIND, span.span_kind) != span.span_kind:
        yield f"attributes.{_KIND}", "is not the kind of the span, which is what the server keeps; say it as kind"


def _refusals(span: Span) -> Iterator[tuple[str, str]]:
    """What the checks of single fields refuse."""
    moments: dict[str, datetime] = {"start_time": span.start_time, "end_time": span.end_time}
    for number, event in enumerate(() if span.events is msgspec.UNSET else span.events):
        moments[f"events[{number}].timestamp"] = event.timestamp
    try:
        check_name("name", span.name)
    except ValidationError as exc:
        yield "name", str(exc.validation_errors[0]["message"])
    known = True
    for field, moment in moments.items():
        try:
            aware(field, moment)
        except ValidationError as exc:
            known = False
            yield field, str(exc.validation_errors[0]["message"])
    if known and span.end_time < span.start_time:
        yield "end_time", "is before start_time"


def _lost(span: Span, body: bytes) -> Iterator[tuple[str, str]]:
    """What the server would lose or bend, looked at as it travels."""
    if codec.depth_exceeds(body, _DEEPEST):
        yield "attributes", "nest so deeply that the span, and every list with it, could not be read back"
        return
    attributes = {} if span.attributes is msgspec.UNSET else span.attributes
    plain = all(value is None or isinstance(value, str | int | float) for value in attributes.values())
    if plain and b"\\u0000" not in body and not LARGE_NUMBER.search(body):
        return  # nearly every span
    names: set[str] = set()
    stack: list[tuple[str, Any, bool]] = [(name, item, True) for name, item in msgspec.json.decode(body).items()]
    while stack:
        where, item, named = stack.pop()
        if is_object(item):
            stack += [(f"{where}.{key}", child, named) for key, child in item.items()]
            if any("\0" in key for key in item):
                yield where, _NUL
            continue
        if named and where in names:
            yield where, "is there twice: the server stores nested objects under dotted names"
        elif named:
            names.add(where)
        if is_array(item):
            stack += [(f"{where}[{number}]", child, False) for number, child in enumerate(item)]
            if where.startswith("attributes.") and len({isinstance(child, dict) for child in item}) > 1:
                yield where, "mixes objects with other values in one list, of which the server would keep the objects"
        elif not fits(item):
            yield where, "is a number of more than 64 bits, with which the server would lose the span"
        elif isinstance(item, str) and "\0" in item:
            yield where, _NUL


def _problem(index: int, field: str, reason: str) -> dict[str, Any]:
    return {"field": f"spans[{index}].{field}", "message": reason, "code": "invalid"}
