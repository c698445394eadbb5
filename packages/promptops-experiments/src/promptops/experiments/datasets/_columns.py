"""What the columns of a table hold, found out while its rows are collected; for formats that ask before the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

__all__ = ["Column", "Columns"]

_INT64: Final = (-(2**63), 2**63 - 1)
Kind = Literal["string", "int64", "float64", "bool", "json"]


class Column:
    """What one column holds."""

    def __init__(self) -> None:
        self.count = 0
        self.nulls = 0
        self._kinds: set[str] = set()

    def see(self, value: object) -> None:
        """Note a value."""
        self.count += 1
        if value is None:
            self.nulls += 1
        elif isinstance(value, bool):
            self._kinds.add("bool")
        elif isinstance(value, int):
            self._kinds.add("int64" if _INT64[0] <= value <= _INT64[1] else "json")
        elif isinstance(value, float):
            self._kinds.add("float64")
        else:
            self._kinds.add("string" if isinstance(value, str) else "json")

    def kind(self, rows: int) -> Kind:
        """The one type of the column in a table of so many rows, or ``json`` when there is none.

        Whole numbers beside others stay apart: made into floats, 1 would come back as 1.0. Null and absent differ, so
        a column with both is JSON as well.
        """
        if len(self._kinds) != 1 or (self.nulls and self.count < rows):
            return "json"
        [found] = self._kinds
        return found  # type: ignore[return-value]  # the set holds kinds alone

    def has_absent(self, rows: int) -> bool:
        """Whether a row of so many has no such field."""
        return self.count < rows


class Columns:
    """The columns of all rows, in the order in which they came up."""

    def __init__(self) -> None:
        self.rows = 0
        self.found: dict[str, Column] = {}

    def see(self, row: Mapping[str, Any]) -> None:
        """Note a row."""
        self.rows += 1
        for name, value in row.items():
            column = self.found.get(name)
            if column is None:
                column = self.found[name] = Column()
            column.see(value)

    @staticmethod
    def text(value: object) -> str:
        """A value as a cell of text: text as it is, nothing for null, JSON of everything else."""
        if isinstance(value, str):
            return value
        return "" if value is None else msgspec.json.encode(value).decode()
