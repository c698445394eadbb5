"""The turns of a conversation, out of the traces of its session and their root spans."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from promptops.phoenix._generated import SessionData, Span

__all__ = ["SessionTurn", "TurnValue", "turns_of"]


class TurnValue(msgspec.Struct, frozen=True, kw_only=True):
    """What went into a turn or came out of it.

    Attributes:
        value: As text.
        mime_type: How the text is to be read, when it was said.
    """

    value: str
    mime_type: str | None = None


class SessionTurn(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a conversation.

    Attributes:
        trace_id: The trace that it is.
        start_time: When it began.
        end_time: When it ended.
        input: What went in.
        output: What came out.
        root_span: The root of its trace.
    """

    trace_id: str
    start_time: datetime
    end_time: datetime
    input: TurnValue | None = None
    output: TurnValue | None = None
    root_span: Span | None = None


def turns_of(session: SessionData, roots: Mapping[str, Span]) -> list[SessionTurn]:
    """One turn for each trace, in the order in which they began.

    Args:
        session: The session.
        roots: The root spans, by ``trace_id``.
    """
    return [
        _turn(trace.trace_id, trace.start_time, trace.end_time, roots.get(trace.trace_id))
        for trace in sorted(session.traces, key=lambda trace: trace.start_time)
    ]


def _turn(trace_id: str, start_time: datetime, end_time: datetime, root: Span | None) -> SessionTurn:
    attributes: Mapping[str, Any] = {}
    if root is not None and root.attributes is not msgspec.UNSET:
        attributes = root.attributes
    return SessionTurn(
        trace_id=trace_id,
        start_time=start_time,
        end_time=end_time,
        input=_value(attributes, "input"),
        output=_value(attributes, "output"),
        root_span=root,
    )


def _value(attributes: Mapping[str, Any], name: str) -> TurnValue | None:
    value, mime_type = attributes.get(f"{name}.value"), attributes.get(f"{name}.mime_type")
    if value is None:
        return None
    return TurnValue(value=str(value), mime_type=None if mime_type is None else str(mime_type))
