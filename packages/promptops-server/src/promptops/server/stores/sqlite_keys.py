"""Keys and used nonces in SQLite."""

from __future__ import annotations

from typing import Final

import msgspec
from promptops.models import prepared
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.idempotency import Once
from promptops.server.stores._audit import record
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._session import Row, Session, moment
from promptops.server.stores.protocol import StoredKey
from promptops.server.stores.scope import Scoped

__all__ = ["SqliteKeys", "insert_key", "revoke_key"]

_encode = msgspec.json.Encoder().encode

_VISIBLE: Final = (
    "FROM api_keys k WHERE k.public_id NOT IN (SELECT g.public_id FROM key_projects g WHERE NOT ({g:granted}))"
)
_COLUMNS: Final = (
    "k.public_id, k.name, (SELECT json_group_array(json_object('id', p.id, 'name', p.name)) FROM key_projects h"
    " JOIN projects p ON p.id = h.project_id WHERE h.public_id = k.public_id), k.default_project, k.scopes,"
    " k.require_signature, k.limits, k.created_at, k.expires_at, k.revoked_at"
)
_REACHES: Final = (
    " AND (:project IS NULL"
    " OR EXISTS (SELECT 1 FROM key_projects w WHERE w.public_id = k.public_id AND w.project_id = :project))"
)
_LIST: Final = Scoped(
    f"SELECT {_COLUMNS} {_VISIBLE} {_REACHES} ORDER BY k.created_at DESC, k.public_id LIMIT :limit OFFSET :offset"
)
_COUNT: Final = Scoped(f"SELECT count(*) {_VISIBLE} {_REACHES}")
_GET: Final = Scoped(f"SELECT {_COLUMNS} {_VISIBLE} AND k.public_id = :id")
_INSERT: Final = Scoped(
    "INSERT INTO api_keys (public_id, name, hash, pepper_id, scopes, default_project, created_at, expires_at,"
    " require_signature, limits)"
    " VALUES (:id, :name, :hash, :pepper_id, :scopes, :project_id, :created_at, :expires_at, :signed, :limits)"
)
_INSERT_PROJECT: Final = Scoped("INSERT INTO key_projects (public_id, project_id) VALUES (:id, :project_id)")
_REVOKE: Final = Scoped(
    "UPDATE api_keys AS k SET revoked_at = :now WHERE k.public_id = :id AND k.public_id NOT IN"
    " (SELECT g.public_id FROM key_projects g WHERE NOT ({g:granted}))"
)


class SqliteKeys(SqliteBase):
    """See :class:`promptops.server.stores.protocol.KeyStore`."""

    async def insert_key(self, grant: Grant, key: StoredKey, once: Once | None) -> wire.ApiKey:
        """Store a key."""
        return await self._write(once, lambda session: insert_key(session, grant, key))

    async def list_keys(
        self, grant: Grant, *, project: str | None, limit: int, offset: int
    ) -> tuple[list[wire.ApiKey], int]:
        """Keys, newest first, and how many there are; ``project`` keeps those that reach it."""

        def work(session: Session) -> tuple[list[wire.ApiKey], int]:
            rows = session.all(_LIST, grant, project=project, limit=limit, offset=offset)
            count = session.one(_COUNT, grant, project=project)
            return [_key(row) for row in rows], 0 if count is None else int(count[0])

        return await self._listing(work)

    async def revoke_key(self, grant: Grant, public_id: str, once: Once | None) -> wire.ApiKeyRevoked | None:
        """Make a key useless; one that is so already stays as it is."""
        return await self._write(once, lambda session: revoke_key(session, grant, public_id))

    async def use_nonce(self, key_id: str, nonce: str, *, at: int, oldest: int) -> bool:
        """Whether the nonce is new; it is used from now on."""
        return await self._writer.submit(lambda session: session.use_nonce(key_id, nonce, at=at, oldest=oldest))


def insert_key(session: Session, grant: Grant, key: StoredKey) -> wire.ApiKey:
    """Store a key, in a transaction of the caller's."""
    session.run(
        _INSERT,
        grant,
        id=key.public_id,
        name=key.name,
        hash=key.hash,
        pepper_id=key.pepper_id,
        scopes=_encode(sorted(key.scopes)).decode(),
        project_id=key.default_project,
        created_at=key.created_at,
        expires_at=key.expires_at,
        signed=int(key.require_signature),
        limits=_encode(key.limits).decode(),
    )
    session.run_many(_INSERT_PROJECT, [{"id": key.public_id, "project_id": found} for found in key.projects])
    record(session, grant, "key", "created", key.public_id, project_id=key.default_project)
    created = session.one(_GET, grant, id=key.public_id)
    if created is None:
        raise RuntimeError("a key that was just written is not there")
    return _key(created)


def revoke_key(session: Session, grant: Grant, public_id: str) -> wire.ApiKeyRevoked | None:
    """Make a key useless, in a transaction of the caller's; None when there is none."""
    row = session.one(_GET, grant, id=public_id)
    if row is None:
        return None
    revoked_at: int | None = row[9]
    if revoked_at is None:
        revoked_at = session.now()
        session.run(_REVOKE, grant, id=public_id, now=revoked_at)
        record(session, grant, "key", "revoked", public_id, project_id=row[3])
    return wire.ApiKeyRevoked(id=public_id, revoked=True, revoked_at=moment(revoked_at))


def _key(row: Row) -> wire.ApiKey:
    return wire.ApiKey(
        id=row[0],
        name=row[1],
        projects=msgspec.json.decode(row[2], type=prepared(list[wire.KeyProject])),
        default_project=row[3],
        scopes=msgspec.json.decode(row[4], type=list[str]),
        require_signature=bool(row[5]),
        limits=msgspec.json.decode(row[6], type=prepared(wire.KeyLimits)),
        created_at=moment(row[7]),
        expires_at=None if row[8] is None else moment(row[8]),
        revoked_at=None if row[9] is None else moment(row[9]),
    )
