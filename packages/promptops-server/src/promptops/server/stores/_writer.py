"""The one writer: a thread with the only writing connection, which commits in groups and owns the checkpoints.

Every transaction starts as immediate, so writers wait and never fail with "locked". What queues up while one group is
being written is committed as the next one: each piece of work in a savepoint of its own, its caller told after the
commit.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from promptops.core.errors import ServerError
from promptops.core.log import log
from promptops.server._locks import FileLock
from promptops.server.changes import Changed
from promptops.server.stores._session import Session

__all__ = ["Writer"]

T = TypeVar("T")
_GROUP: Final = 64
_CHECKPOINT_BYTES: Final = 4 * 1024 * 1024
_CHECKPOINT_PAUSE: Final = 1.0


class _Job:
    __slots__ = ("error", "future", "loop", "result", "work")

    def __init__(self, work: Callable[[Session], Any]) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Tell the caller, on the caller's loop."""
        if self.future.done():  # the caller went away; the write stands
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def _nobody(changes: list[Changed]) -> None:
    """Nobody listens."""
    del changes


class Writer:
    """Runs functions over a :class:`Session` in transactions."""

    def __init__(self, connection: sqlite3.Connection, database: Path, checkpoint_lock: FileLock) -> None:
        self._connection = connection
        self._wal = database.with_name(f"{database.name}-wal")
        self._checkpoint_lock = checkpoint_lock
        self._session = Session(connection)
        self.on_commit: Callable[[list[Changed]], None] = _nobody
        """Called on the writing thread with what a commit changed; it must not wait."""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="promptops-writer", daemon=True)
        self._closed = False
        self._next_checkpoint = 0.0

    def start(self) -> None:
        """Begin to take work."""
        self._thread.start()

    async def submit(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in a transaction; returns once it is committed, raises what it raised.

        Raises:
            ServerError: The store is closed.
        """
        if self._closed:
            raise ServerError("The server is shutting down.", status_code=503)
        job = _Job(work)
        self._jobs.put(job)
        result: T = await job.future
        return result

    def close(self) -> None:
        """Finish what is queued and stop; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        running = True
        while running:
            job = self._jobs.get()
            if job is None:
                return
            group = [job]
            running = self._write(group)
            _settle(group)
            self._checkpoint_when_due()

    def _write(self, group: list[_Job]) -> bool:
        """Run the first job and those that wait behind it in one transaction; False when told to stop."""
        running = True
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._work(group[0])
            while len(group) < _GROUP:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    running = False
                    break
                group.append(job)
                self._work(job)
            self._connection.execute("COMMIT")
            self._announce()
        except sqlite3.Error as error:
            self._session.changes.clear()
            for job in group:
                job.error = job.error or error
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return running

    def _announce(self) -> None:
        """Tell what was committed."""
        if changes := self._session.changes:
            self._session.changes = []
            try:
                self.on_commit(changes)
            except Exception:  # noqa: BLE001 - the write stands, whatever the listener does
                log().exception("change_listener_failed")

    def _work(self, job: _Job) -> None:
        before = len(self._session.changes)
        self._connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(self._session)
        except Exception as error:
            job.error = error
            del self._session.changes[before:]
            if not self._connection.in_transaction:  # a full disk rolls everything back; nobody's work stands
                raise sqlite3.OperationalError(str(error)) from error
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")

    def _checkpoint_when_due(self) -> None:
        now = time.monotonic()
        try:
            if now < self._next_checkpoint or self._wal.stat().st_size < _CHECKPOINT_BYTES:
                return
            with self._checkpoint_lock:
                busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:  # a reader is in the way; leave it some time
                self._next_checkpoint = now + _CHECKPOINT_PAUSE
        except (sqlite3.Error, OSError) as error:
            self._next_checkpoint = now + _CHECKPOINT_PAUSE
            log().warning("checkpoint_failed", error=str(error))


def _settle(group: list[_Job]) -> None:
    """Wake each loop once for all of its callers."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in group:
        loops.setdefault(job.loop, []).append(job)
    for loop, jobs in loops.items():
        try:
            loop.call_soon_threadsafe(_settle_all, jobs)
        except RuntimeError:  # the loop is closed: nobody waits any more
            log().warning("write_had_no_caller", count=len(jobs))


def _settle_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.settle()
