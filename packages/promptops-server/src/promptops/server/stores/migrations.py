"""The schema of the SQLite store: forward only, each step in one transaction with its version row."""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from promptops.core.errors import ConfigurationError
from promptops.server.stores import _schema_datasets
from promptops.server.stores._schema_datasets import DATASETS
from promptops.server.stores._schema_prompts import PROMPTS, register
from promptops.server.stores._schema_usage import USAGE

__all__ = ["HEAD", "migrate"]

_FIRST: Final = (
    """CREATE TABLE projects (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL, created_at INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE api_keys (
        public_id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, pepper_id TEXT NOT NULL,
        scopes TEXT NOT NULL, default_project TEXT NOT NULL REFERENCES projects(id),
        created_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER
    ) STRICT""",
    """CREATE TABLE key_projects (
        public_id TEXT NOT NULL REFERENCES api_keys(public_id) ON DELETE CASCADE,
        project_id TEXT NOT NULL REFERENCES projects(id), PRIMARY KEY (public_id, project_id)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE prompts (
        id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id), slug TEXT NOT NULL, name TEXT NOT NULL,
        module_id TEXT, created_by TEXT, revision INTEGER NOT NULL, created_at INTEGER NOT NULL,
        UNIQUE (project_id, slug), UNIQUE (project_id, name)
    ) STRICT""",
    """CREATE TABLE prompt_versions (
        prompt_id TEXT NOT NULL REFERENCES prompts(id) ON DELETE CASCADE, sort_key TEXT NOT NULL,
        project_id TEXT NOT NULL, version TEXT NOT NULL, status TEXT NOT NULL, document TEXT NOT NULL,
        content_hash TEXT NOT NULL, revision INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
        PRIMARY KEY (prompt_id, sort_key)
    ) STRICT""",
    """CREATE TABLE prompt_audit (
        seq INTEGER PRIMARY KEY, prompt_id TEXT NOT NULL, project_id TEXT NOT NULL, version TEXT,
        action TEXT NOT NULL, subject TEXT, content_hash TEXT, at INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE datasets (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
        project_id TEXT NOT NULL REFERENCES projects(id), name TEXT NOT NULL,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (project_id, name)
    ) STRICT""",
    """CREATE TABLE dataset_versions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
        dataset_id TEXT NOT NULL REFERENCES datasets(id) ON DELETE CASCADE, project_id TEXT NOT NULL,
        name TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX dataset_versions_of ON dataset_versions (dataset_id, seq)",
    """CREATE TABLE examples (
        version_id TEXT NOT NULL REFERENCES dataset_versions(id) ON DELETE CASCADE, id TEXT NOT NULL,
        project_id TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, document TEXT NOT NULL,
        PRIMARY KEY (version_id, id)
    ) STRICT""",
    "CREATE INDEX examples_in_order ON examples (version_id, created_at, id)",
    """CREATE TABLE experiments (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
        project_id TEXT NOT NULL REFERENCES projects(id),
        dataset_id TEXT REFERENCES datasets(id) ON DELETE CASCADE,
        dataset_version_id TEXT REFERENCES dataset_versions(id) ON DELETE CASCADE,
        name TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX experiments_of_dataset ON experiments (dataset_id, name) WHERE dataset_id IS NOT NULL",
    "CREATE UNIQUE INDEX experiments_of_space ON experiments (project_id, name) WHERE dataset_id IS NULL",
    "CREATE INDEX experiments_by_project ON experiments (project_id, seq)",
    "CREATE INDEX experiments_by_version ON experiments (dataset_version_id)",
    """CREATE TABLE runs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
        experiment_id TEXT NOT NULL REFERENCES experiments(id) ON DELETE CASCADE,
        project_id TEXT NOT NULL, example_id TEXT, document TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX runs_in_order ON runs (experiment_id, seq)",
    """CREATE TABLE idempotency (
        owner BLOB NOT NULL, key TEXT NOT NULL, fingerprint BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
        created_at INTEGER NOT NULL, PRIMARY KEY (owner, key)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX idempotency_by_age ON idempotency (created_at)",
)

_SECURITY: Final = (
    "ALTER TABLE api_keys ADD COLUMN require_signature INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE api_keys ADD COLUMN limits TEXT NOT NULL DEFAULT '{}'",
    """CREATE TABLE nonces (
        public_id TEXT NOT NULL, nonce TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (public_id, nonce)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX nonces_by_age ON nonces (at)",
    """CREATE TABLE audit (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, key_id TEXT, action TEXT NOT NULL,
        kind TEXT NOT NULL, object_id TEXT NOT NULL, version TEXT, content_hash TEXT, request_id TEXT,
        at INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX audit_by_project ON audit (project_id, seq)",
    """INSERT INTO audit (project_id, key_id, action, kind, object_id, version, content_hash, at)
        SELECT project_id, subject, action, 'prompt', prompt_id, version, content_hash, at FROM prompt_audit
        ORDER BY seq""",
    "DROP TABLE prompt_audit",
    """CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit table only grows'); END""",
    """CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit table only grows'); END""",
)

_MIGRATIONS: Final = (_FIRST, _SECURITY, USAGE, PROMPTS, DATASETS)
HEAD: Final = len(_MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema to :data:`HEAD`; the caller holds the lock of the data directory.

    Raises:
        ConfigurationError: The database was written by a newer version.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at INTEGER)")
    (current,) = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()
    if current > HEAD:
        raise ConfigurationError(
            f"The database has schema {current}, this version knows {HEAD}: it was used with a newer promptops-server;"
            " upgrade with: pip install --upgrade promptops-server"
        )
    register(connection)
    _schema_datasets.register(connection)
    for version in range(current + 1, HEAD + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _MIGRATIONS[version - 1]:
                connection.execute(statement)
            connection.execute("INSERT INTO schema_version VALUES (?, ?)", (version, int(time.time())))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
