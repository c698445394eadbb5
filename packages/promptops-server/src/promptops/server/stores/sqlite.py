"""The SQLite store: one directory, one writing process."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from promptops.core.errors import ConfigurationError
from promptops.models import prepared
from promptops.server import wire
from promptops.server._locks import FileLock
from promptops.server.changes import Changed
from promptops.server.ids import new_id
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._session import Session, connect
from promptops.server.stores._writer import Writer
from promptops.server.stores.migrations import HEAD, migrate
from promptops.server.stores.protocol import StoredKey
from promptops.server.stores.sqlite_audit import SqliteAudit
from promptops.server.stores.sqlite_dataset_drafts import SqliteDatasetDrafts
from promptops.server.stores.sqlite_datasets import SqliteDatasets
from promptops.server.stores.sqlite_examples import SqliteExamples
from promptops.server.stores.sqlite_experiments import SqliteExperiments
from promptops.server.stores.sqlite_keys import SqliteKeys
from promptops.server.stores.sqlite_labels import SqliteLabels
from promptops.server.stores.sqlite_projects import SqliteProjects
from promptops.server.stores.sqlite_prompts import SqlitePrompts
from promptops.server.stores.sqlite_usage import SqliteUsage

__all__ = ["DEFAULT_PROJECT", "SqliteStore", "database_path", "has_wal_reset_bug", "prepare"]

DEFAULT_PROJECT: Final = "default"
_FIND_KEY: Final = """
    SELECT k.public_id, k.name, k.hash, k.pepper_id, k.scopes, k.default_project,
        (SELECT json_group_array(p.project_id) FROM key_projects p WHERE p.public_id = k.public_id),
        k.created_at, k.expires_at, k.revoked_at, k.require_signature, k.limits
    FROM api_keys k WHERE k.public_id = ?"""


def database_path(data_dir: Path) -> Path:
    """Where the database of a data directory is."""
    return data_dir / "promptops.db"


def has_wal_reset_bug(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite can lose commits when a checkpoint races a write; this server lets no two overlap."""
    return not (version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45))


def prepare(connection: sqlite3.Connection) -> None:
    """Migrate, and make the default project."""
    migrate(connection)
    connection.execute(
        "INSERT OR IGNORE INTO projects VALUES (?, ?, ?, ?)",
        (new_id("Space"), DEFAULT_PROJECT, "The project that exists from the start.", time.time_ns() // 1000),
    )


class SqliteStore(
    SqliteKeys,
    SqliteAudit,
    SqlitePrompts,
    SqliteLabels,
    SqliteDatasets,
    SqliteDatasetDrafts,
    SqliteExamples,
    SqliteExperiments,
    SqliteProjects,
    SqliteUsage,
    SqliteBase,
):
    """See :class:`promptops.server.stores.protocol.Store`."""

    def __init__(self, data_dir: Path) -> None:
        """Open the directory, and make and migrate what is missing.

        Raises:
            ConfigurationError: Another server uses the directory, it cannot be written, or its schema is newer.
        """
        self._closed = False
        self._has_keys = False
        with contextlib.ExitStack() as undo:
            try:
                data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._lock = FileLock(data_dir / "server.lock")
                if not self._lock.acquire(timeout=1.0):
                    raise ConfigurationError(
                        f"Another PromptOps server uses {data_dir}; stop it, or give this one another directory"
                        " (--data-dir)."
                    )
                undo.callback(self._lock.release)
                path = database_path(data_dir)
                self._writing = connect(path, readonly=False)
                undo.callback(self._writing.close)
                prepare(self._writing)
                self._reading = connect(path, readonly=True)
                undo.callback(self._reading.close)
                found = self._reading.execute("SELECT id FROM projects WHERE name = ?", (DEFAULT_PROJECT,)).fetchone()
                self._default_project = str(found[0])
            except (OSError, sqlite3.Error) as error:
                raise ConfigurationError(
                    f"The data directory {data_dir} cannot be used: {error}. Give another one with --data-dir."
                ) from error
            self._checkpoint_lock = FileLock(data_dir / "checkpoint.lock")
            writer = Writer(self._writing, path, self._checkpoint_lock)
            super().__init__(path, Session(self._reading), writer)
            writer.start()
            undo.pop_all()

    def listen(self, on_commit: Callable[[list[Changed]], None]) -> None:
        """Call this with the prompts that each commit changed, on the writing thread; it must not wait."""
        self._writer.on_commit = on_commit

    async def find_key(self, public_id: str) -> StoredKey | None:
        """A key by its public id."""
        row = self._reading.execute(_FIND_KEY, (public_id,)).fetchone()
        if row is None:
            return None
        return StoredKey(
            public_id=row[0],
            name=row[1],
            hash=row[2],
            pepper_id=row[3],
            scopes=msgspec.json.decode(row[4], type=tuple[str, ...]),
            default_project=row[5],
            projects=msgspec.json.decode(row[6], type=tuple[str, ...]),
            created_at=row[7],
            expires_at=row[8],
            revoked_at=row[9],
            require_signature=bool(row[10]),
            limits=msgspec.json.decode(row[11], type=prepared(wire.KeyLimits)),
        )

    async def has_keys(self) -> bool:
        """Whether a key was ever made, revoked ones included."""
        # Keys are revoked and never removed, so the answer can only become yes, once.
        if not self._has_keys:
            self._has_keys = self._reading.execute("SELECT 1 FROM api_keys LIMIT 1").fetchone() is not None
        return self._has_keys

    async def default_project(self) -> str:
        """The id of the project that exists from the start."""
        return self._default_project

    async def ping(self) -> dict[str, Any]:
        """Read the schema version."""
        self._reading.execute("SELECT max(version) FROM schema_version").fetchone()
        return {"engine": "sqlite", "sqlite_version": sqlite3.sqlite_version, "schema": HEAD}

    async def aclose(self) -> None:
        """Finish what is queued and close; safe to call twice."""
        self.close()

    def close(self) -> None:
        """Blocking form of :meth:`aclose`."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self._close_readers()
        self._reading.close()
        with self._checkpoint_lock:  # the last connection checkpoints when it closes
            self._writing.close()
        self._lock.release()
