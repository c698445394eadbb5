"""Filters of rows as conditions in SQL; every name and value that a caller chose is a parameter."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from promptops.server.row_filters import Comparison, Filter, Junction, Negation, Nullness

__all__ = ["Columns", "condition_of"]

_KINDS: Final[dict[type, str]] = {str: "('text')", int: "('integer', 'real')", float: "('integer', 'real')"}


class Columns(Struct, frozen=True):
    """Where the columns of a table's rows lie.

    Attributes:
        document: The column that holds the JSON object.
        texts: The columns of texts that the object does not hold, by their names in filters.
    """

    document: str
    texts: dict[str, str]


def condition_of(tree: Filter | None, columns: Columns) -> tuple[str, dict[str, Any]]:
    """The condition, and its parameters; every row without a filter."""
    values: dict[str, Any] = {}
    return ("1" if tree is None else _sql(tree, columns, values)), values


def _sql(tree: Filter, columns: Columns, values: dict[str, Any]) -> str:
    match tree:
        case Junction():
            return f"({_sql(tree.left, columns, values)} {tree.word} {_sql(tree.right, columns, values)})"
        case Negation():
            return f"(NOT {_sql(tree.of, columns, values)})"
        case Nullness():
            return f"(coalesce({_kind(tree.column, columns, values)}, 'null') = 'null')"
        case Comparison():
            return _comparison(tree, columns, values)


def _comparison(tree: Comparison, columns: Columns, values: dict[str, Any]) -> str:
    if tree.operator == "!=":
        equal = _comparison(Comparison(tree.column, "=", tree.value), columns, values)
        return f"(NOT {_sql(Nullness(tree.column), columns, values)} AND NOT {equal})"
    kind = _kind(tree.column, columns, values)
    if isinstance(tree.value, bool):
        return f"(coalesce({kind}, '') = '{'true' if tree.value else 'false'}')"
    found, value = _value(tree.column, columns, values), _parameter(tree.value, values)
    return f"(coalesce({kind}, '') IN {_KINDS[type(tree.value)]} AND {found} {tree.operator} {value})"


def _kind(column: str, columns: Columns, values: dict[str, Any]) -> str:
    text = columns.texts.get(column)
    return f"json_type({columns.document}, {_path(column, values)})" if text is None else f"typeof({text})"


def _value(column: str, columns: Columns, values: dict[str, Any]) -> str:
    text = columns.texts.get(column)
    return f"json_extract({columns.document}, {_path(column, values)})" if text is None else text


def _path(column: str, values: dict[str, Any]) -> str:
    return _parameter(f'$."{column}"', values)


def _parameter(value: str | float, values: dict[str, Any]) -> str:
    name = f"f{len(values)}"
    values[name] = value
    return f":{name}"
