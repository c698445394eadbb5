"""Who asks: the key of a request becomes a grant, and without any key configured only this machine is answered."""

from __future__ import annotations

import ipaddress
import time
from functools import lru_cache

from msgspec import Struct
from promptops.core.errors import AuthenticationError
from promptops.server.grants import ALL_SCOPES, Grant, Scope
from promptops.server.keys import Pepper, public_id_of
from promptops.server.stores.protocol import CredentialStore, StoredKey

__all__ = ["Authenticator", "Caller", "is_loopback"]


class Caller(Struct, frozen=True):
    """Who asks: what they may do, and the key that says so (None on a server without keys)."""

    grant: Grant
    key: StoredKey | None


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether an address or a host name means this machine."""
    name = host.lower().strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


class Authenticator:
    """Turns the credentials of a request into a grant."""

    def __init__(self, store: CredentialStore, pepper: Pepper) -> None:
        self._store = store
        self._pepper = pepper

    async def identify(
        self,
        authorization: str | None,
        *,
        peer: str | None,
        host: str | None,
        origin: str | None = None,
        request_id: str | None = None,
    ) -> Caller:
        """Who sent a request.

        Args:
            authorization: The header of that name.
            peer: The address that the connection came from.
            host: The Host header; a web page must not reach an open server through a name of its own.
            origin: The Origin header; nor from a page of another machine.
            request_id: For the record of what is written.

        Raises:
            AuthenticationError: The key is missing, wrong, expired or revoked; without keys, the caller is not local.
        """
        if not await self._store.has_keys():
            return Caller(await self._open(peer, host, origin, request_id), None)
        if authorization is None:
            raise AuthenticationError("A key is needed: send it as 'Authorization: Bearer <key>'.")
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        public_id = public_id_of(text) if scheme.lower() == "bearer" else None
        stored = await self._store.find_key(public_id) if public_id is not None else None
        # An unknown key is compared too, so that it takes as long as a wrong one.
        matches = self._pepper.matches(text, None if stored is None else stored.hash)
        if stored is None or not matches or stored.revoked_at is not None or not _alive(stored.expires_at):
            raise AuthenticationError("The key is wrong, expired or revoked; make one with: promptops keys create")
        grant = Grant(
            projects=stored.projects,
            default=stored.default_project,
            scopes=frozenset(scope for scope in Scope if scope in stored.scopes),
            subject=stored.public_id,
            request_id=request_id,
        )
        return Caller(grant, stored)

    async def _open(self, peer: str | None, host: str | None, origin: str | None, request_id: str | None) -> Grant:
        local = peer is not None and is_loopback(peer) and is_loopback(_host_name(host))
        if not local or not (origin is None or is_loopback(_host_name(origin.partition("//")[2]))):
            raise AuthenticationError(
                "No keys are configured, so only this machine is answered; make one with: promptops keys create"
            )
        default = await self._store.default_project()
        return Grant(projects=(default,), default=default, scopes=ALL_SCOPES, request_id=request_id)


def _host_name(host: str | None) -> str:
    if host is None:
        return ""
    if host.startswith("["):
        return host.partition("]")[0].strip("[")
    return host.partition(":")[0]


def _alive(expires_at: int | None) -> bool:
    return expires_at is None or time.time_ns() // 1000 < expires_at
