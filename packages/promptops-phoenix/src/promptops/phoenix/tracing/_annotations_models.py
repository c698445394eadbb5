"""Annotations as callers write and read them: one flat shape for those of spans, traces, sessions and documents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec
from promptops.phoenix._generated import AnnotationResult, SessionAnnotation, SpanAnnotation, TraceAnnotation

__all__ = ["NOTE", "Annotation", "AnnotatorKind", "NewAnnotation", "WireAnnotation", "annotation_of"]

AnnotatorKind = Literal["LLM", "CODE", "HUMAN"]
WireAnnotation: TypeAlias = SpanAnnotation | TraceAnnotation | SessionAnnotation

NOTE: Final = "note"
"""The name that notes have, and nothing else may have."""


class NewAnnotation(msgspec.Struct, frozen=True, kw_only=True):
    """An annotation to be stored; one of the same name, target and identifier is replaced.

    Exactly one of ``span_id``, ``trace_id`` and ``session_id`` says what it is about, and at least one of ``label``,
    ``score`` and ``explanation`` says something.

    Attributes:
        name: What is judged, for example ``"correctness"``.
        span_id: The span, 16 digits of hex.
        trace_id: The trace, 32 digits of hex.
        session_id: The session, by its ``session_id``.
        document_position: With ``span_id``: which of the documents that the span retrieved, from 0.
        annotator_kind: Who judged: ``"HUMAN"``, ``"LLM"`` or ``"CODE"``.
        label: The judgement as a word.
        score: The judgement as a number.
        explanation: Why.
        metadata: Anything else that JSON can carry.
        identifier: Tells apart annotations of one name on one target.
    """

    name: str
    span_id: str | None = None
    trace_id: str | None = None
    session_id: str | None = None
    document_position: int | None = None
    annotator_kind: AnnotatorKind = "HUMAN"
    label: str | None = None
    score: float | None = None
    explanation: str | None = None
    metadata: Mapping[str, Any] | None = None
    identifier: str = ""


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """An annotation that is stored.

    Attributes:
        id: The server's id of it.
        name: What is judged; ``"note"`` is a note, whose text is ``explanation``.
        span_id: The span that it is about, or None.
        trace_id: The trace that it is about, or None.
        session_id: The session that it is about, or None.
        annotator_kind: Who judged: ``"HUMAN"``, ``"LLM"`` or ``"CODE"``.
        label: The judgement as a word.
        score: The judgement as a number.
        explanation: Why.
        metadata: What else was stored.
        identifier: Tells apart annotations of one name on one target.
        source: Where it came from: ``"API"`` or ``"APP"``.
        user_id: Who stored it, when the server knows its users.
        created_at: When it was stored first.
        updated_at: When it was stored last.
    """

    id: str
    name: str
    span_id: str | None = None
    trace_id: str | None = None
    session_id: str | None = None
    annotator_kind: str
    label: str | None = None
    score: float | None = None
    explanation: str | None = None
    metadata: Mapping[str, Any] = {}
    identifier: str = ""
    source: str = ""
    user_id: str | None = None
    created_at: datetime
    updated_at: datetime


def annotation_of(wire: WireAnnotation) -> Annotation:
    """The annotation out of what the server sends."""
    result = wire.result if isinstance(wire.result, AnnotationResult) else AnnotationResult()
    return Annotation(
        id=wire.id,
        name=wire.name,
        span_id=wire.span_id if isinstance(wire, SpanAnnotation) else None,
        trace_id=wire.trace_id if isinstance(wire, TraceAnnotation) else None,
        session_id=wire.session_id if isinstance(wire, SessionAnnotation) else None,
        annotator_kind=wire.annotator_kind,
        label=result.label or None,
        score=None if result.score is msgspec.UNSET else result.score,
        explanation=result.explanation or None,
        metadata=wire.metadata or {},
        identifier=wire.identifier,
        source=wire.source,
        user_id=wire.user_id,
        created_at=wire.created_at,
        updated_at=wire.updated_at,
    )
