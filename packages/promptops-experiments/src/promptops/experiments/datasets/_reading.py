"""Reads examples from files, data frames and iterables, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal, cast

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments.datasets._cells import ColumnType, cells_of
from promptops.experiments.datasets._frames import frame_rows, is_frame, parquet_rows
from promptops.experiments.datasets._json_rows import json_rows
from promptops.experiments.datasets._row import ExampleRow, Problems
from promptops.experiments.datasets._tables import CsvOptions, csv_rows, jsonl_rows
from promptops.models.datasets import DatasetExample

__all__ = ["FORMATS", "Format", "format_of", "read_examples"]

Format = Literal["csv", "jsonl", "json", "parquet"]
FORMATS: Final[Mapping[str, Format]] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
}
"""The formats by the endings of files."""


def format_of(path: Path, given: Format | None) -> Format:
    """Return the format of a file: the one given, or the one that its name says.

    Raises:
        ValidationError: Neither says it.
    """
    if given is not None:
        if given not in FORMATS.values():
            raise ValidationError(f"format must be csv, jsonl, json or parquet, not {given!r}")
        return given
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise ValidationError(f"{path.name}: the name does not say the format; give it, for example format='jsonl'")
    return found


def read_examples(
    source: str | PathLike[str] | Iterable[Any],
    *,
    format: Format | None = None,  # noqa: A002 - what it is called
    columns: Mapping[str, str] | None = None,
    id_column: str | None = None,
    types: Mapping[str, ColumnType] | None = None,
    json_columns: Iterable[str] = (),
    schema: Mapping[str, Any] | None = None,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
) -> Iterator[ExampleRow]:
    """Yield the examples of a file, of a pandas data frame, or of an iterable of objects, one at a time.

    Bad rows are passed over and reported together at the end, at most 100; then reading ends early.

    Args:
        source: A path, a data frame, or an iterable.
        format: ``csv``, ``jsonl``, ``json`` (an array, or an object with the array ``examples``) or ``parquet``; the
            ending of the file says it when absent.
        columns: Columns that get another name: ``{"question": "input"}`` makes ``input`` of ``question``.
        id_column: The column, by its name in the source, that holds the id of each example.
        types: For CSV: the types of columns (``int``, ``float``, ``bool``, ``"json"``); without, cells are text.
        json_columns: For CSV: columns whose cells are JSON.
        schema: For CSV: a JSON schema of the examples, whose properties say the types of columns.
        delimiter: For CSV: between cells; ``sniff`` guesses it.
        encoding: For CSV.

    Raises:
        RowsError: Rows cannot be read; each is named with file, row and column.
        ValidationError: The format is not known, or an option makes no sense.
        ConfigurationError: The format needs a library that is not installed; the message names the extra.
        OSError: The file cannot be opened.
    """
    if not isinstance(source, str | PathLike):
        return _shaped(_rows_of(source, id_column), columns, id_column, Problems("the rows"))
    path = Path(source)
    kind = format_of(path, format)
    problems = Problems(f"the rows of {path.name}")
    if kind == "csv":
        back = {new: old for old, new in (columns or {}).items()}
        cells = cells_of(
            _renamed(types, back), [back.get(name, name) for name in json_columns], _properties(schema, back)
        )
        options = CsvOptions(delimiter=delimiter, encoding=encoding)
        rows = csv_rows(path, options, cells, problems)
    elif kind == "jsonl":
        rows = jsonl_rows(path, problems)
    elif kind == "json":
        rows = json_rows(path, problems)
    else:
        rows = parquet_rows(path, problems)
    return _shaped(_opened(path, rows), columns, id_column, problems)


def _opened(path: Path, rows: Iterator[ExampleRow]) -> Iterator[ExampleRow]:
    """Open the file now rather than when the first row is asked for: what is missing is said where it is named."""
    with path.open("rb"):
        return rows


def _rows_of(source: Iterable[Any], id_column: str | None) -> Iterator[ExampleRow]:
    given: Any = source
    if isinstance(given, bytes | Mapping) or not hasattr(given, "__iter__"):
        raise ValidationError(
            f"examples come from a path, a data frame or a list of objects, not {type(source).__name__}"
        )
    if is_frame(given):
        return frame_rows(given, id_column)
    return _numbered(cast("Iterable[object]", given))


def _numbered(source: Iterable[object]) -> Iterator[ExampleRow]:
    for number, item in enumerate(source, 1):
        if isinstance(item, ExampleRow):
            yield item
        elif isinstance(item, DatasetExample):
            yield ExampleRow(fields=item.fields, id=item.id, number=number)
        else:
            yield ExampleRow(fields=cast("Mapping[str, Any]", item), number=number)


def _shaped(
    rows: Iterator[ExampleRow], columns: Mapping[str, str] | None, id_column: str | None, problems: Problems
) -> Iterator[ExampleRow]:
    for row in rows:
        if problems.full:
            break
        shaped = _shape(row, columns, id_column, problems)
        if shaped is not None:
            yield shaped
    if problems:
        raise problems.error()


def _shape(
    row: ExampleRow, columns: Mapping[str, str] | None, id_column: str | None, problems: Problems
) -> ExampleRow | None:
    given = cast("object", row.fields)
    if not isinstance(given, Mapping):
        problems.add(row, f"must be an object with fields, not {type(given).__name__}")
        return None
    fields = dict(cast("Mapping[str, Any]", given))
    example_id = row.id
    if id_column is not None:
        if id_column not in fields:
            if example_id is None:
                problems.add(row, "the id is missing", column=id_column, code="missing_field")
                return None
        else:
            value: object = fields.pop(id_column)
            if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
                problems.add(row, "an id is text, or a whole number, and not empty", column=id_column)
                return None
            example_id = str(value)
    if columns:
        fields = {columns.get(name, name): value for name, value in fields.items()}
    return msgspec.structs.replace(row, fields=fields, id=example_id)


def _renamed(types: Mapping[str, ColumnType] | None, back: Mapping[str, str]) -> dict[str, ColumnType]:
    return {back.get(name, name): kind for name, kind in (types or {}).items()}


def _properties(schema: Mapping[str, Any] | None, back: Mapping[str, str]) -> Mapping[str, Any] | None:
    properties = None if schema is None else schema.get("properties")
    if not isinstance(properties, Mapping):
        return schema
    named = cast("Mapping[str, Any]", properties).items()
    return {"properties": {back.get(name, name): facts for name, facts in named}}
