"""Writes examples to files, a few at a time; the file is there once it is complete, and not before."""

from __future__ import annotations

import contextlib
import csv
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any, Final, Protocol, Self

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._json import NotStorable, json_text
from promptops.experiments.datasets._columns import Columns
from promptops.experiments.datasets._frames import ABSENT, JSON, KIND, frame_of, library
from promptops.experiments.datasets._reading import Format, format_of
from promptops.experiments.datasets._row import ExampleRow
from promptops.models.datasets import DatasetExample

__all__ = ["ExampleWriter", "flat", "to_dataframe", "write_examples"]

_BATCH: Final = 1000
_ROW_GROUP: Final = 5000


def write_examples(
    examples: Iterable[DatasetExample | Mapping[str, Any] | ExampleRow],
    path: str | PathLike[str],
    *,
    format: Format | None = None,  # noqa: A002 - what it is called
    id_column: str | None = "id",
    delimiter: str = ",",
) -> int:
    """Write examples to a file, and return how many; :func:`read_examples` reads it again.

    JSONL, JSON and Parquet keep every value as it is. In CSV, cells are text: what is not text is JSON, null and
    absent fields are empty.

    Args:
        examples: Read once, one at a time.
        path: Where to write; a file that is there is replaced once all examples are written.
        format: As for :func:`read_examples`.
        id_column: The column for the ids of examples that have one; None leaves them out.
        delimiter: For CSV: between cells.

    Raises:
        ValidationError: The format is not known, an example cannot be written, or has a field named as the id.
        ConfigurationError: The format needs a library that is not installed; the message names the extra.
        OSError: The file cannot be written; nothing is left of it.
    """
    with ExampleWriter(path, format=format, id_column=id_column, delimiter=delimiter) as writer:
        rows = iter(examples)
        while batch := list(islice(rows, _BATCH)):
            writer.write(batch)
        return writer.count


def to_dataframe(
    examples: Iterable[DatasetExample | Mapping[str, Any] | ExampleRow], *, id_column: str | None = "id"
) -> Any:
    """Return a ``pandas.DataFrame`` of examples, one column for each field; a field that one has not got is None.

    Raises:
        ConfigurationError: pandas is not installed; the message names the extra.
        ValidationError: An example has a field named as the id.
    """
    return frame_of(flat(example, id_column) for example in examples)


