"""The client for async code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from promptops.client._calls import AsyncCalls
from promptops.client._state import ClientState
from promptops.client.config import resolve

if TYPE_CHECKING:
    import ssl
    from os import PathLike
    from types import TracebackType

    from promptops.cache import CacheConfig
    from promptops.client.config import ClientConfig, TelemetryConfig
    from promptops.core.config import ApiKey, RuntimeConfig
    from promptops.core.runtime import Runtime
    from promptops.experiments import AsyncDatasets, AsyncExperiments
    from promptops.prompts import AsyncModels, AsyncPrompts

__all__ = ["PromptOpsClient"]


class PromptOpsClient(AsyncCalls):
    """Prompts, datasets and experiments of a PromptOps server, for async code.

    Use it as a context manager, or call :meth:`shutdown` when done. Nothing is sent until the first call; that call
    also initialises the client. One client serves any number of tasks.

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
        http_client: An ``httpx.AsyncClient`` of yours that everything goes through; it stays open at shutdown. Prompts
            that are older than their ttl are then asked for by their readers, not in the background.
        proxy: URL of a proxy.
        max_connections: Most connections open at once (20).
        http2: Whether to speak HTTP/2.
        verify: The TLS context that decides which certificates are trusted.
        bundle: A file of prompts that is served from when the server cannot be asked and nothing is at hand.

    Raises:
        ConfigurationError: A value is unusable, two values contradict each other, or a key is needed and missing.
    """

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
        super().__init__(ClientState(resolve(config, keywords), _make_runtime, blocking=False, http_client=http_client))

    @property
    def prompts(self) -> AsyncPrompts:
        """Prompts: get, render, list, create, update, roll back, delete; labels, history and differences."""
        made: AsyncPrompts | None = self._state.made("prompts")
        return made if made is not None else self._state.prompts()

    @property
    def models(self) -> AsyncModels:
        """Models: list, and check which prompts suit them."""
        return self._state.models()

    @property
    def datasets(self) -> AsyncDatasets:
        """Datasets and their examples."""
        return self._state.datasets()

    @property
    def experiments(self) -> AsyncExperiments:
        """Experiments: run, create, list, get, delete, runs, compare."""
        return self._state.experiments()

    async def initialize(self) -> None:
        """Prepare the client; the first call does it too. Sends nothing, and the second time does nothing.

        Raises:
            ConfigurationError: The client was shut down.
        """
        self._state.open()

    async def shutdown(self) -> None:
        """Send what telemetry holds (for at most 5 seconds), then close every connection.

        The second time does nothing. Every later call raises ``ConfigurationError``.
        """
        await self._state.close()

    async def close(self) -> None:
        """Same as :meth:`shutdown`."""
        await self._state.close()

    async def aclose(self) -> None:
        """Same as :meth:`shutdown`."""
        await self._state.close()

    async def __aenter__(self) -> Self:
        self._state.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._state.close()

    def __repr__(self) -> str:
        return f"PromptOpsClient({self._state.describe()})"


def _make_runtime(config: RuntimeConfig) -> Runtime:
    from promptops.core.async_runtime import AsyncRuntime

    return AsyncRuntime(config)
