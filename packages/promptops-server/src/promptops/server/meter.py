"""Counts requests in memory by key, project, hour and operation, and hands the counts to the store now and then.

A request costs a dictionary look-up; the store is written to once in :data:`FLUSH_SECONDS`, and before counts are read.
A killed process loses at most what came in since.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Final

from promptops.core.errors import ServerError
from promptops.core.log import log
from promptops.server.grants import Grant
from promptops.server.stores.usage_rows import UsageCell

__all__ = ["FLUSH_SECONDS", "SELECTED_PROJECT", "UsageMeter"]

FLUSH_SECONDS: Final = 5.0
_EARLY: Final = 1_000
_MOST: Final = 10_000
SELECTED_PROJECT: Final[ContextVar[str | None]] = ContextVar("promptops_selected_project", default=None)
"""The project that the request under way selected; None means the default of its key."""

_Cell = tuple[str, str, int, str]


class UsageMeter:
    """Everything counted and not yet stored.

    Args:
        store: Adds counts to those that are stored.
        clock: Seconds since 1970.
    """

    def __init__(
        self, store: Callable[[Sequence[UsageCell]], Awaitable[None]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._clock = clock
        self._cells: dict[_Cell, list[int]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()
        self._failing = False
        self.lost = 0

    @property
    def problem(self) -> str:
        """Why counts may be wrong; empty when all is well."""
        if self.lost:
            return "usage counts were lost because the database did not take them"
        return "usage counts wait for the database" if self._failing else ""

    def record(self, grant: Grant, operation: str, *, failed: bool, seconds: float) -> None:
        """Count one request; never waits and never fails."""
        project = SELECTED_PROJECT.get() or grant.default
        key = (project, grant.subject or "", int(self._clock()) // 3600, operation)
        self._add(key, 1, int(failed), int(seconds * 1_000_000))
        self._schedule()

    async def flush(self) -> None:
        """Store what was counted so far. When the database fails, the counts wait for the next time."""
        async with self._lock:
            taken, self._cells = self._cells, {}
            if not taken:
                return
            cells = [
                UsageCell(
                    project_id=project,
                    subject=subject,
                    hour=hour,
                    operation=operation,
                    requests=requests,
                    errors=errors,
                    latency_us=latency,
                )
                for (project, subject, hour, operation), (requests, errors, latency) in taken.items()
            ]
            try:
                await self._store(cells)
            except (sqlite3.Error, ServerError) as error:
                self._failing = True
                log().warning("usage_not_stored", cells=len(cells), error=str(error))
                for key, counts in taken.items():
                    self._add(key, *counts)
            else:
                self._failing = False

    def _add(self, key: _Cell, requests: int, errors: int, latency: int) -> None:
        cell = self._cells.get(key)
        if cell is None:
            if len(self._cells) >= _MOST:
                self.lost += requests
                return
            cell = self._cells[key] = [0, 0, 0]
        cell[0] += requests
        cell[1] += errors
        cell[2] += latency

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(FLUSH_SECONDS, self._start)
        if len(self._cells) >= _EARLY and not self._tasks and not self._failing:
            self._start()

    def _start(self) -> None:
        self._loop = None
        task = asyncio.get_running_loop().create_task(self.flush())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
