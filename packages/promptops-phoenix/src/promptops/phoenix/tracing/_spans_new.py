"""Spans as callers write them, and the forms of their ids."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

import msgspec
from promptops.core import codec
from promptops.phoenix._generated import Span, SpanContext, SpanEvent

__all__ = ["KINDS", "STATUSES", "NewSpan", "SpanKind", "StatusCode", "is_span_id", "is_trace_id", "wire_span"]

SpanKind = Literal[
    "AGENT",
    "CHAIN",
    "EMBEDDING",
    "EVALUATOR",
    "GUARDRAIL",
    "LLM",
    "PROMPT",
    "RERANKER",
    "RETRIEVER",
    "TOOL",
    "UNKNOWN",
]
StatusCode = Literal["OK", "ERROR", "UNSET"]
KINDS: Final[frozenset[str]] = frozenset(get_args(SpanKind))
STATUSES: Final[frozenset[str]] = frozenset(get_args(StatusCode))

_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}")


def is_trace_id(value: object) -> bool:
    """Whether it is 32 digits of lower-case hex that are not all 0."""
    return isinstance(value, str) and _TRACE_ID.fullmatch(value) is not None and value.strip("0") != ""


def is_span_id(value: object) -> bool:
    """Whether it is 16 digits of lower-case hex that are not all 0."""
    return isinstance(value, str) and _SPAN_ID.fullmatch(value) is not None and value.strip("0") != ""


def _new_trace_id() -> str:
    return f"{secrets.randbits(128) or 1:032x}"


def _new_span_id() -> str:
    return f"{secrets.randbits(64) or 1:016x}"


def _now() -> datetime:
    return datetime.now(UTC)


class NewSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A span to be logged.

    Attributes:
        name: What was done.
        trace_id: 32 digits of lower-case hex; the spans of one trace share it. Random by default.
        span_id: 16 digits of lower-case hex; no other span of the server may have it. Random by default.
        parent_id: ``span_id`` of the span within which this was done; None for the root of a trace.
        kind: What kind of work it was.
        start_time: When it began, with a time zone; now by default.
        end_time: When it ended; the same moment as ``start_time`` by default.
        status_code: How it ended.
        status_message: What went wrong.
        input: What went in: a text, or anything that JSON can carry (stored as its JSON text).
        output: What came out, likewise.
        session_id: The conversation that its trace belongs to.
        attributes: Anything else; these win over ``input``, ``output`` and ``session_id``. The server stores nested
            objects under dotted names (``{"llm": {"model": "x"}}`` comes back as ``{"llm.model": "x"}``) and leaves out
            None and empty objects.
        events: What happened meanwhile.
    """

    name: str
    trace_id: str = msgspec.field(default_factory=_new_trace_id)
    span_id: str = msgspec.field(default_factory=_new_span_id)
    parent_id: str | None = None
    kind: SpanKind = "CHAIN"
    start_time: datetime = msgspec.field(default_factory=_now)
    end_time: datetime | None = None
    status_code: StatusCode = "UNSET"
    status_message: str = ""
    input: Any = None
    output: Any = None
    session_id: str | None = None
    attributes: Mapping[str, Any] = {}
    events: Sequence[SpanEvent] = ()


def wire_span(span: NewSpan | Span) -> Span:
    """The span as it travels; one that was read before loses the id that its server gave it.

    Raises:
        ValidationError: Input or output is nothing that JSON can carry.
    """
    if isinstance(span, Span):
        return msgspec.structs.replace(span, id="")
    attributes = {**_value("input", span.input), **_value("output", span.output)}
    if span.session_id is not None:
        attributes["session.id"] = span.session_id
    return Span(
        name=span.name,
        context=SpanContext(trace_id=span.trace_id, span_id=span.span_id),
        parent_id=span.parent_id,
        span_kind=span.kind,
        start_time=span.start_time,
        end_time=span.start_time if span.end_time is None else span.end_time,
        status_code=span.status_code,
        status_message=span.status_message,
        attributes=attributes | dict(span.attributes),
        events=list(span.events),
    )


def _value(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, str):
        return {f"{name}.value": value, f"{name}.mime_type": "text/plain"}
    return {f"{name}.value": codec.encode(value).decode(), f"{name}.mime_type": "application/json"}
