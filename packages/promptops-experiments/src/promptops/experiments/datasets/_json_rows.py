"""Objects out of a JSON file with an array of them, one at a time: only the object that is read is in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TextIO, cast

import msgspec
from promptops.experiments._chunks import LARGEST_ITEM
from promptops.experiments.datasets._row import ExampleRow, Problems

__all__ = ["json_rows"]

_PIECE: Final = 64 * 1024
_FIELD: Final = "examples"
_SPACE: Final = " \t\n\r"
_decode = json.JSONDecoder().raw_decode


class _Broken(Exception):  # noqa: N818 - it says what is wrong with the text
    """The text is no JSON; what follows cannot be read."""


def json_rows(path: Path, problems: Problems) -> Iterator[ExampleRow]:
    """Yield the objects of an array, or of the array ``examples`` of an object."""
    number = 0
    with path.open(encoding="utf-8-sig") as file:
        try:
            for value in _elements(_Text(file)):
                number += 1
                place = ExampleRow(fields={}, number=number, source=path.name)
                if isinstance(value, Mapping):
                    yield msgspec.structs.replace(place, fields=cast("Mapping[str, Any]", value))
                else:
                    problems.add(place, f"must be an object with fields, not {type(value).__name__}")
        except _Broken as exc:
            place = ExampleRow(fields={}, number=number + 1, source=path.name)
            problems.add(place, f"{exc}; reading ended here")
        except UnicodeDecodeError as exc:
            place = ExampleRow(fields={}, number=number + 1, source=path.name)
            problems.add(place, f"is not UTF-8: {exc.reason}; reading ended here")


def _elements(text: _Text) -> Iterator[object]:
    start = text.peek()
    if start == "[":
        yield from text.array()
    elif start == "{":
        yield from _array_in(text)
    else:
        raise _Broken(f'the file must hold an array, or an object with "{_FIELD}"')
    if text.peek():
        raise _Broken("something follows the end of the JSON")


def _array_in(text: _Text) -> Iterator[object]:
    text.take("{")
    found = False
    while text.peek() != "}":
        key = text.value()
        text.take(":")
        if key == _FIELD and text.peek() == "[":
            found = True
            yield from text.array()
        else:
            text.value()
        if text.peek() != "}":
            text.take(",")
    text.take("}")
    if not found:
        raise _Broken(f'the object has no array "{_FIELD}"')


class _Text:
    """The text of a file, of which only the part that is being read is kept."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False

    def peek(self) -> str:
        """The next character that is no space, or nothing at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if self._ended:
                return ""
            self._more(_PIECE)

    def take(self, wanted: str) -> None:
        """Go past a character that must come next."""
        found = self.peek()
        if found != wanted:
            raise _Broken(f"is no JSON: {wanted!r} is missing" + (f" before {found!r}" if found else " at the end"))
        self._at += 1

    def array(self) -> Iterator[object]:
        """Yield the elements of the array that comes next."""
        self.take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self.peek() == "]":
                self._at += 1
                return
            self.take(",")

    def value(self) -> object:
        """The value that comes next."""
        self.peek()
        piece = _PIECE
        while True:
            try:
                value, end = _decode(self._text, self._at)
            except RecursionError:
                raise _Broken("nests too deeply") from None
            except ValueError as exc:
                if self._ended:
                    reason = exc.msg if isinstance(exc, json.JSONDecodeError) else str(exc)
                    raise _Broken(f"is no JSON: {reason}") from None
                if len(self._text) - self._at > LARGEST_ITEM:
                    raise _Broken(f"is no JSON, or larger than {LARGEST_ITEM // 2**20} MiB") from None
            else:
                # A number may go on in what is not read yet.
                if end < len(self._text) or self._ended:
                    self._at = end
                    return cast("object", value)
            self._more(piece)
            piece *= 2

    def _more(self, size: int) -> None:
        piece = self._file.read(size)
        self._ended = not piece
        self._text = self._text[self._at :] + piece
        self._at = 0
