"""Making, listing and revoking keys in a data directory, also while a server runs on it.

A server checkpoints only under ``checkpoint.lock``; holding it here keeps this process's write and that checkpoint
apart, which SQLite's own locks do not guarantee in every version.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Generator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from promptops.core.errors import ConfigurationError, NotFoundError
from promptops.models import prepared
from promptops.server import wire
from promptops.server._locks import FileLock
from promptops.server.grants import ALL_SCOPES, Grant, Scope
from promptops.server.ids import new_id
from promptops.server.keys import IssuedKey, new_key
from promptops.server.settings import load_pepper
from promptops.server.stores._session import Session, connect, moment
from promptops.server.stores.protocol import StoredKey
from promptops.server.stores.sqlite import DEFAULT_PROJECT, database_path, prepare
from promptops.server.stores.sqlite_keys import insert_key
from promptops.server.stores.sqlite_keys import revoke_key as revoke_key_in

__all__ = ["DEFAULT_SCOPES", "KeyFacts", "create_key", "list_keys", "revoke_key"]

DEFAULT_SCOPES: Final = (Scope.PROMPTS_READ, Scope.TELEMETRY)
_LOCK_SECONDS: Final = 10.0
_DEFAULT_LIMITS: Final = wire.KeyLimits()


class KeyFacts(Struct, frozen=True, kw_only=True):
    """What may be known of a key."""

    public_id: str
    name: str
    projects: list[str]
    default_project: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    require_signature: bool
    limits: wire.KeyLimits


def create_key(
    data_dir: Path,
    *,
    name: str,
    projects: Sequence[str] = (DEFAULT_PROJECT,),
    scopes: Sequence[Scope] = DEFAULT_SCOPES,
    expires_in_seconds: float | None = None,
    require_signature: bool = False,
    limits: wire.KeyLimits = _DEFAULT_LIMITS,
) -> IssuedKey:
    """Make a key; the only moment when its secrets are told.

    Args:
        data_dir: Of the server; made when it is missing.
        name: For people.
        projects: Names of the projects that it grants; missing ones are created, the first is its default.
        scopes: What it may do there.
        expires_in_seconds: None for a key that does not expire.
        require_signature: Refuse requests that are not signed with its secret key.
        limits: Where they differ from the server's; any height is fine here.

    Raises:
        ConfigurationError: The directory cannot be used.
    """
    if not projects or not scopes or not name.strip():
        raise ConfigurationError("A key needs a name, a project and a scope.")
    key = new_key()
    now = time.time_ns() // 1000
    expires = None if expires_in_seconds is None else now + int(expires_in_seconds * 1_000_000)
    with _writing(data_dir) as connection:
        pepper = load_pepper(data_dir)
        ids = [_project_id(connection, project, now) for project in dict.fromkeys(projects)]
        stored = StoredKey(
            public_id=key.public_id,
            name=name,
            hash=pepper.hash(key.text),
            pepper_id=pepper.id,
            scopes=tuple({str(scope) for scope in scopes}),
            default_project=ids[0],
            projects=tuple(ids),
            created_at=now,
            expires_at=expires,
            revoked_at=None,
            require_signature=require_signature,
            limits=limits,
        )
        insert_key(Session(connection), _administrator(ids), stored)
        return IssuedKey(key.public_id, key.text, pepper.signing_secret(key.public_id))


def list_keys(data_dir: Path) -> list[KeyFacts]:
    """Every key, oldest first; never a secret.

    Raises:
        ConfigurationError: The directory cannot be used.
    """
    if not database_path(data_dir).exists():
        return []
    with _writing(data_dir) as connection:
        rows = connection.execute(
            "SELECT k.public_id, k.name, (SELECT json_group_array(p.name) FROM key_projects g"
            " JOIN projects p ON p.id = g.project_id WHERE g.public_id = k.public_id), d.name, k.scopes,"
            " k.created_at, k.expires_at, k.revoked_at, k.require_signature, k.limits"
            " FROM api_keys k JOIN projects d ON d.id = k.default_project ORDER BY k.created_at, k.public_id"
        ).fetchall()
    return [
        KeyFacts(
            public_id=row[0],
            name=row[1],
            projects=msgspec.json.decode(row[2], type=list[str]),
            default_project=row[3],
            scopes=msgspec.json.decode(row[4], type=list[str]),
            created_at=moment(row[5]),
            expires_at=None if row[6] is None else moment(row[6]),
            revoked_at=None if row[7] is None else moment(row[7]),
            require_signature=bool(row[8]),
            limits=msgspec.json.decode(row[9], type=prepared(wire.KeyLimits)),
        )
        for row in rows
    ]


def revoke_key(data_dir: Path, public_id: str) -> None:
    """Make a key useless, at once and for good.

    Raises:
        NotFoundError: There is no such key.
        ConfigurationError: The directory cannot be used.
    """
    with _writing(data_dir) as connection:
        everything = [str(row[0]) for row in connection.execute("SELECT id FROM projects ORDER BY created_at")]
        revoked = revoke_key_in(Session(connection), _administrator(everything), public_id)
    if revoked is None:
        raise NotFoundError(f"There is no key '{public_id}'; see: promptops keys list")


@contextlib.contextmanager
def _writing(data_dir: Path) -> Generator[sqlite3.Connection, None, None]:
    """A transaction in the database of a directory, whether a server runs on it or not."""
    with contextlib.ExitStack() as stack:
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            server_lock, checkpoint_lock = FileLock(data_dir / "server.lock"), FileLock(data_dir / "checkpoint.lock")
            alone = server_lock.acquire(timeout=0.0)
            stack.callback(server_lock.release)
            if not checkpoint_lock.acquire(timeout=_LOCK_SECONDS):
                raise ConfigurationError(f"Another process keeps {data_dir} busy; try again.")
            stack.callback(checkpoint_lock.release)
            connection = stack.enter_context(contextlib.closing(connect(database_path(data_dir), readonly=False)))
            if alone:
                prepare(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"The data directory {data_dir} cannot be used: {error}") from error


def _project_id(connection: sqlite3.Connection, name: str, now: int) -> str:
    connection.execute("INSERT OR IGNORE INTO projects VALUES (?, ?, '', ?)", (new_id("Space"), name, now))
    row = connection.execute("SELECT id FROM projects WHERE name = ?", (name,)).fetchone()
    return str(row[0])


def _administrator(projects: Sequence[str]) -> Grant:
    """Whoever can write to the data directory may do anything there."""
    return Grant(projects=tuple(projects), default=projects[0], scopes=ALL_SCOPES)
