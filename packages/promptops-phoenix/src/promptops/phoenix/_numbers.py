"""Numbers that a Phoenix server cannot keep in JSON: whole ones that 64 bits do not hold, and floats as large.

PostgreSQL keeps ``1e20`` as the whole number that it is. The server takes it, and from then on fails to read it, and
every list that it is in; in SQLite it stays a float.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from promptops.core.narrow import is_array, is_object

__all__ = ["LARGE_NUMBER", "LARGE_NUMBER_TEXT", "Path", "fits", "large_numbers"]

Path = tuple[str | int, ...]
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
LARGE_NUMBER_TEXT: Final = re.compile(r"[0-9]{19}|[0-9][eE]\+?[0-9]+(?=[\s,}\]]|$)")
"""In JSON that has no match of it, there are no such numbers."""
LARGE_NUMBER: Final = re.compile(LARGE_NUMBER_TEXT.pattern.encode())
"""The same for encoded JSON."""


def fits(value: object) -> bool:
    """Whether a single value is no such number."""
    if isinstance(value, float):
        # The last float below 2**64 is a smaller whole number than 2**64 - 1; the one of -(2**63) is read as a smaller.
        return not value.is_integer() or _SMALLEST < value < _LARGEST + 1
    return not isinstance(value, int) or _SMALLEST <= value <= _LARGEST


def large_numbers(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where in a JSON value such numbers are."""
    if is_object(value):
        for name, part in value.items():
            yield from large_numbers(part, (*path, name))
    elif is_array(value):
        for index, part in enumerate(value):
            yield from large_numbers(part, (*path, index))
    elif not fits(value):
        yield path
