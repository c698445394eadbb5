"""Examples of local runs: from memory, or a file, with an id each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, cast

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._json import NotStorable, json_text
from promptops.experiments.datasets import read_examples
from promptops.experiments.datasets._reading import FORMATS, Format
from promptops.experiments.datasets._row import ExampleRow
from promptops.models.datasets import DatasetExample

__all__ = ["LocalDataset", "dataset_id_of", "local_examples"]

LocalDataset = str | PathLike[str] | Iterable[Mapping[str, Any] | DatasetExample | ExampleRow]
"""Examples as objects with fields, rows of ``read_examples``, or the path of a CSV, JSONL, JSON or Parquet file."""


def local_examples(dataset: LocalDataset) -> list[DatasetExample]:
    """Return examples with an id each.

    Raises:
        ValidationError: The file cannot be read, or holds something else than objects.
        RowsError: Rows of the file cannot be read; each is named with file, row and column.
        ConfigurationError: The format needs a library that is not installed; the message names the extra.
    """
    items: Iterable[object] = _read(Path(dataset)) if isinstance(dataset, str | PathLike) else dataset
    found: list[DatasetExample] = []
    copies: dict[str, int] = {}
    for place, item in enumerate(items):
        if isinstance(item, DatasetExample):
            found.append(item)
            continue
        fields, ident = _parts(item, place)
        if ident is None:
            ident = fields.pop("id", None)
        if ident is None or ident == "":
            ident = _content_id(fields, place)
            copies[ident] = copies.get(ident, 0) + 1
            if copies[ident] > 1:
                ident = f"{ident}-{copies[ident]}"
        found.append(DatasetExample(id=str(ident), fields=fields))
    return found


def dataset_id_of(dataset: LocalDataset) -> str:
    """Return what the journal takes for the id of a dataset: the file, or one id for all examples in memory."""
    return f"local:{Path(dataset).resolve()}" if isinstance(dataset, str | PathLike) else "local"


def _parts(item: object, place: int) -> tuple[dict[str, Any], str | None]:
    """Return the fields of an example, and its id where a reader told them apart."""
    if isinstance(item, ExampleRow):
        return dict(item.fields), item.id
    if not isinstance(item, Mapping):
        raise ValidationError(f"dataset[{place}] must be an object with fields, not {type(item).__name__}")
    return dict(cast("Mapping[str, Any]", item)), None


def _content_id(fields: Mapping[str, Any], place: int) -> str:
    try:
        plain = msgspec.json.decode(json_text(fields))
    except NotStorable as exc:
        raise ValidationError(f"dataset[{place}] has no JSON form: {exc}") from None
    return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()[:32]


def _read(path: Path) -> Iterator[ExampleRow]:
    # A file that says nothing of its format is taken for JSON Lines.
    format_: Format = FORMATS.get(path.suffix.lower(), "jsonl")
    try:
        yield from read_examples(path, format=format_)
    except OSError as exc:
        raise ValidationError(f"dataset {str(path)!r} cannot be read: {exc.strerror}") from exc
