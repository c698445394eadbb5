"""Whether a client, and what it stands on, works."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
from promptops.core.errors import PromptOpsError

if TYPE_CHECKING:
    from promptops.client._state import ClientState
    from promptops.core.messages import Request

__all__ = ["HealthState", "HealthStatus", "check_health"]

HealthState: TypeAlias = Literal["healthy", "degraded", "unhealthy"]

_SECONDS: Final = 5.0


class HealthStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a client and what it stands on are.

    Attributes:
        status: ``healthy``; ``degraded`` when the server works and something beside it does not; ``unhealthy`` when
            the server cannot be used: it is away, it fails, or it refuses the key.
        timestamp: When it was looked at, in UTC.
        dependencies: ``api``, ``cache`` and ``telemetry``: each ``{"status", "latency_ms", "detail"}``. ``api`` has
            what the server says of itself under ``server``.
        errors: One line for each thing that is wrong.
    """

    status: HealthState
    timestamp: datetime
    dependencies: dict[str, dict[str, Any]]
    errors: list[str]


async def check_health(state: ClientState) -> HealthStatus:
    """Ask the server, and look at the cache and at telemetry; never raises."""
    found = {"api": await _api(state), "cache": _cache(state), "telemetry": _telemetry(state)}
    errors = [f"{name}: {item['detail']}" for name, item in found.items() if item["status"] != "healthy"]
    status: HealthState = "healthy"
    if found["api"]["status"] == "unhealthy":
        status = "unhealthy"
    elif errors:
        status = "degraded"
    return HealthStatus(status=status, timestamp=datetime.now(UTC), dependencies=found, errors=errors)


async def _api(state: ClientState) -> dict[str, Any]:
    from promptops.core.codec import decode_response
    from promptops.models import Health, enveloped

    started = perf_counter()
    try:
        runtime = state.open()
        health = decode_response(await runtime.send(_request("GET", "/v1/client/health")), enveloped(Health))
        latency = _since(started)
        await _try_key(state)
    except Exception as exc:  # noqa: BLE001 - whatever is wrong is the answer
        detail = str(exc) if isinstance(exc, PromptOpsError) else f"{type(exc).__name__}: {exc}"
        return _item("unhealthy", detail, _since(started))
    said: HealthState = "healthy" if health.status == "healthy" else "degraded"
    detail = (
        f"version {health.version or 'unknown'}" if said == "healthy" else f"the server says that it is {health.status}"
    )
    return {**_item(said, detail, latency), "server": msgspec.to_builtins(health)}


async def _try_key(state: ClientState) -> None:
    """Whether the key is accepted; the route of the server's health answers anybody."""
    await state.open().send(_request("POST", "/v1/client/auth/validate"))


def _cache(state: ClientState) -> dict[str, Any]:
    try:
        stats = state.cache_stats()
    except Exception as exc:  # noqa: BLE001 - whatever is wrong is the answer
        return _item("degraded", f"{type(exc).__name__}: {exc}", None)
    return _item("healthy", f"{stats.level}: {stats.size} of at most {stats.max_size} entries", 0.0)


def _telemetry(state: ClientState) -> dict[str, Any]:
    try:
        summary = state.reports.summary()
    except Exception as exc:  # noqa: BLE001 - whatever is wrong is the answer
        return _item("degraded", f"{type(exc).__name__}: {exc}", None)
    if summary.enabled and summary.last_error is not None:
        return _item("degraded", f"the last batch did not arrive: {summary.last_error}", None)
    pending = f"{summary.pending_events} events pending"
    return _item("healthy", pending if summary.enabled else f"disabled, {pending}", None)


def _request(method: str, path: str) -> Request:
    from promptops.core.messages import READ, Request

    profile = msgspec.structs.replace(READ, name="health", attempts=1)
    return Request(method=method, path=path, profile=profile, timeout=_SECONDS)


def _item(status: HealthState, detail: str, latency_ms: float | None) -> dict[str, Any]:
    return {"status": status, "latency_ms": latency_ms, "detail": detail}


def _since(started: float) -> float:
    return round((perf_counter() - started) * 1000.0, 3)
