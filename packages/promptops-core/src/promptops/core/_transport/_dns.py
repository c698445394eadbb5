"""Names to addresses: literal addresses at once, names by a call that blocks."""

from __future__ import annotations

import socket
from typing import NamedTuple

__all__ = ["Address", "literal", "look_up", "share_of_time"]


class Address(NamedTuple):
    """One place to connect to."""

    family: int
    sockaddr: tuple[str | int, ...]


def literal(host: str, port: int) -> list[Address] | None:
    """The address, when ``host`` is one already; None when it is a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return [Address(family, (host, port) if family == socket.AF_INET else (host, port, 0, 0))]
    return None


def look_up(host: str, port: int) -> list[Address]:
    """All addresses of a name, the preferred first; blocks for as long as the system's resolver does.

    Raises:
        OSError: There is no such name, or it cannot be asked for.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as exc:
        raise OSError(f"{host!r} is not a host name: {exc}") from exc
    addresses = (
        Address(int(family), tuple(part for part in sockaddr if not isinstance(part, bytes)))
        for family, _, _, _, sockaddr in found
    )
    return list(dict.fromkeys(addresses))


def share_of_time(left: float, addresses_left: int) -> float:
    """Seconds that the next address may take, so that a silent one leaves time for those after it."""
    return left / addresses_left if addresses_left > 1 else left