class ExampleWriter:
    """Writes examples as they come. Leaving it by an error leaves no file behind, and one that was there as it was.

    The arguments are those of :func:`write_examples`.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        format: Format | None = None,  # noqa: A002 - what it is called
        id_column: str | None = "id",
        delimiter: str = ",",
    ) -> None:
        self._path = Path(path)
        self._id_column = id_column
        kind = format_of(self._path, format)
        if kind == "parquet":
            library("pyarrow.parquet", "parquet")
        self._temporary = self._path.with_name(f".{self._path.name}.{uuid.uuid4().hex}")
        self._sink: _Sink = (
            _JsonLines(self._temporary)
            if kind == "jsonl"
            else _JsonArray(self._temporary)
            if kind == "json"
            else _Table(self._temporary, delimiter if kind == "csv" else None)
        )
        self.count = 0
        self._finished = False

    def write(self, examples: Iterable[DatasetExample | Mapping[str, Any] | ExampleRow]) -> None:
        """Write some examples."""
        for example in examples:
            self._sink.write(flat(example, self._id_column))
            self.count += 1

    def finish(self) -> None:
        """Write what is left, and put the file in its place; nothing can be written afterwards."""
        if not self._finished:
            self._finished = True
            self._sink.close(complete=True)
            self._temporary.replace(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            if not self._finished:
                self._sink.close(complete=False)
            with contextlib.suppress(FileNotFoundError):
                self._temporary.unlink()


def flat(example: DatasetExample | Mapping[str, Any] | ExampleRow, id_column: str | None = "id") -> dict[str, Any]:
    """Return an example as one object, with its id under ``id_column``.

    Raises:
        ValidationError: It has a field of that name, or holds what JSON cannot.
    """
    own: str | None = None
    fields: Mapping[str, Any]
    if isinstance(example, DatasetExample | ExampleRow):
        fields, own = example.fields, example.id
    else:
        fields = example
    if id_column is None or own is None:
        return dict(fields)
    if id_column in fields:
        raise ValidationError(
            f"example {own} has a field {id_column!r}; give its id another column, for example id_column='example_id'"
        )
    return {id_column: own, **fields}


class _Sink(Protocol):
    def write(self, row: Mapping[str, Any]) -> None: ...

    def close(self, *, complete: bool) -> None: ...


def _as_json(row: Mapping[str, Any]) -> bytes:
    try:
        return json_text(row).encode()
    except NotStorable as exc:
        raise ValidationError(f"an example cannot be written: {exc}") from None


class _JsonLines:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, row: Mapping[str, Any]) -> None:
        self._file.write(_as_json(row) + b"\n")

    def close(self, *, complete: bool) -> None:  # noqa: ARG002 - lines are complete at any time
        self._file.close()


class _JsonArray:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._between = b"[\n"

    def write(self, row: Mapping[str, Any]) -> None:
        self._file.write(self._between + _as_json(row))
        self._between = b",\n"

    def close(self, *, complete: bool) -> None:
        if complete:
            self._file.write(b"[]\n" if self._between == b"[\n" else b"\n]\n")
        self._file.close()


class _Table:
    """Rows wait in a file until all columns are known."""

    def __init__(self, path: Path, delimiter: str | None) -> None:
        self._path = path
        self._delimiter = delimiter
        self._columns = Columns()
        self._waiting: Any = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close

    def write(self, row: Mapping[str, Any]) -> None:
        body = _as_json(row)
        # What is written is what JSON makes of it: dates are text, tuples are lists.
        self._columns.see(msgspec.json.decode(body))
        self._waiting.write(body + b"\n")

    def close(self, *, complete: bool) -> None:
        with self._waiting:
            if complete:
                self._waiting.seek(0)
                rows = (msgspec.json.decode(line) for line in self._waiting)
                if self._delimiter is None:
                    _write_parquet(self._path, self._columns, rows)
                else:
                    _write_csv(self._path, self._columns, rows, self._delimiter)


def _write_csv(path: Path, columns: Columns, rows: Iterator[Mapping[str, Any]], delimiter: str) -> None:
    if "" in columns.found:
        raise ValidationError("a column of a CSV file needs a name, and an example has a field without one")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns.found)
        names = list(columns.found)
        writer.writerows([Columns.text(row.get(name)) for name in names] for row in rows)


def _write_parquet(path: Path, columns: Columns, rows: Iterator[Mapping[str, Any]]) -> None:
    arrow, parquet = library("pyarrow", "parquet"), library("pyarrow.parquet", "parquet")
    kinds = {name: column.kind(columns.rows) for name, column in columns.found.items()}
    fields: list[Any] = []
    for name, column in columns.found.items():
        mark = JSON if kinds[name] == "json" else ABSENT if column.has_absent(columns.rows) else None
        stored = arrow.string() if kinds[name] == "json" else getattr(arrow, _ARROW[kinds[name]])()
        fields.append(arrow.field(name, stored, metadata=None if mark is None else {KIND: mark}))
    schema = arrow.schema(fields)
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(rows, _ROW_GROUP)):
            cells = {name: [_cell(row, name, as_json=kinds[name] == "json") for row in batch] for name in columns.found}
            writer.write_table(arrow.table(cells, schema=schema))


_ARROW: Final = {"string": "string", "int64": "int64", "float64": "float64", "bool": "bool_"}


def _cell(row: Mapping[str, Any], name: str, *, as_json: bool) -> Any:
    if not as_json:
        return row.get(name)
    return msgspec.json.encode(row[name]).decode() if name in row else None
