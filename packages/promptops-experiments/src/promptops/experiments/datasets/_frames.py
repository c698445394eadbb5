"""Rows out of Parquet files and pandas data frames, and data frames of examples; both libraries are extras."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec
from promptops.core.errors import ConfigurationError
from promptops.experiments.datasets._cells import NotThat
from promptops.experiments.datasets._row import ExampleRow, Problems

__all__ = ["ABSENT", "JSON", "KIND", "frame_of", "frame_rows", "is_frame", "library", "parquet_rows"]

KIND: Final = b"promptops"
"""The key of a column's metadata that says how its cells are to be read."""
JSON: Final = b"json"
"""Cells are JSON text, and a null says that the field is absent."""
ABSENT: Final = b"absent"
"""A null says that the field is absent."""
_BATCH: Final = 1000


def library(name: str, extra: str) -> Any:
    """Import a library that an extra brings.

    Raises:
        ConfigurationError: It is not installed; the message names the extra.
    """
    try:
        return import_module(name)
    except ImportError as exc:
        raise ConfigurationError(
            f"this needs {name.partition('.')[0]}: pip install 'promptops-experiments[{extra}]'"
        ) from exc


def is_frame(value: object) -> bool:
    """Whether a value is a pandas data frame, without importing pandas."""
    return any(
        base.__module__.partition(".")[0] == "pandas" and base.__name__ == "DataFrame" for base in type(value).__mro__
    )


def parquet_rows(path: Path, problems: Problems) -> Iterator[ExampleRow]:
    """Yield the rows of a Parquet file, batch by batch."""
    parquet = library("pyarrow.parquet", "parquet")
    arrow = library("pyarrow", "parquet")
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            kinds = {str(field.name): _mark_of(field) for field in file.schema_arrow}
            for batch in file.iter_batches(batch_size=_BATCH):
                for cells in batch.to_pylist():
                    number += 1
                    place = ExampleRow(fields={}, number=number, source=path.name)
                    try:
                        yield msgspec.structs.replace(place, fields=_cells(cells, kinds))
                    except NotThat as exc:
                        problems.add(place, str(exc))
    except (arrow.ArrowException, OSError) as exc:
        if isinstance(exc, FileNotFoundError):
            raise
        place = ExampleRow(fields={}, number=number + 1, source=path.name)
        problems.add(place, f"the file cannot be read as Parquet: {exc}")


def _mark_of(field: Any) -> bytes | None:
    marks: dict[bytes, bytes] = field.metadata or {}
    return marks.get(KIND)


def _cells(cells: Mapping[str, Any], kinds: Mapping[str, bytes | None]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in cells.items():
        kind = kinds[name]
        if value is None and kind in {JSON, ABSENT}:
            continue
        fields[name] = _decoded(name, value) if kind == JSON else value
    return fields


def _decoded(name: str, text: Any) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, TypeError) as exc:
        raise NotThat(f"{name}: must be JSON: {exc}") from None


def frame_rows(frame: Any, id_column: str | None) -> Iterator[ExampleRow]:
    """Yield the rows of a pandas data frame; missing values are null, and the index counts only as ``id_column``."""
    if id_column is not None and id_column not in frame.columns and frame.index.name == id_column:
        frame = frame.reset_index()
    for start in range(0, len(frame), _BATCH):
        part = frame.iloc[start : start + _BATCH]
        present = part.notna().to_numpy().tolist()
        # Column by column, so that the types of one do not change those of another.
        columns: list[list[Any]] = [part.iloc[:, index].tolist() for index in range(part.shape[1])]
        names: list[Any] = list(part.columns)
        for row in range(len(part)):
            fields: dict[Any, Any] = {}
            for index, name in enumerate(names):
                value = columns[index][row]
                # A cell may hold a list, and of what is in it nothing is missing.
                fields[name] = value if present[row][index] or isinstance(value, list | dict) else None
            yield ExampleRow(fields=fields, number=start + row + 1, source="the data frame")


def frame_of(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return a ``pandas.DataFrame`` of objects; a field that one has not got is None.

    Raises:
        ConfigurationError: pandas is not installed.
    """
    pandas = library("pandas", "pandas")
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    # Numbers beside None stay what they are: pandas would make floats of them.
    columns = {name: pandas.Series([row.get(name) for row in rows], dtype="object").infer_objects() for name in names}
    return pandas.DataFrame(columns)
