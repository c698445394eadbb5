"""Rows out of CSV and JSONL files, one at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._chunks import LARGEST_ITEM
from promptops.experiments.datasets._cells import Cells
from promptops.experiments.datasets._row import ExampleRow, Problems

__all__ = ["CsvOptions", "csv_rows", "jsonl_rows"]

_SNIFFED: Final = 64 * 1024


class CsvOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a CSV file is written; the default is what RFC 4180 says.

    Attributes:
        delimiter: Between the cells; ``sniff`` guesses it and the quotes from the start of the file.
        encoding: Of the file; a byte order mark of UTF-8 is left out.
    """

    delimiter: str = ","
    encoding: str = "utf-8-sig"


def csv_rows(path: Path, options: CsvOptions, cells: Cells, problems: Problems) -> Iterator[ExampleRow]:
    """Yield the rows of a CSV file with a header.

    Raises:
        ValidationError: The header cannot be used; the message names the file.
    """
    # A cell may be as large as an example; the limit of the module is meant for smaller ones, and holds for all.
    csv.field_size_limit(max(csv.field_size_limit(), LARGEST_ITEM))
    with path.open(encoding=options.encoding, newline="") as file:
        if options.delimiter == "sniff":
            start = file.read(_SNIFFED)
            file.seek(0)
            try:
                reader = csv.reader(file, csv.Sniffer().sniff(start), strict=True)
            except csv.Error:
                raise ValidationError(
                    f"{path.name}: the delimiter cannot be guessed; give it, for example delimiter=';'"
                ) from None
        else:
            reader = csv.reader(file, delimiter=options.delimiter, strict=True)
        header = _header(path, reader, problems)
        number = 0
        while header:
            number += 1
            place = ExampleRow(fields={}, number=number, line=reader.line_num + 1, source=path.name)
            try:
                row = next(reader, None)
            except csv.Error as exc:
                # What follows a broken quote cannot be told apart from what is in it.
                problems.add(place, f"{exc}; reading ended here")
                return
            except UnicodeDecodeError as exc:
                problems.add(place, f"is not {options.encoding.removesuffix('-sig')}: {exc.reason}; reading ended here")
                return
            if row is None:
                return
            if not row:
                number -= 1
                continue
            place = msgspec.structs.replace(place, line=reader.line_num)
            if len(row) != len(header):
                problems.add(place, f"has {len(row)} cells, and the header has {len(header)}")
                continue
            wrong: list[str] = []

            def note(column: str, message: str, place: ExampleRow = place, wrong: list[str] = wrong) -> None:
                wrong.append(column)
                problems.add(place, message, column=column)

            fields = cells(dict(zip(header, row, strict=True)), note)
            if not wrong:
                yield msgspec.structs.replace(place, fields=fields)


def jsonl_rows(path: Path, problems: Problems) -> Iterator[ExampleRow]:
    """Yield the objects of a file that has one on each line; blank lines do not count."""
    number = 0
    with path.open("rb") as file:
        for line, content in enumerate(file, 1):
            text = content.removeprefix(b"\xef\xbb\xbf").strip() if line == 1 else content.strip()
            if not text:
                continue
            number += 1
            place = ExampleRow(fields={}, number=number, line=line, source=path.name)
            try:
                value: object = msgspec.json.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
                problems.add(place, f"is no JSON: {exc}")
                continue
            if not isinstance(value, Mapping):
                problems.add(place, f"must be an object with fields, not {type(value).__name__}")
                continue
            yield msgspec.structs.replace(place, fields=cast("Mapping[str, Any]", value))


def _header(path: Path, reader: Any, problems: Problems) -> list[str]:
    place = ExampleRow(fields={}, number=0, line=1, source=path.name)
    try:
        header: list[str] | None = next(reader, None)
    except csv.Error as exc:
        problems.add(place, f"the header cannot be read: {exc}")
        return []
    except UnicodeDecodeError as exc:
        problems.add(place, f"the header is not text in this encoding: {exc.reason}")
        return []
    if not header:
        problems.add(place, "is empty; the first line names the columns")
        return []
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        problems.add(place, f"the header has {', '.join(map(repr, twice))} more than once")
        return []
    if "" in header:
        problems.add(place, f"column {header.index('') + 1} has no name in the header")
        return []
    return header
