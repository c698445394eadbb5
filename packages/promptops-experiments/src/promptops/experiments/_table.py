"""Plain-text tables for terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

__all__ = ["first_text", "number", "one_line", "probability", "signed", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return aligned columns: the first to the left, the others, which hold numbers, to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def drawn(line: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([drawn(head), "  ".join("-" * width for width in widths), *(drawn(row) for row in rows)])


def number(value: float | None) -> str:
    """Return a score for people: four digits after the point, or a dash."""
    return "-" if value is None else f"{value:.4f}"


def signed(value: float | None) -> str:
    """Return a difference with its sign."""
    return "-" if value is None else f"{value:+.4f}"


def probability(value: float) -> str:
    """Return a p-value for people: as many digits as tell something."""
    return f"{value:.3f}" if value >= 0.01 else f"{value:.2g}"


def first_text(fields: Mapping[str, Any]) -> str:
    """Return the first text among the fields of an example in one line, also of one that holds fields itself."""
    for value in fields.values():
        if isinstance(value, str):
            text = " ".join(value.split())
        else:
            text = first_text(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else ""
        if text:
            return text
    return ""


def one_line(text: str, most: int) -> str:
    """Return ``text`` in one line of at most ``most`` characters."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most and len(text) <= 4 * most else line[: most - 1] + "…"
