"""What the parts of the SQLite store share: where to read, where to write."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from promptops.server.idempotency import Once
from promptops.server.stores._searches import bounded
from promptops.server.stores._session import Session, connect
from promptops.server.stores._writer import Writer

__all__ = ["SqliteBase"]

T = TypeVar("T")


class SqliteBase:
    """Reads by primary key run inline; lists and searches run on threads of their own each, writes on the writer."""

    def __init__(self, database: Path, inline: Session, writer: Writer) -> None:
        self._database = database
        self._inline = inline
        self._writer = writer
        self._local = threading.local()
        self._reader_connections: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="promptops-reader")
        self._searchers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="promptops-search")

    async def _listing(self, work: Callable[[Session], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._on_reader, work)

    async def _searching(self, work: Callable[[Session], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._searchers, self._on_reader, bounded(work))

    def _on_reader(self, work: Callable[[Session], T]) -> T:
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            connection = connect(self._database, readonly=True)
            self._reader_connections.append(connection)
            session = self._local.session = Session(connection)
        return work(session)

    def _close_readers(self) -> None:
        self._readers.shutdown()
        self._searchers.shutdown()
        while self._reader_connections:
            self._reader_connections.pop().close()

    async def _write(self, once: Once | None, work: Callable[[Session], T]) -> T:
        return await self._writer.submit(lambda session: session.once(once, lambda: work(session)))
