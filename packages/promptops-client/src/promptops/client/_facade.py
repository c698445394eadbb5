"""What both clients are told."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from promptops.client._state import ClientState
from promptops.client.config import resolve

if TYPE_CHECKING:
    import ssl
    from os import PathLike

    from promptops.cache import CacheConfig
    from promptops.client.config import ClientConfig, TelemetryConfig
    from promptops.core.config import ApiKey, RuntimeConfig
    from promptops.core.runtime import Runtime

__all__ = ["Facade"]


class Facade:
    """The constructor of both clients."""

    _blocking: ClassVar[bool]

    def __init__(  # noqa: PLR0917 - the published positional order
        self,
        config: ClientConfig | str | None = None,
        base_url: str | None = None,
        api_key: ApiKey | None = None,
        timeout: float | None = None,
        cache: CacheConfig | None = None,
        telemetry: TelemetryConfig | None = None,
        *,
        project: str | None = None,
        secret_key: str | None = None,
        key_id: str | None = None,
        http_client: object | None = None,
        proxy: str | None = None,
        max_connections: int | None = None,
        http2: bool | None = None,
        verify: ssl.SSLContext | bool | None = None,
        bundle: str | PathLike[str] | None = None,
    ) -> None:
        """Make a client; nothing is sent until the first call.

        Values are taken from the keywords, then from ``config``, then from the environment (``PROMPTOPS_BASE_URL``,
        ``PROMPTOPS_API_KEY``, ``PROMPTOPS_PROJECT``, ``PROMPTOPS_SECRET_KEY``, ``PROMPTOPS_BUNDLE``), then from the
        defaults.

        Args:
            config: A configuration, or the API key alone.
            base_url: The server (``https://api.promptops.com/v1``).
            api_key: The key, or a function that returns the current one; a server on this machine works without one.
            timeout: Seconds for a whole call, retries included; by default each kind of call has its own limit.
            cache: Where prompts are kept between calls.
            telemetry: What the client reports about its own calls.
            project: The project of every call that names none.
            secret_key: Turns on request signing.
            key_id: The public id of the key that signs, when it is not inside ``api_key``.
            http_client: An ``httpx.AsyncClient`` of yours that everything goes through, or an ``httpx.Client`` for the
                blocking client; it stays open at shutdown. With the first, prompts that are older than their ttl are
                asked for by their readers, not in the background.
            proxy: URL of a proxy.
            max_connections: Most connections open at once (20).
            http2: Whether to speak HTTP/2.
            verify: The TLS context that decides which certificates are trusted.
            bundle: A file of prompts that is served from when the server cannot be asked and nothing is at hand.

        Raises:
            ConfigurationError: A value is unusable, two values contradict each other, or a key is needed and missing.
        """
        keywords: dict[str, Any] = {
            "base_url": base_url,
            "api_key": api_key,
            "timeout": timeout,
            "cache": cache,
            "telemetry": telemetry,
            "project": project,
            "secret_key": secret_key,
            "key_id": key_id,
            "proxy": proxy,
            "max_connections": max_connections,
            "http2": http2,
            "verify": verify,
            "bundle": bundle,
        }
        state = ClientState(
            resolve(config, keywords), self._make_runtime, blocking=self._blocking, http_client=http_client
        )
        self._begin(state)

    @staticmethod
    @abstractmethod
    def _make_runtime(config: RuntimeConfig) -> Runtime:
        """What sends the requests of this kind of client."""

    @abstractmethod
    def _begin(self, state: ClientState) -> None:
        """Take what everything is made of."""
