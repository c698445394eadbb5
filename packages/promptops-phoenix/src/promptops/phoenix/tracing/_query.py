"""Queries of spans as values: what is asked for, checked before anything is sent."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from promptops.phoenix._checks import check_name, refused, shown
from promptops.phoenix.tracing._query_paths import SPAN_ID, check_element, expression, label_of

__all__ = ["SpanQuery", "Unfolded"]

_DOCUMENTS: Final = "retrieval.documents"
_SEPARATOR: Final = "\n\n"

Labels = tuple[tuple[str, str], ...]


class Unfolded(msgspec.Struct, frozen=True, kw_only=True):
    """A list that a query looks into.

    Attributes:
        path: The attribute that is a list.
        columns: The label of each column, and what of the objects in the list it has; everything when empty.
        separator: What stands between texts that are put together.
    """

    path: str
    columns: Labels = ()
    separator: str = _SEPARATOR


class SpanQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which spans are asked for and what of them, for ``client.spans.query``; every method returns a new query.

    Without ``select``, ``explode`` and ``concat`` the rows have everything of a span, in the columns of Phoenix's data
    frames (``name``, ``attributes.llm.model_name``). With one of them, they have what is asked for and the index.

    A field is ``span_id``, ``trace_id``, ``parent_id``, ``name``, ``span_kind``, ``start_time``, ``end_time``,
    ``latency_ms``, ``status_code``, ``status_message``, or one of ``cumulative_llm_token_count_prompt``,
    ``_completion`` and ``_total``. Any other name is an attribute: ``llm.model_name``, ``metadata["two words"]``,
    ``retrieval.documents.0.document.score``.

    Attributes:
        conditions: What has to be true of a span.
        columns: Labels, and the fields or attributes that they stand for.
        exploded: The list whose objects get a row each.
        concatenated: The list whose texts are put together.
        names: Labels, and what they are renamed to.
        index: The field or attribute that rows are known by.

    Raises:
        ValidationError: A name, a label or a condition cannot be right; the message names the field.
    """

    conditions: tuple[str, ...] = ()
    columns: Labels = ()
    exploded: Unfolded | None = None
    concatenated: Unfolded | None = None
    names: Labels = ()
    index: str = SPAN_ID

    def __post_init__(self) -> None:
        for condition in self.conditions:
            _check_condition(condition)
        expression("with_index", self.index)
        for label, path in self.columns:
            check_name("select", label)
            expression(f"select.{label:.80}", path)
        for field, part in (("explode", self.exploded), ("concat", self.concatenated)):
            if part is not None:
                _check_unfolded(field, part)
        _check_labels(self)

    def where(self, condition: str) -> SpanQuery:
        """Ask for spans of which this is true as well.

        Args:
            condition: An expression in the language of the server, which is a part of Python's: comparisons of fields
                and attributes with ``==``, ``<``, ``in``, ``is None`` (``"span_kind == 'LLM' and latency_ms > 500"``,
                ``"'refund' in input.value"``, ``"parent_id is None"``), and of annotations
                (``"annotations['quality'].score < 0.5"``). An unknown name is an attribute that no span has.
        """
        return msgspec.structs.replace(self, conditions=(*self.conditions, _stripped(condition)))

    def select(self, *paths: str, **labelled: str) -> SpanQuery:
        """Ask for these fields and attributes as well.

        Args:
            *paths: Their names, which label the columns (``span_id`` and ``trace_id`` get ``context.`` before them).
            **labelled: Labels of your own, and the names: ``question="input.value"``.
        """
        more = (*((label_of(_text("select", path)), path) for path in paths), *labelled.items())
        return msgspec.structs.replace(self, columns=tuple(dict.fromkeys((*self.columns, *more))))

    def explode(self, path: str, **columns: str) -> SpanQuery:
        """Ask for a row for each object in a list, and no row of spans without it.

        Rows are known by the index and the place in the list, from 0: ``document_position`` in ``retrieval.documents``,
        ``position`` in other lists.

        Args:
            path: The attribute that is a list of objects (no other item has a row): ``"retrieval.documents"``.
            **columns: Labels, and what of each object they stand for (``text="document.content"``); everything in it,
                under its own names, when there is none.
        """
        _once("explode", self.exploded)
        return msgspec.structs.replace(self, exploded=Unfolded(path=path, columns=tuple(columns.items())))

    def concat(self, path: str, *, separator: str = _SEPARATOR, **columns: str) -> SpanQuery:
        """Ask for the texts of a list as one text, and for no row of spans without the list.

        Args:
            path: The attribute that is a list: ``"retrieval.documents"``.
            separator: What stands between the texts; not empty.
            **columns: Labels, and what of each object they stand for (``context="document.content"``); the items
                themselves, under the name of the list, when there is none.
        """
        _once("concat", self.concatenated)
        part = Unfolded(path=path, columns=tuple(columns.items()), separator=separator)
        return msgspec.structs.replace(self, concatenated=part)

    def rename(self, **names: str) -> SpanQuery:
        """Give columns other labels: ``rename(**{"input.value": "question"})``."""
        return msgspec.structs.replace(self, names=(*self.names, *((label_of(old), new) for old, new in names.items())))

    def with_index(self, path: str) -> SpanQuery:
        """Let rows be known by this field or attribute instead of the id of the span; it is the first column."""
        return msgspec.structs.replace(self, index=path)

    @property
    def takes_everything(self) -> bool:
        """Whether nothing in particular is asked for, so that rows have everything of a span."""
        return not self.columns and self.exploded is None and self.concatenated is None

    @property
    def index_labels(self) -> tuple[str, ...]:
        """The labels of the columns that rows are known by, before they are renamed."""
        if self.exploded is None:
            return (label_of(self.index),)
        prefix = "document_" if expression("explode", self.exploded.path) == _DOCUMENTS else ""
        return (label_of(self.index), f"{prefix}position")

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the columns that are known before the answer is, index first, before they are renamed."""
        return (*self.index_labels, *(label for label, _ in self.selected), *_labels(self))

    @property
    def selected(self) -> Labels:
        """The columns without the index, which every row has anyway."""
        index = label_of(self.index)
        return tuple((label, path) for label, path in self.columns if (label, label_of(path)) != (index, index))


def _labels(query: SpanQuery) -> Iterable[str]:
    if query.exploded is not None:
        yield from (label for label, _ in query.exploded.columns)
    if query.concatenated is not None:
        yield from (label for label, _ in query.concatenated.columns or [(query.concatenated.path, "")])


def _check_unfolded(field: str, part: Unfolded) -> None:
    expression(field, part.path)
    for label, path in part.columns:
        check_name(field, label)
        check_element(f"{field}.{label:.80}", path)
    separator: Any = part.separator
    if not isinstance(separator, str) or not separator or "\0" in separator:
        raise refused("separator", f"must be a text that is not empty, not {shown(separator)}")


def _check_labels(query: SpanQuery) -> None:
    seen: set[str] = set()
    for label in query.labels:
        if label in seen:
            raise refused(_origin(query, label), f"has two columns {label!r:.80}; give one of them another label")
        seen.add(label)
    renamed: Mapping[str, str] = dict(query.names)
    if len(renamed) < len(query.names):
        raise refused("rename", "renames one column twice")
    free = query.takes_everything or (query.exploded is not None and not query.exploded.columns)
    for old, new in query.names:
        check_name("rename", new)
        if old not in seen and not free:
            raise refused("rename", f"names {old!r:.80}, which is no column; there are {', '.join(sorted(seen))}")
    known: tuple[str, ...] = () if query.takes_everything else query.labels
    after = [renamed.get(label, label) for label in dict.fromkeys([*known, *renamed])]
    twice = next((label for number, label in enumerate(after) if label in after[:number]), None)
    if twice is not None:
        raise refused("rename", f"makes two columns {twice!r:.80}")


def _origin(query: SpanQuery, label: str) -> str:
    """Which part of the query said a label last."""
    if query.concatenated is not None and label in dict(query.concatenated.columns):
        return "concat"
    if query.exploded is not None and label in dict(query.exploded.columns):
        return "explode"
    return "select"


def _check_condition(condition: str) -> None:
    check_name("where", condition)
    try:
        ast.parse(condition, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        place = f" at character {exc.offset}" if isinstance(exc, SyntaxError) and exc.offset else ""
        reason = f"is no expression{place}; compare with == and put texts in quotes: name == 'answer'"
        raise refused("where", reason) from exc


def _stripped(condition: str) -> str:
    return _text("where", condition).strip()


def _text(field: str, value: Any) -> str:
    """What annotations promise is looked at all the same: not everybody runs a type checker."""
    return check_name(field, value)


def _once(field: str, there: Unfolded | None) -> None:
    if there is not None:
        raise refused(field, "is there already, and a query has one")
