"""Changes to the configuration of a running client: what was asked for, merged with what holds, and shown masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from promptops.client.config import (
    DEFAULT_MAX_CONNECTIONS,
    CacheConfig,
    ClientConfig,
    TelemetryConfig,
    check_types,
)
from promptops.core.config import DEFAULT_BASE_URL, DEFAULT_USER_AGENT
from promptops.core.errors import ConfigurationError
from promptops.core.redact import mask, redact

__all__ = ["CEILING", "merged", "shown"]

CEILING: Final = 30.0
"""Seconds that ``get_config().timeout`` shows when none was said: each kind of call then has its own limit."""
_SECRETS: Final = ("api_key", "secret_key")
_FIXED: Final = frozenset({"read_environment"})


def merged(settings: ClientConfig, changes: Mapping[str, Any] | ClientConfig) -> ClientConfig:
    """The settings with changes in them.

    In a mapping None takes a value back to its default; in a ``ClientConfig`` None leaves it as it is, as does a value
    that :func:`shown` shows, so that what ``get_config()`` returned may be handed back. A masked key is no key.

    Raises:
        ConfigurationError: A name is unknown, or a value has a type that it cannot have; nothing was changed.
    """
    given = _given(settings, changes)
    known = tuple(name for name in settings.__struct_fields__ if name not in _FIXED)
    if unknown := [str(name) for name in given if name not in known]:
        names = ", ".join(repr(redact(name)[:80]) for name in unknown)
        raise ConfigurationError(f"config: {names} is unknown; known are {', '.join(known)}.")
    for name in _SECRETS:
        if name in given and given[name] == mask(""):
            del given[name]
    if "base_url" in given and given["base_url"] is None:
        given["base_url"] = DEFAULT_BASE_URL
    if "max_connections" in given and given["max_connections"] is None:
        given["max_connections"] = DEFAULT_MAX_CONNECTIONS
    return check_types(msgspec.structs.replace(settings, **given))


def shown(settings: ClientConfig, *, telemetry: TelemetryConfig) -> ClientConfig:
    """The settings as they hold now, with every default written out and every secret masked."""
    return msgspec.structs.replace(
        settings,
        api_key=None if settings.api_key is None else mask("set"),
        secret_key=mask(settings.secret_key),
        proxy=None if settings.proxy is None else redact(settings.proxy),
        timeout=CEILING if settings.timeout is None else settings.timeout,
        http2=bool(settings.http2),
        verify=True if settings.verify is None else settings.verify,
        cache=CacheConfig() if settings.cache is None else settings.cache,
        telemetry=telemetry,
        user_agent=DEFAULT_USER_AGENT if settings.user_agent is None else settings.user_agent,
    )


def _given(settings: ClientConfig, changes: object) -> dict[Any, Any]:
    if isinstance(changes, ClientConfig):
        holds = shown(settings, telemetry=settings.telemetry or TelemetryConfig())
        return {
            name: value
            for name in changes.__struct_fields__
            if name not in _FIXED and (value := getattr(changes, name)) is not None and value != getattr(holds, name)
        }
    if isinstance(changes, Mapping):
        return dict(changes)  # pyright: ignore[reportUnknownArgumentType] - the caller's, looked at below
    raise ConfigurationError(f"config must be a dict or a ClientConfig, not {type(changes).__name__}.")
