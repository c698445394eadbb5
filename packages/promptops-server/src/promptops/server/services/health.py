"""Whether the server and what it stands on work."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime

from promptops.core.log import log
from promptops.server import wire
from promptops.server._version import __version__
from promptops.server.stores.protocol import Store

__all__ = ["HealthService"]


class HealthService:
    """Asks the database something and says how long it took."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def check(self, *, with_version: bool) -> wire.Health:
        """Health; versions are told only to callers with a key."""
        started = time.perf_counter()
        status, detail = "healthy", ""
        try:
            facts = await self._store.ping()
            if with_version:
                detail = " ".join(f"{name}={value}" for name, value in facts.items())
        except sqlite3.Error as error:
            log().error("health_check_failed", exc_info=error)
            status, detail = "unhealthy", "the database does not answer"
        latency = round((time.perf_counter() - started) * 1000, 3)
        return wire.Health(
            status=status,
            version=__version__ if with_version else "",
            timestamp=datetime.now(UTC),
            dependencies={"database": {"status": status, "latency_ms": latency, "detail": detail}},
        )
