"""The rules of keys: a key makes no key that may do more than itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from promptops.core.errors import AuthorizationError, NotFoundError
from promptops.server import wire
from promptops.server.grants import Grant, Scope
from promptops.server.idempotency import InFlight, Once
from promptops.server.key_limits import effective, exceeds, inherited
from promptops.server.keys import Pepper, new_key
from promptops.server.queries import ApiKeyListQuery
from promptops.server.rates import Limits
from promptops.server.refusals import invalid
from promptops.server.services.projects import Projects
from promptops.server.stores.protocol import KeyStore, ProjectStore, StoredKey

__all__ = ["DEFAULT_SCOPES", "KeyService"]

DEFAULT_SCOPES = (Scope.PROMPTS_READ, Scope.TELEMETRY)


class _Store(KeyStore, ProjectStore, Protocol):
    """What this service needs."""


class KeyService:
    """Makes, lists and revokes keys, and tells what one is good for."""

    def __init__(self, store: _Store, projects: Projects, in_flight: InFlight, pepper: Pepper, limits: Limits) -> None:
        self._store = store
        self._projects = projects
        self._in_flight = in_flight
        self._pepper = pepper
        self._limits = limits

    async def create(self, grant: Grant, body: wire.ApiKeyCreate, *, once: Once | None) -> wire.ApiKeyCreated:
        """Make a key within the caller's rights.

        Raises:
            NotFoundError: A project is not one of the caller's.
            AuthorizationError: The key could do more than the caller's, or the server has no key yet.
            ValidationError: The name is blank, or it would expire at once.
        """
        parent = await self._own(grant)
        if parent is None:
            raise AuthorizationError(
                "The first key is made on the machine of the server: promptops keys create --name NAME --scope admin"
            )
        if not body.name.strip():
            raise invalid("name", "must not be blank")
        wanted = body.projects or [grant.default]
        found = [(await self._projects.within(grant, selector)).default for selector in wanted]
        scopes = [Scope(scope) for scope in body.scopes] if body.scopes is not None else list(DEFAULT_SCOPES)
        for scope in scopes:
            if not grant.allows(scope):
                raise AuthorizationError(f"scopes: this key lacks '{scope}', so it cannot grant it.")
        issued = new_key()
        key = StoredKey(
            public_id=issued.public_id,
            name=body.name,
            hash=self._pepper.hash(issued.text),
            pepper_id=self._pepper.id,
            scopes=tuple(sorted(set(scopes))),
            default_project=found[0],
            projects=tuple(dict.fromkeys(found)),
            created_at=time.time_ns() // 1000,
            expires_at=_expiry(parent, body.expires_at),
            revoked_at=None,
            require_signature=_signed(parent, body.require_signature),
            limits=self._allowed(parent, body.limits),
        )
        with self._in_flight.claim(once):
            created = await self._store.insert_key(grant, key, once)
        return wire.ApiKeyCreated(
            key=created, api_key=issued.text, secret_key=self._pepper.signing_secret(issued.public_id)
        )

    async def list(self, grant: Grant, query: ApiKeyListQuery) -> wire.ApiKeyList:
        """A page of the keys whose projects the caller holds all of."""
        project = None
        if query.project_id is not None:
            project = (await self._projects.within(grant, query.project_id)).default
        offset = query.offset if query.offset is not None else query.skip or 0
        keys, total = await self._store.list_keys(grant, project=project, limit=query.limit, offset=offset)
        more = offset + len(keys) < total
        return wire.ApiKeyList(keys=keys, total=total, limit=query.limit, offset=offset, has_more=more)

    async def revoke(self, grant: Grant, public_id: str, *, once: Once | None) -> wire.ApiKeyRevoked:
        """Make a key useless, at once and for good; one that is so already stays so.

        Raises:
            NotFoundError: There is no such key among those that the caller sees.
        """
        with self._in_flight.claim(once):
            revoked = await self._store.revoke_key(grant, public_id, once)
        if revoked is None:
            raise NotFoundError(f"There is no key '{public_id}' among those that this key may revoke.")
        return revoked

    async def validity(self, grant: Grant) -> wire.ApiKeyValidity:
        """What the key of a request is good for; that it is valid was checked before."""
        key = await self._own(grant)
        spaces = await self._store.list_projects(grant, name=None, limit=len(grant.projects), after=None)
        return wire.ApiKeyValidity(
            valid=True,
            key_id=grant.subject,
            name=None if key is None else key.name,
            projects=[wire.KeyProject(id=space.id, name=space.name) for space in spaces],
            default_project=grant.default,
            scopes=sorted(grant.scopes),
            require_signature=key is not None and key.require_signature,
            expires_at=None if key is None or key.expires_at is None else _moment(key.expires_at),
        )

    async def _own(self, grant: Grant) -> StoredKey | None:
        return None if grant.subject is None else await self._store.find_key(grant.subject)

    def _allowed(self, parent: StoredKey, wanted: wire.KeyLimits) -> wire.KeyLimits:
        limits = inherited(parent.limits, wanted)
        above = exceeds(effective(self._limits, limits), effective(self._limits, parent.limits))
        if above is not None:
            raise AuthorizationError(f"limits.{above}: higher than that of this key; it cannot grant more than it has.")
        return limits


def _expiry(parent: StoredKey, wanted: datetime | None) -> int | None:
    if wanted is None:
        return parent.expires_at
    expires = int(wanted.timestamp() * 1_000_000)
    if expires <= time.time_ns() // 1000:
        raise invalid("expires_at", "must lie in the future")
    if parent.expires_at is not None and expires > parent.expires_at:
        raise AuthorizationError("expires_at: later than that of this key; it cannot grant more than it has.")
    return expires


def _signed(parent: StoredKey, wanted: bool | None) -> bool:
    if wanted is False and parent.require_signature:
        raise AuthorizationError("require_signature: this key takes signed requests only, and so do keys it makes.")
    return parent.require_signature if wanted is None else wanted


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
