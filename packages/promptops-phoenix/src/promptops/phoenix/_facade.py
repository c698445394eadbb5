"""What both clients of a Phoenix server are told, and what they know of the server."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from promptops.phoenix._state import ClientState

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from promptops.cache import CacheConfig
    from promptops.core.config import ApiKey, RuntimeConfig
    from promptops.core.runtime import Runtime
    from promptops.phoenix._stores import PhoenixStores

__all__ = ["Facade"]


class Facade:
    """The constructor of both clients, and what needs no waiting."""

    _blocking: ClassVar[bool]

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: ApiKey | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        max_connections: int | None = None,
        http_client: object | None = None,
        proxy: str | None = None,
        verify: bool | ssl.SSLContext | None = None,
        cache: CacheConfig | None = None,
    ) -> None:
        """Make a client; nothing is sent until the first call.

        What is not given is taken from the environment, then from a ``.env.phoenix`` file in the working directory or
        above it: the address from ``PHOENIX_ENDPOINT``, ``PHOENIX_COLLECTOR_ENDPOINT``,
        ``OTEL_EXPORTER_OTLP_ENDPOINT``, ``PHOENIX_BASE_URL`` or ``PHOENIX_HOST`` with ``PHOENIX_PORT``
        (``http://127.0.0.1:6006`` by default), the credentials from ``PHOENIX_API_KEY`` and
        ``PHOENIX_CLIENT_HEADERS``.

        Args:
            base_url: The server, with the path it has behind a proxy (``https://example.org/phoenix``).
            api_key: The key, or a function that returns the current one; it wins over every ``authorization`` header.
            headers: Headers of every request.
            timeout: Seconds for a whole call, retries included; by default each kind of call has its own limit.
            max_connections: Most connections open at once (20).
            http_client: An ``httpx.AsyncClient`` of yours that everything goes through, or an ``httpx.Client`` for the
                blocking client; it stays open when this is closed.
            proxy: URL of a proxy.
            verify: True, or the ``ssl.SSLContext`` that decides which certificates are trusted.
            cache: Where prompts are kept between calls; in memory by default.

        Raises:
            ConfigurationError: A value is unusable, wherever it came from.
        """
        self._state = ClientState(
            self._make_runtime,
            blocking=self._blocking,
            base_url=base_url,
            api_key=api_key,
            headers=headers,
            timeout=timeout,
            max_connections=max_connections,
            http_client=http_client,
            proxy=proxy,
            verify=verify,
            cache=cache,
        )

    @staticmethod
    @abstractmethod
    def _make_runtime(config: RuntimeConfig) -> Runtime:
        """What sends the requests of this kind of client."""

    @property
    def stores(self) -> PhoenixStores:
        """The ports of this server, for code that works over any store; those of a blocking client never suspend."""
        return self._state.stores()

    @property
    def server_version(self) -> str | None:
        """The version that the last answer named (``20.26.1``); None before the first one. Sends nothing."""
        return self._state.version.known

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._state.config.base_url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._state.describe()})"
