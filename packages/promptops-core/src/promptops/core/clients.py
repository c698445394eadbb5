"""Choose the transport of a runtime: ours, the caller's own client, or httpx for proxies and HTTP/2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promptops.core.config import Origin, RuntimeConfig
from promptops.core.errors import ConfigurationError
from promptops.core.redact import redact
from promptops.core.transport import Transport

if TYPE_CHECKING:
    import ssl

__all__ = ["async_transport", "blocking_transport"]


def blocking_transport(config: RuntimeConfig, origin: Origin) -> Transport:
    """A transport whose coroutines never suspend.

    Raises:
        ConfigurationError: ``http_client`` is not an ``httpx.Client``, or proxy or HTTP/2 support is not installed.
    """
    if not config.needs_httpx:
        from promptops.core._transport import SyncTransport

        return SyncTransport(origin.url, max_connections=config.max_connections, ssl_context=_context(config))
    import httpx
    from promptops.core._transport import HttpxTransport

    given = config.http_client
    if given is None:
        return HttpxTransport(_made(httpx.Client, config), origin.url, owned=True)
    if not isinstance(given, httpx.Client):
        raise ConfigurationError(f"A blocking client needs an httpx.Client as http_client, not {type(given).__name__}.")
    return HttpxTransport(given, origin.url)


def async_transport(config: RuntimeConfig, origin: Origin) -> Transport:
    """A transport for event loops.

    Raises:
        ConfigurationError: ``http_client`` is not an ``httpx.AsyncClient``, or proxy or HTTP/2 support is missing.
    """
    if not config.needs_httpx:
        from promptops.core._transport import AsyncTransport

        return AsyncTransport(origin.url, max_connections=config.max_connections, ssl_context=_context(config))
    import httpx
    from promptops.core._transport import AsyncHttpxTransport

    given = config.http_client
    if given is None:
        return AsyncHttpxTransport(_made(httpx.AsyncClient, config), origin.url, owned=True)
    if not isinstance(given, httpx.AsyncClient):
        raise ConfigurationError(
            f"An async client needs an httpx.AsyncClient as http_client, not {type(given).__name__}."
        )
    return AsyncHttpxTransport(given, origin.url)


def _context(config: RuntimeConfig) -> ssl.SSLContext | None:
    return None if isinstance(config.verify, bool) else config.verify


def _made(kind: Any, config: RuntimeConfig) -> Any:
    import httpx

    limits = httpx.Limits(
        max_connections=config.max_connections, max_keepalive_connections=config.max_connections, keepalive_expiry=15.0
    )
    try:
        return kind(
            proxy=config.proxy,
            http2=config.http2,
            verify=True if isinstance(config.verify, bool) else config.verify,
            limits=limits,
            trust_env=False,
        )
    except ImportError as exc:
        extra = "http2" if config.http2 else "socks"
        raise ConfigurationError(f"This needs another package; pip install 'httpx[{extra}]'.") from exc
    except ValueError as exc:
        raise ConfigurationError(f"proxy cannot be used: {redact(str(exc))}.") from exc
