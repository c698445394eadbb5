"""The transports: one attempt of one request over connections that belong to us.

Names are loaded at first use, so that importing this package imports neither sockets, event loops nor httpx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptops.core._transport._async import AsyncTransport
    from promptops.core._transport._httpx_async import AsyncHttpxTransport
    from promptops.core._transport._httpx_sync import HttpxTransport
    from promptops.core._transport._pool import Stats
    from promptops.core._transport._sync import SyncTransport

__all__ = ["AsyncHttpxTransport", "AsyncTransport", "HttpxTransport", "Stats", "SyncTransport"]


def __getattr__(name: str) -> object:
    if name == "SyncTransport":
        from promptops.core._transport._sync import SyncTransport

        return SyncTransport
    if name == "AsyncTransport":
        from promptops.core._transport._async import AsyncTransport

        return AsyncTransport
    if name == "HttpxTransport":
        from promptops.core._transport._httpx_sync import HttpxTransport

        return HttpxTransport
    if name == "AsyncHttpxTransport":
        from promptops.core._transport._httpx_async import AsyncHttpxTransport

        return AsyncHttpxTransport
    if name == "Stats":
        from promptops.core._transport._pool import Stats

        return Stats
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
