"""One row of what is read, and the problems that rows have: all of them are collected, up to a bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from promptops.core.errors import ValidationError

__all__ = ["MOST_PROBLEMS", "ExampleRow", "Problems", "RowsError"]

MOST_PROBLEMS: Final = 100
"""How many problems are collected before reading ends."""
_MOST_NAMED: Final = 20
_MOST_ALIKE: Final = 3


class ExampleRow(msgspec.Struct, frozen=True, kw_only=True):
    """An example as it was read, and where.

    Attributes:
        fields: The fields of the example.
        id: Its own id, or None: then its content decides.
        number: Which row it is, from 1; the header of a table does not count.
        line: The line of the file on which it ends, from 1, or None.
        source: The name of the file, or None.
    """

    fields: Mapping[str, Any]
    number: int
    id: str | None = None
    line: int | None = None
    source: str | None = None


class RowsError(ValidationError):
    """Rows cannot be used. Each entry of ``validation_errors`` has ``file``, ``row`` and ``column`` where known."""


class Problems:
    """Collects what is wrong with rows.

    Args:
        what: What is at fault, for the message, for example ``data.csv``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._found: list[dict[str, Any]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def full(self) -> bool:
        """Whether nothing more need be looked for."""
        return len(self._found) >= MOST_PROBLEMS

    def add(self, where: str | ExampleRow, message: str, *, column: str | None = None, code: str = "invalid") -> None:
        """Note a problem.

        Args:
            where: The row, or what to call it.
            message: What is wrong.
            column: The field or column; a path below it may follow.
            code: A stable identifier.
        """
        facts: dict[str, Any] = {"message": message, "code": code}
        if isinstance(where, ExampleRow):
            facts["row"] = where.number
            facts |= {} if where.source is None else {"file": where.source}
            label = f"row {where.number}" + (f" (line {where.line})" if where.line not in {None, where.number} else "")
            facts["field"] = label if column is None else f"{label}, {column}"
        else:
            joined = column is not None and not column.startswith("[")
            facts["field"] = where if column is None else f"{where}.{column}" if joined else f"{where}{column}"
        if column is not None:
            facts["column"] = column
        if not self.full:
            self._found.append(facts)

    def extend(self, error: RowsError) -> None:
        """Note the problems of an error."""
        self._found += error.validation_errors[: MOST_PROBLEMS - len(self._found)]

    def error(self) -> RowsError:
        """Return the error that names them all, in the order of the rows."""
        found = sorted(self._found, key=lambda problem: problem.get("row", 0))
        named = "; ".join(f"{problem['field']}: {problem['message']}" for problem in found[:_MOST_NAMED])
        more = f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        if len(found) > _MOST_ALIKE and len({problem["message"] for problem in found}) == 1:
            alike = ", ".join(problem["field"] for problem in found[:_MOST_ALIKE])
            named, more = f"{alike} and {len(found) - _MOST_ALIKE} more: {found[0]['message']}", ""
        end = "; there may be further ones" if self.full else ""
        rows = len({problem["field"].partition(",")[0] if "row" in problem else id(problem) for problem in found})
        return RowsError(f"{rows} of {self._what} cannot be stored: {named}{more}{end}", validation_errors=found)
