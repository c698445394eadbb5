"""The time that a search may take: its filter may have to look at every row, and nobody else waits for that."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from time import monotonic
from typing import Final, TypeVar

from promptops.core.errors import ServerError
from promptops.server.refusals import invalid
from promptops.server.stores._session import Session

__all__ = ["bounded"]

T = TypeVar("T")
_SECONDS: Final = 2.0


def bounded(work: Callable[[Session], T]) -> Callable[[Session], T]:
    """The search, not begun when it waited for two seconds, and stopped when it takes two.

    Raises:
        ServerError: Other searches were before it (503).
        ValidationError: It takes too long; it would the next time, too.
    """
    asked = monotonic()

    def search(session: Session) -> T:
        begun = monotonic()
        if begun - asked > _SECONDS:
            raise ServerError("Too many searches run at once; retry shortly.", status_code=503)
        try:
            with session.watched(lambda: monotonic() - begun > _SECONDS):
                return work(session)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            raise invalid(
                "filter",
                f"the search was stopped after {_SECONDS:g} seconds; narrow it: fewer comparisons, a lower limit, or a"
                " version or experiment with fewer rows; or list the rows and choose among them",
                "search_too_slow",
            ) from error

    return search
