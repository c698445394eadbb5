"""Opens the file of a journal, and turns what SQLite says into errors that say what to do."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from promptops.experiments.journal._errors import JournalDamaged, JournalError, JournalFull, JournalReadOnly
from promptops.experiments.journal._locks import FileLock
from promptops.experiments.journal._schema import APPLICATION_ID, MIGRATIONS, SCHEMA, SCHEMA_VERSION

if TYPE_CHECKING:
    import sqlite3

__all__ = ["LOCK_SECONDS", "connect", "reader", "translated"]

LOCK_SECONDS: Final = 30.0
"""How long a writer waits for another process that writes to the same file."""


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Raise what SQLite and the file system raise as errors of the journal."""
    import sqlite3

    try:
        yield
    except sqlite3.Error as exc:
        raise _explained(exc, path) from exc
    except PermissionError as exc:
        raise JournalReadOnly(f"the journal {path} may not be written to ({exc.strerror}); {_MEND_RIGHTS}") from exc
    except OSError as exc:
        kind = JournalReadOnly if exc.errno == _EROFS else JournalFull if exc.errno in _NO_ROOM else JournalError
        raise kind(f"the journal {path} cannot be used: {exc.strerror or exc}") from exc


def connect(path: Path, lock: FileLock) -> sqlite3.Connection:
    """Return the writing connection, and make file and tables when they are absent.

    Raises:
        JournalError: The file cannot be used; see the kinds.
    """
    import sqlite3

    with translated(path):
        _make_file(path)
        if not lock.acquire(timeout=LOCK_SECONDS):
            raise JournalError(f"another process has been writing to the journal {path} for {LOCK_SECONDS:g} s")
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=LOCK_SECONDS)
            connection.execute("PRAGMA synchronous = FULL")
            _check_or_make(connection, path)
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        finally:
            lock.release()
    return connection


def reader(path: Path) -> sqlite3.Connection:
    """Return a connection that cannot write and never moves the log into the file."""
    import sqlite3
    from urllib.parse import quote

    with translated(path):
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def _make_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if not os.access(path, os.W_OK):
            raise JournalReadOnly(f"the journal {path} may not be written to; {_MEND_RIGHTS}") from None
        return
    os.close(descriptor)


def _check_or_make(connection: sqlite3.Connection, path: Path) -> None:
    marked = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if marked == APPLICATION_ID and version > SCHEMA_VERSION:
        raise JournalDamaged(
            f"the journal {path} was written by a newer version (format {version}, this one reads {SCHEMA_VERSION}); "
            "upgrade promptops-experiments, or give another path"
        )
    if not empty:
        if marked != APPLICATION_ID:
            raise JournalDamaged(f"{path} is a database of something else; give another path for the journal")
        if version < SCHEMA_VERSION:
            _migrate(connection, version)
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a journal of an older format to this one, wholly or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    for step in range(version, SCHEMA_VERSION):
        for statement in MIGRATIONS[step]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


_MEND_RIGHTS: Final = "make it and its directory writable for this user, or give another path"
_EROFS: Final = 30
_NO_ROOM: Final = (27, 28, 122)  # EFBIG, ENOSPC, EDQUOT


def _explained(error: sqlite3.Error, path: Path) -> JournalError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    said = f"SQLite says: {error}"
    if primary == _FULL or (primary == _IOERR and code in _IOERR_WRITES):
        return JournalFull(f"there is no room left for the journal {path}; free some and resume ({said})")
    if primary in {_READONLY, _PERM, _CANTOPEN}:
        return JournalReadOnly(f"the journal {path} may not be written to; {_MEND_RIGHTS} ({said})")
    if primary in {_CORRUPT, _NOTADB}:
        return JournalDamaged(
            f"the journal {path} cannot be read, it is no journal or it is damaged; it was left as it is. Give another "
            f"path, or rescue what can be read with the recover command of SQLite's shell ({said})"
        )
    return JournalError(f"the journal {path} cannot be used ({said})")


_PERM: Final = 3
_READONLY: Final = 8
_IOERR: Final = 10
_CORRUPT: Final = 11
_FULL: Final = 13
_CANTOPEN: Final = 14
_NOTADB: Final = 26
# A write beyond the largest file that the process may make is an error of input and output, not "full".
_IOERR_WRITES: Final = (10 | 3 << 8, 10 | 6 << 8, 10 | 19 << 8, 10 | 4 << 8)
