"""Rows of spans: the tables that the server answers with, under the labels that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import zip_longest
from typing import Any, Final

import msgspec
from promptops.core.runtime import Runtime
from promptops.phoenix._checks import refused
from promptops.phoenix._large import in_turns
from promptops.phoenix.tracing._query import SpanQuery
from promptops.phoenix.tracing._query_paths import expression

__all__ = ["SpanRows", "Table", "rows_of", "wire_labels"]

_MOMENTS: Final = "datetime"


class SpanRows(list[dict[str, Any]]):
    """The rows that a query of spans found: a list of dictionaries that all have the same keys.

    Attributes:
        columns: The keys, also when there is no row.
        index_columns: Those of them that rows are known by: the id of the span, say, and the position of a document.
    """

    def __init__(
        self, rows: Sequence[dict[str, Any]] = (), *, columns: Sequence[str], index_columns: Sequence[str]
    ) -> None:
        super().__init__(rows)
        self.columns = tuple(columns)
        self.index_columns = tuple(index_columns)


class _Field(msgspec.Struct, frozen=True):
    name: str
    type: str = ""


class _Schema(msgspec.Struct, frozen=True, rename="camel"):
    fields: list[_Field]
    primary_key: list[str] = []


class Table(msgspec.Struct, frozen=True):
    """What the server answers to one query.

    Attributes:
        schema: The columns, each with its place before its name (``0_context.span_id``); those that are the index come
            first. Moments are texts.
        data: The rows, which say the same names.
    """

    schema: _Schema
    data: list[dict[str, Any]]


class _Column(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    source: str | None
    is_moment: bool = False
    is_position: bool = False


def wire_labels(query: SpanQuery) -> list[str]:
    """What the columns of ``select``, ``explode`` and ``concat`` are called on the way, in this order.

    Labels of people could be those of other columns over there, or longer than a database takes.
    """
    parts = (query.exploded, query.concatenated)
    number = len(query.selected) + sum(len(part.columns) for part in parts if part is not None)
    return [f"promptops_{place}" for place in range(number)]


async def rows_of(runtime: Runtime, query: SpanQuery, table: Table) -> SpanRows:
    """Return the rows of a table, without those that stand for no object of the list that was exploded.

    SQLite gives such a row for a list that holds other things, and both databases for what was put together of spans
    without the list; the positions of all others are then floats.

    Raises:
        ValidationError: Two columns would have the same label.
        ValueError: A moment is none.
        KeyError: A row lacks a column.
    """
    renamed = dict(query.names)
    columns = [
        msgspec.structs.replace(column, label=renamed.get(column.label, column.label))
        for column in _columns(query, table.schema)
    ]
    labels = [column.label for column in columns]
    twice = next((label for number, label in enumerate(labels) if label in labels[:number]), None)
    if twice is not None:
        raise refused("query", f"makes two columns {twice!r:.80}; give one of them another label")
    made = [row async for row in in_turns(runtime, table.data, partial(_rows, columns))]
    index = [renamed.get(label, label) for label in query.index_labels]
    return SpanRows(made, columns=labels, index_columns=index)


def _columns(query: SpanQuery, schema: _Schema) -> list[_Column]:
    """Where each column comes from: those that were asked for in their order, then what else there is."""
    depth = len(schema.primary_key)
    index, others = schema.fields[:depth], schema.fields[depth:]
    # The position is not there when no list holds an object.
    places = dict(zip_longest(query.index_labels, index[: len(query.index_labels)]))
    there = {_bare(field.name): field for field in others}
    if query.takes_everything:
        return [_column(name, field) for name, field in {**places, **there}.items()]
    known = _known(query)
    free = [(name, field) for name, field in there.items() if name not in known]
    return [
        *(_column(label, field, is_position=place == 1) for place, (label, field) in enumerate(places.items())),
        *(_column(label, there.get(name)) for name, label in known.items()),
        *(_column(name, field) for name, field in free),
    ]


def _known(query: SpanQuery) -> dict[str, str]:
    """The labels of the columns that were asked for, by what they are called on the way."""
    asked = [label for label, _ in query.selected]
    for part in (query.exploded, query.concatenated):
        asked += [label for label, _ in part.columns] if part is not None else []
    known = dict(zip(wire_labels(query), asked, strict=True))
    if query.concatenated is not None and not query.concatenated.columns:
        known[expression("concat", query.concatenated.path)] = query.concatenated.path
    return known


def _bare(name: str) -> str:
    return name.partition("_")[2]


def _column(label: str, field: _Field | None, *, is_position: bool = False) -> _Column:
    if field is None:
        return _Column(label=label, source=None, is_position=is_position)
    return _Column(label=label, source=field.name, is_moment=field.type == _MOMENTS, is_position=is_position)


def _rows(columns: Sequence[_Column], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    position = next((column for column in columns if column.is_position), None)
    if position is not None:
        rows = [row for row in rows if _value(position, row) is not None]
    return [{column.label: _cell(column, row) for column in columns} for row in rows]


def _cell(column: _Column, row: dict[str, Any]) -> Any:
    value = _value(column, row)
    if value is None:
        return None
    if column.is_moment:
        return datetime.fromisoformat(value)
    return int(value) if column.is_position else value


def _value(column: _Column, row: dict[str, Any]) -> Any:
    return None if column.source is None else row[column.source]
