"""Reads the URL of a Redis server, and keeps its password out of everything that people see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

import redis.connection
from promptops.cache import CacheMisconfigured

__all__ = ["Address", "parse"]

# redis-py does not annotate it.
_parse_url: Final = cast("Callable[[str], dict[str, Any]]", getattr(redis.connection, "parse_url"))  # noqa: B009
_SCHEMES: Final = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
    "redis+unix": "unix",
}


class Address:
    """Where a server is, and what a connection to it needs.

    Attributes:
        scheme: ``redis``, ``rediss`` (TLS) or ``unix``.
        shown: For messages and logs: without user, password and options.
        options: Arguments of a connection of redis-py.
    """

    __slots__ = ("options", "scheme", "shown")

    def __init__(self, scheme: str, shown: str, options: Mapping[str, Any]) -> None:
        self.scheme = scheme
        self.shown = shown
        self.options = dict(options)

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"


def parse(url: str) -> Address:
    """The address that a URL names.

    Raises:
        CacheMisconfigured: It is no URL of a Redis server; the message does not repeat it, for it may hold a password.
    """
    given, found, rest = url.partition("://")
    scheme = _SCHEMES.get(given)
    if not found or scheme is None:
        raise CacheMisconfigured(f"a Redis URL starts with one of {', '.join(f'{name}://' for name in _SCHEMES)}")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
        options = _parse_url(f"{scheme}://{rest}")
    except ValueError:
        # What these say may repeat parts of the URL.
        raise CacheMisconfigured(
            "the Redis URL cannot be read; it looks like redis://user:password@host:6379/0"
        ) from None
    options.pop("connection_class", None)
    options.pop("max_connections", None)
    if scheme == "unix":
        if not options.get("path"):
            raise CacheMisconfigured("the Redis URL names no socket; it looks like unix:///run/redis.sock")
        return Address(scheme, f"unix://{options['path']}", options)
    options.setdefault("host", "localhost")
    host = f"[{options['host']}]" if ":" in options["host"] else options["host"]
    return Address(scheme, f"{scheme}://{host}:{port or 6379}/{options.get('db', 0)}", options)
