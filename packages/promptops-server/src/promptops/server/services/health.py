"""Whether the server and what it stands on work."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from promptops.core.log import log
from promptops.server import wire
from promptops.server._version import __version__
from promptops.server.stores.protocol import Store

__all__ = ["HealthService"]


class HealthService:
    """Asks the database something and says how long it took.

    Args:
        store: Whose database is asked; without it the server is unhealthy.
        problems: By name, what is wrong with things that the server can do without for a while (empty: nothing).
    """

    def __init__(self, store: Store, problems: Mapping[str, Callable[[], str]]) -> None:
        self._store = store
        self._problems = problems

    async def check(self, *, with_version: bool) -> wire.Health:
        """Health; versions and what is wrong are told only to callers with a key."""
        dependencies = {"database": await self._database(with_version)}
        for name, problem_of in self._problems.items():
            problem = problem_of()
            dependencies[name] = wire.Dependency(
                status="degraded" if problem else "healthy", latency_ms=None, detail=problem if with_version else ""
            )
        found = {dependency.status for dependency in dependencies.values()}
        return wire.Health(
            status=next((status for status in ("unhealthy", "degraded") if status in found), "healthy"),
            version=__version__ if with_version else "",
            timestamp=datetime.now(UTC),
            dependencies=dependencies,
        )

    async def _database(self, with_version: bool) -> wire.Dependency:
        started = time.perf_counter()
        detail = ""
        try:
            facts = await self._store.ping()
            if with_version:
                detail = " ".join(f"{name}={value}" for name, value in facts.items())
        except sqlite3.Error as error:
            log().error("health_check_failed", exc_info=error)
            return wire.Dependency(
                status="unhealthy", latency_ms=_since(started), detail="the database does not answer"
            )
        return wire.Dependency(status="healthy", latency_ms=_since(started), detail=detail)


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
