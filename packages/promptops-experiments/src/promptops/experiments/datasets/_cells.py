"""What becomes of the cells of a table whose cells are text: types are applied where somebody asked for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

import msgspec
from promptops.core.errors import ValidationError

__all__ = ["Cells", "ColumnType", "NotThat", "cells_of"]

ColumnType = type | str
"""``str``, ``int``, ``float``, ``bool`` or ``"json"``; the types may be given by name as well."""

_ABSENT: Final = object()
_TRUE: Final = frozenset({"true", "1"})
_FALSE: Final = frozenset({"false", "0"})


class NotThat(ValueError):  # noqa: N818 - it describes the cell
    """A cell does not hold what its column should; the message says what it should hold."""


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise NotThat("must be a whole number") from None


def _number(text: str) -> int | float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise NotThat("must be a number")


def _float(text: str) -> float:
    return float(_number(text))


def _truth(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered not in _TRUE | _FALSE:
        raise NotThat("must be true or false")
    return lowered in _TRUE


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as exc:
        raise NotThat(f"must be JSON: {exc}") from None


_BY_NAME: Final[Mapping[str, Callable[[str], Any] | None]] = {
    "str": None,
    "string": None,
    "int": _whole,
    "integer": _whole,
    "float": _float,
    "number": _number,
    "bool": _truth,
    "boolean": _truth,
    "json": _json,
    "array": _json,
    "object": _json,
}
Cells = Callable[[Mapping[str, str], Callable[[str, str], None]], dict[str, Any]]
"""Turns the cells of a row into fields; calls back with column and message for each that does not fit."""


def cells_of(
    types: Mapping[str, ColumnType] | None, json_columns: Iterable[str], schema: Mapping[str, Any] | None
) -> Cells:
    """Return what turns cells of text into values.

    Without types every cell stays text. An empty cell of a column with a type is null; where only a schema says the
    type, and does not allow null, the field is left out.

    Raises:
        ValidationError: A type is not known.
    """
    converters: dict[str, tuple[Callable[[str], Any], object]] = dict(_from_schema(schema or {}))
    for column, kind in (types or {}).items():
        name = kind if isinstance(kind, str) else kind.__name__
        if name not in _BY_NAME:
            raise ValidationError(f"column {column!r} cannot have the type {name!r}; use str, int, float, bool or json")
        converter = _BY_NAME[name]
        if converter is None:
            converters.pop(column, None)
        else:
            converters[column] = (converter, None)
    converters.update(dict.fromkeys(json_columns, (_json, None)))

    def convert(cells: Mapping[str, str], wrong: Callable[[str, str], None]) -> dict[str, Any]:
        if not converters:
            return dict(cells)
        fields: dict[str, Any] = {}
        for column, text in cells.items():
            if column not in converters:
                fields[column] = text
                continue
            converter, empty = converters[column]
            try:
                value = empty if not text.strip() else converter(text)
            except NotThat as exc:
                wrong(column, str(exc))
                continue
            if value is not _ABSENT:
                fields[column] = value
        return fields

    return convert


def _from_schema(schema: Mapping[str, Any]) -> Iterable[tuple[str, tuple[Callable[[str], Any], object]]]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return
    for column, facts in cast("Mapping[str, Any]", properties).items():
        said = cast("Mapping[str, Any]", facts).get("type") if isinstance(facts, Mapping) else None
        names = [said] if isinstance(said, str) else cast("list[str]", said) if isinstance(said, list) else []
        kinds = [name for name in names if name != "null"]
        converter = _BY_NAME.get(kinds[0]) if len(kinds) == 1 else None
        if converter is not None:
            yield column, (converter, None if "null" in names else _ABSENT)
