"""The one writer: a thread that commits what was appended in groups, each with one synchronous write to the disk."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from promptops.core.errors import PromptOpsError
from promptops.core.log import log
from promptops.experiments.journal._commit import Commit
from promptops.experiments.journal._database import LOCK_SECONDS, connect, translated
from promptops.experiments.journal._errors import JournalClosed, JournalError
from promptops.experiments.journal._group import Group
from promptops.experiments.journal._locks import FileLock

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Writer"]

T = TypeVar("T")
_CLOSE_SECONDS: Final = 60.0


class _Call:
    """A function to be run in a transaction of its own."""

    def __init__(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        self.work = work
        self.commit = Commit()
        self.result: Any = None


class Writer:
    """Owns the only writing connection of this process; what queues up while one group is written is the next one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pid = os.getpid()
        self._lock = FileLock(path.with_name(f"{path.name}-lock"))
        with translated(path):
            self._connection: sqlite3.Connection | None = connect(path, self._lock)
        self._arrived = threading.Condition(threading.Lock())
        self._queue: deque[Group | _Call] = deque()
        self._open: Group | None = None
        self._thread: threading.Thread | None = None
        self._closing = False
        self._failure: PromptOpsError | None = None
        _WRITERS.add(self)

    def append(self, add: Callable[[Group], object]) -> Commit:
        """Let ``add`` put rows into the group that is open, and return its commit.

        Raises:
            JournalError: The journal failed before, or is closed.
        """
        with self._arrived:
            self._check()
            group = self._open
            if group is None or group.is_full:
                group = self._open = Group()
                self._queue.append(group)
            try:
                add(group)
            finally:
                # A group that was opened for rows that are refused is waited for by flush() all the same.
                self._wake()
        return group.commit

    def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction after everything appended before, and return what it returns.

        An error of ours that it raises undoes the transaction and goes to the caller; the journal goes on.
        """
        item = _Call(work)
        with self._arrived:
            self._check()
            self._open = None
            self._queue.append(item)
            self._wake()
        item.commit.wait()
        return cast("T", item.result)

    def flush(self) -> None:
        """Wait until everything appended so far is on the disk."""
        with self._arrived:
            last = self._queue[-1].commit if self._queue else self._current
        if last is not None:
            last.settled()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Store what was appended, move the log into the file and close it; safe to call twice."""
        if os.getpid() != self.pid:
            return
        with self._arrived:
            self._closing = True
            self._arrived.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSE_SECONDS)
            if thread.is_alive():
                raise JournalError(f"the journal {self.path} could not be closed within {_CLOSE_SECONDS:g} s")
        connection, self._connection = self._connection, None
        if connection is not None:
            held = self._lock.acquire(timeout=LOCK_SECONDS)
            try:
                with translated(self.path):
                    connection.close()
            finally:
                if held:
                    self._lock.release()
                self._lock.close()
        _WRITERS.discard(self)

    def abandon(self) -> None:
        """Forget, in a forked child, what belongs to the parent, without touching its file."""
        self._closing = True
        if self._connection is not None:
            _PARKED.append(self._connection)
            self._connection = None
        self._lock.close()

    _current: Commit | None = None

    def _check(self) -> None:
        if os.getpid() != self.pid:
            raise JournalClosed(f"the journal {self.path} was opened before this process was forked; open it again")
        if self._failure is not None:
            raise self._failure
        if self._closing:
            raise JournalClosed(f"the journal {self.path} is closed")

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="promptops-journal", daemon=True)
            self._thread.start()
        self._arrived.notify()

    def _run(self) -> None:
        while True:
            with self._arrived:
                while not self._queue:
                    if self._closing:
                        return
                    self._arrived.wait()
                item = self._queue.popleft()
                if item is self._open:
                    self._open = None
                self._current = item.commit
                failure = self._failure
            if failure is None:
                failure = self._write(item)
            for callback in item.commit.settle(failure):
                _told(callback)
            # Nothing of the last group is kept while the thread waits for the next.
            del item

    def _write(self, item: Group | _Call) -> PromptOpsError | None:
        try:
            with translated(self.path):
                self._transact(item)
        except JournalError as exc:
            self._failure = exc
            return exc
        except PromptOpsError as exc:
            return exc
        except Exception as exc:  # noqa: BLE001 - whatever it is, whoever waits must hear of it
            failure = JournalError(f"the journal {self.path} failed: {type(exc).__name__}: {exc}")
            failure.__cause__ = exc
            self._failure = failure
            return failure
        return None

    def _transact(self, item: Group | _Call) -> None:
        connection = self._connection
        if connection is None:
            raise JournalClosed(f"the journal {self.path} is closed")
        # Within the lock no other process commits or moves the log: older SQLite versions lose pages when both meet.
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise JournalError(f"another process has been writing to the journal {self.path} for {LOCK_SECONDS:g} s")
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if isinstance(item, Group):
                    item.write(connection)
                else:
                    item.result = item.work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        finally:
            self._lock.release()


def _told(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception as exc:  # noqa: BLE001 - a loop that is closed by now, say; its rows are stored all the same
        log().debug("journal_waiter_gone", error=str(exc))


_WRITERS: Final[weakref.WeakSet[Writer]] = weakref.WeakSet()
_PARKED: Final[list[Any]] = []


def _after_fork() -> None:
    for writer in list(_WRITERS):
        writer.abandon()
    _WRITERS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
