"""Pages of rows that are sent as they are stored."""

from __future__ import annotations

from typing import Final

from msgspec import Raw, Struct
from promptops.server import wire
from promptops.server.cursors import Cursors
from promptops.server.grants import Grant
from promptops.server.stores.protocol import Rows

__all__ = ["DEFAULT_ROWS", "ExamplePage", "RunPage", "page_of", "pagination"]


DEFAULT_ROWS: Final = 50
"""How many rows a search gives that names no limit."""


class ExamplePage(Struct, frozen=True):
    """On the wire a :class:`promptops.server.wire.DatasetExampleList`."""

    examples: list[Raw]
    pagination: wire.Pagination


class RunPage(Struct, frozen=True):
    """On the wire a :class:`promptops.server.wire.ExperimentRunList`."""

    experiment_runs: list[Raw]
    pagination: wire.Pagination


def page_of(cursors: Cursors, grant: Grant, question: tuple[str | None, ...], rows: Rows) -> wire.Pagination:
    """Where the page after these rows begins."""
    return pagination(cursors, grant, question, rows.after)


def pagination(
    cursors: Cursors, grant: Grant, question: tuple[str | None, ...], after: tuple[int | str, ...] | None
) -> wire.Pagination:
    """A cursor exactly when there is more."""
    if after is None:
        return wire.Pagination(has_more=False)
    return wire.Pagination(has_more=True, next_cursor=cursors.seal(grant, question, after))
