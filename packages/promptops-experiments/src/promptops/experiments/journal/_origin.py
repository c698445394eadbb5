"""Says which server an address stands for, so that experiments of several servers can lie in one journal."""

from __future__ import annotations

import msgspec

__all__ = ["origin_of"]


def origin_of(base_url: str | None) -> str:
    """Return the address of a server as journals hold it; empty when there is none.

    The names of this machine count as one, because they lead to the same server.

    Raises:
        ConfigurationError: It is not a usable address, or it carries credentials.
    """
    if not base_url:
        return ""
    from promptops.core.config import LOOPBACK, parse_base_url

    parsed = parse_base_url(base_url)
    if parsed.host in LOOPBACK:
        parsed = msgspec.structs.replace(parsed, host="localhost")
    return parsed.url + parsed.prefix
