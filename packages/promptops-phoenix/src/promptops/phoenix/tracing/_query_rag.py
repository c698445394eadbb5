"""Queries for judging retrieval: the documents that were retrieved, and questions with what was retrieved for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from promptops.phoenix.tracing._query import SpanQuery
from promptops.phoenix.tracing._query_paths import SPAN_ID, TRACE_ID
from promptops.phoenix.tracing._query_rows import SpanRows

__all__ = ["CONTEXTS", "QUESTIONS", "RETRIEVED_DOCUMENTS", "with_contexts"]

_RETRIEVERS: Final = SpanQuery().where("span_kind == 'RETRIEVER'")
_DOCUMENTS: Final = "retrieval.documents"
_SEPARATOR: Final = "\n\n"

RETRIEVED_DOCUMENTS: Final = _RETRIEVERS.select("trace_id", input="input.value").explode(
    _DOCUMENTS,
    document="document.content",
    document_score="document.score",
    document_metadata="document.metadata",
)
"""A row for each document that a span of kind ``RETRIEVER`` retrieved: ``context.span_id``, ``document_position``,
``context.trace_id``, ``input``, ``document``, ``document_score`` and ``document_metadata``."""

QUESTIONS: Final = (
    SpanQuery()
    .where("parent_id is None")
    .select("trace_id", "start_time", input="input.value", output="output.value", metadata="metadata")
)
"""The first span of each trace, with what went in and came out."""

CONTEXTS: Final = _RETRIEVERS.select("trace_id", "start_time").concat(
    _DOCUMENTS, separator=_SEPARATOR, context="document.content"
)
"""The documents of each span that retrieved some, as one text."""

_COLUMNS: Final = (SPAN_ID, TRACE_ID, "input", "output", "context", "metadata")


def with_contexts(questions: SpanRows, contexts: Iterable[dict[str, Any]]) -> SpanRows:
    """Return the rows of questions with what was retrieved in their traces; those without documents are left out.

    Args:
        questions: The answer to :data:`QUESTIONS`.
        contexts: The answer to :data:`CONTEXTS`.
    """
    texts: dict[str, list[str]] = {}
    for row in sorted(contexts, key=_moment):
        if row["context"] is not None:
            texts.setdefault(row[TRACE_ID], []).append(row["context"])
    joined = {trace_id: _SEPARATOR.join(found) for trace_id, found in texts.items()}
    rows = [
        {name: joined[row[TRACE_ID]] if name == "context" else row[name] for name in _COLUMNS}
        for row in sorted(questions, key=_moment)
        if row[TRACE_ID] in joined
    ]
    return SpanRows(rows, columns=_COLUMNS, index_columns=questions.index_columns)


def _moment(row: dict[str, Any]) -> tuple[Any, str]:
    return row["start_time"], row[SPAN_ID]
