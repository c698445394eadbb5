"""The gate: who asks, whether they ask too often, and whether a signed request is what its sender signed."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable, Mapping

from msgspec import Struct
from promptops.core.errors import AuthenticationError
from promptops.server.auth import Authenticator
from promptops.server.calls import Visit
from promptops.server.key_limits import effective
from promptops.server.rates import Limiter, Limits, Peers, kind_of_request
from promptops.server.refusals import RateLimited
from promptops.server.signatures import Presented, Signatures

__all__ = ["Gate", "Ticket", "quota_headers"]


class Ticket(Struct, frozen=True, kw_only=True):
    """A request that was let in, with the signature that is still to be checked against its body."""

    peer: str | None
    host: str
    key_id: str | None = None
    presented: Presented | None = None


class Gate:
    """Lets requests in, or says why not."""

    def __init__(
        self, authenticator: Authenticator, signatures: Signatures, limiter: Limiter, peers: Peers, limits: Limits
    ) -> None:
        self._authenticator = authenticator
        self._signatures = signatures
        self._limiter = limiter
        self._peers = peers
        self._limits = limits

    async def admit(self, visit: Visit, headers: Iterable[tuple[bytes, bytes]], *, peer: str | None) -> Ticket:
        """Everything that is known before the body is read; sets the grant and the quotas of the visit.

        Raises:
            AuthenticationError: The key or the headers of the signature are no good.
            RateLimited: The key, or a peer that keeps being wrong, asks too often.
        """
        named = dict(headers)
        host = _text(named, b"host") or ""
        authorization = _text(named, b"authorization")
        try:
            caller = await self._authenticator.identify(
                authorization,
                peer=peer,
                host=host,
                origin=_text(named, b"origin"),
                request_id=visit.request_id,
            )
            if caller.key is None:  # no keys are configured: nothing to count, nothing to sign with
                visit.grant = caller.grant
                return Ticket(peer=peer, host=host)
            presented = self._signatures.read(headers, required=caller.key.require_signature)
        except AuthenticationError:
            if authorization is not None:
                self._count_failure(peer)
            raise
        visit.grant = caller.grant
        limits = effective(self._limits, caller.key.limits)
        kind = kind_of_request(visit.method, visit.path)
        wait, visit.quotas = self._limiter.take(caller.key.public_id, limits, kind)
        if wait:
            raise _refusal(wait, "This key sends too many requests")
        return Ticket(peer=peer, host=host, key_id=caller.key.public_id, presented=presented)

    async def verify(self, visit: Visit, ticket: Ticket) -> None:
        """Check the signature, if there is one, against the whole request.

        Raises:
            AuthenticationError: It does not match, or the request was sent before.
            RateLimited: The peer keeps being wrong.
        """
        if ticket.presented is None or ticket.key_id is None:
            return
        try:
            await self._signatures.check(ticket.presented, key_id=ticket.key_id, host=ticket.host, visit=visit)
        except AuthenticationError:
            self._count_failure(ticket.peer)
            raise

    def _count_failure(self, peer: str | None) -> None:
        # Only what is wrong counts and is refused: a peer cannot lock out others who share its address.
        wait = self._peers.failed(_address(peer))
        if wait:
            raise _refusal(wait, "Too many wrong credentials came from this address")


def quota_headers(visit: Visit) -> list[tuple[bytes, bytes]]:
    """The nine headers; none without keys."""
    return [
        (f"x-ratelimit-{what}-{quota.name}".encode(), b"%d" % value)
        for quota in visit.quotas
        for what, value in (("limit", quota.limit), ("remaining", quota.remaining), ("reset", quota.reset))
    ]


def _refusal(wait: float, what: str) -> RateLimited:
    return RateLimited(f"{what}; wait {math.ceil(wait)} s.", seconds=wait)


def _address(peer: str | None) -> bytes:
    """What failures are counted by: an IPv4 address, or the /64 that an IPv6 address lies in."""
    try:
        address = ipaddress.ip_address((peer or "").partition("%")[0])
    except ValueError:
        return (peer or "").encode()
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped.packed if address.ipv4_mapped else address.packed[:8]
    return address.packed


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
