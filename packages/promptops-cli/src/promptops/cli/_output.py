"""How commands print: JSON for programs, tables and text for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "moment", "print_json", "print_table", "shortened"]


def print_json(value: Any) -> None:
    """Print a value as indented JSON, one document."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=_as_plain), indent=2))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print rows for people; text of users is never read as markup."""
    from rich.markup import escape
    from rich.table import Table

    if not rows:
        click.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console().print(table)


def console(*, stderr: bool = False) -> Console:
    """Where tables go; a pipe gets 120 columns and no colours."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, emoji=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, emoji=False, width=120)


def moment(when: datetime | None) -> str:
    """A time to the minute; nothing for one that the server does not know, which it gives as the first of 1970."""
    return f"{when:%Y-%m-%d %H:%M}" if when is not None and when.timestamp() else ""


def shortened(text: str, length: int = 60) -> str:
    """One line of at most ``length`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}\u2026"


def _as_plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return dict(value.items())
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")
