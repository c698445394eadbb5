"""Connections to SQLite, and the one way in which statements over tenant data are run on them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from promptops.server.changes import Changed
from promptops.server.grants import Grant
from promptops.server.idempotency import KEEP_SECONDS, Once, Replayed
from promptops.server.stores.scope import Scoped, granted

__all__ = ["Row", "Session", "connect", "moment"]

T = TypeVar("T")
Row = tuple[Any, ...]
Expiring = Literal["telemetry_batches", "usage_batches", "usage_counters"]
_EXPIRED_AT_ONCE: Final = 1000
_STEPS: Final = 2_000
"""Of SQLite's machine, between two questions whether to stop: 250 rows with one comparison, or 6 with fifty."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def connect(path: Path, *, readonly: bool) -> sqlite3.Connection:
    """A connection with the settings of this server; only the writer may write, and only it checkpoints."""
    connection = sqlite3.connect(
        path, timeout=5.0, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        if readonly:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def moment(microseconds: int) -> datetime:
    """The time that a column of microseconds names."""
    return _EPOCH + timedelta(microseconds=microseconds)


class Session:
    """Runs statements on one connection, each within the projects of a grant.

    Attributes:
        changes: What the transaction under way changed; whoever commits it takes them.
    """

    __slots__ = ("_connection", "_last", "changes")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.changes: list[Changed] = []
        self._connection = connection
        self._last = 0

    def one(self, statement: Scoped, grant: Grant, **values: Any) -> Row | None:
        """The first row."""
        row: Row | None = self._connection.execute(statement.render(), {"granted": granted(grant), **values}).fetchone()
        return row

    def all(self, statement: Scoped, grant: Grant, **values: Any) -> list[Row]:
        """Every row."""
        return self._connection.execute(statement.render(), {"granted": granted(grant), **values}).fetchall()

    def run(self, statement: Scoped, grant: Grant, **values: Any) -> int:
        """Write; the number of rows changed."""
        return self._connection.execute(statement.render(), {"granted": granted(grant), **values}).rowcount

    def run_many(self, statement: Scoped, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows, each of which names its project."""
        self._connection.executemany(statement.render(), rows)

    def expire(self, table: Expiring, column: Literal["received_at", "hour"], before: int) -> None:
        """Forget what is older, of every project; a bounded number of rows at a time for what has a number."""
        if table == "usage_counters":
            self._connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (before,))  # noqa: S608 - literals
            return
        oldest = f"SELECT seq FROM {table} WHERE {column} < ? ORDER BY {column} LIMIT {_EXPIRED_AT_ONCE}"  # noqa: S608
        self._connection.execute(f"DELETE FROM {table} WHERE seq IN ({oldest})", (before,))  # noqa: S608 - literals

    @contextmanager
    def watched(self, stop: Callable[[], bool]) -> Generator[None, None, None]:
        """Ask often whether to stop: a statement that runs then fails with ``SQLITE_INTERRUPT``."""
        self._connection.set_progress_handler(stop, _STEPS)
        try:
            yield
        finally:
            self._connection.set_progress_handler(None, 0)

    def now(self, count: int = 1) -> int:
        """The time in microseconds, ``count`` of them reserved: no two rows of this process share one."""
        first = max(time.time_ns() // 1000, self._last + 1)
        self._last = first + count - 1
        return first

    def once(self, once: Once | None, work: Callable[[], T]) -> T:
        """Do the work unless its idempotency key was used, and store the answer beside it.

        Raises:
            Replayed: It was done before.
            IdempotencyMismatch: The key was used for something else.
        """
        if once is None:
            return work()
        owner = once.owner.encode()
        oldest = time.time_ns() // 1000 - KEEP_SECONDS * 1_000_000
        self._connection.execute("DELETE FROM idempotency WHERE created_at < ?", (oldest,))
        found = self._connection.execute(
            "SELECT fingerprint, status, body FROM idempotency WHERE owner = ? AND key = ?", (owner, once.key)
        ).fetchone()
        if found is not None:
            once.check(found[0])
            raise Replayed(found[1], found[2])
        result = work()
        if result is not None:
            self._connection.execute(
                "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?)",
                (owner, once.key, once.fingerprint, once.status, once.encode(result), self.now()),
            )
        return result

    def use_nonce(self, key_id: str, nonce: str, *, at: int, oldest: int) -> bool:
        """Whether a nonce is new; those from before ``oldest`` are forgotten."""
        self._connection.execute("DELETE FROM nonces WHERE at < ?", (oldest,))
        done = self._connection.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)", (key_id, nonce, at))
        return done.rowcount == 1
