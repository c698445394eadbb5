"""What is written to and read from the tracing side of a Phoenix server: spans, annotations, and their errors."""

from promptops.phoenix._generated import (
    CategoricalAnnotationConfig,
    CategoricalAnnotationConfigData,
    CategoricalAnnotationValue,
    ContinuousAnnotationConfig,
    ContinuousAnnotationConfigData,
    FreeformAnnotationConfig,
    FreeformAnnotationConfigData,
    Project,
    ProjectRetentionPolicyData,
    SessionData,
    SessionTraceData,
    Span,
    SpanContext,
    SpanEvent,
    TraceData,
    TraceSpanData,
)
from promptops.phoenix.tracing._annotation_configs import AnnotationConfig, NewAnnotationConfig
from promptops.phoenix.tracing._annotations_filters import AnnotationFilters
from promptops.phoenix.tracing._annotations_frames import annotations_from_dataframe, annotations_to_dataframe
from promptops.phoenix.tracing._annotations_models import Annotation, AnnotatorKind, NewAnnotation
from promptops.phoenix.tracing._annotations_send import UnknownTargetsError
from promptops.phoenix.tracing._query import SpanQuery, Unfolded
from promptops.phoenix.tracing._query_rag import RETRIEVED_DOCUMENTS
from promptops.phoenix.tracing._query_rows import SpanRows
from promptops.phoenix.tracing._sessions_turns import SessionTurn, TurnValue
from promptops.phoenix.tracing._spans_filters import SpanFilters
from promptops.phoenix.tracing._spans_frames import span_rows_to_dataframe, spans_from_dataframe, spans_to_dataframe
from promptops.phoenix.tracing._spans_log import InvalidSpan, LoggedSpans, SpanIds, SpansRefusedError
from promptops.phoenix.tracing._spans_new import NewSpan, SpanKind, StatusCode
from promptops.phoenix.tracing._traces_filters import TraceFilters

__all__ = [
    "RETRIEVED_DOCUMENTS",
    "Annotation",
    "AnnotationConfig",
    "AnnotationFilters",
    "AnnotatorKind",
    "CategoricalAnnotationConfig",
    "CategoricalAnnotationConfigData",
    "CategoricalAnnotationValue",
    "ContinuousAnnotationConfig",
    "ContinuousAnnotationConfigData",
    "FreeformAnnotationConfig",
    "FreeformAnnotationConfigData",
    "InvalidSpan",
    "LoggedSpans",
    "NewAnnotation",
    "NewAnnotationConfig",
    "NewSpan",
    "Project",
    "ProjectRetentionPolicyData",
    "SessionData",
    "SessionTraceData",
    "SessionTurn",
    "Span",
    "SpanContext",
    "SpanEvent",
    "SpanFilters",
    "SpanIds",
    "SpanKind",
    "SpanQuery",
    "SpanRows",
    "SpansRefusedError",
    "StatusCode",
    "TraceData",
    "TraceFilters",
    "TraceSpanData",
    "TurnValue",
    "Unfolded",
    "UnknownTargetsError",
    "annotations_from_dataframe",
    "annotations_to_dataframe",
    "span_rows_to_dataframe",
    "spans_from_dataframe",
    "spans_to_dataframe",
]
