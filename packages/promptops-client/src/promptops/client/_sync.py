"""The client for blocking code: the same surface, bridged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from promptops.client._calls import AsyncCalls, SyncCalls
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
    from promptops.experiments import SyncDatasets, SyncExperiments
    from promptops.prompts import SyncModels, SyncPrompts

__all__ = ["SyncPromptOpsClient"]


class SyncPromptOpsClient(SyncCalls):
    """Prompts, datasets and experiments of a PromptOps server, for blocking code.

    Use it as a context manager, or call :meth:`shutdown` when done. Nothing is sent until the first call; that call
    also initialises the client. One client serves any number of threads.

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
        http_client: An ``httpx.Client`` of yours that everything goes through; it stays open at shutdown.
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
        self._state = ClientState(resolve(config, keywords), _make_runtime, blocking=True, http_client=http_client)
        super().__init__(AsyncCalls(self._state))

    @property
    def prompts(self) -> SyncPrompts:
        """Prompts: get, render, list, create, update, roll back, delete; labels, history and differences."""
        made: SyncPrompts | None = self._state.made("sync prompts")
        return made if made is not None else self._state.view("prompts", _sync_prompts)

    @property
    def models(self) -> SyncModels:
        """Models: list, and check which prompts suit them."""
        return self._state.view("models", _sync_models)

    @property
    def datasets(self) -> SyncDatasets:
        """Datasets and their examples."""
        return self._state.view("datasets", _sync_datasets)

    @property
    def experiments(self) -> SyncExperiments:
        """Experiments: run, create, list, get, delete, runs, compare."""
        return self._state.view("experiments", _sync_experiments)

    def initialize(self) -> None:
        """Prepare the client; the first call does it too. Sends nothing, and the second time does nothing.

        Raises:
            ConfigurationError: The client was shut down.
        """
        self._state.open()

    def shutdown(self) -> None:
        """Send what telemetry holds (for at most 5 seconds), then close every connection.

        The second time does nothing. Every later call raises ``ConfigurationError``.
        """
        from promptops.core.bridge import drive

        drive(self._state.close())

    def close(self) -> None:
        """Same as :meth:`shutdown`."""
        self.shutdown()

    def __enter__(self) -> Self:
        self._state.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()

    def __repr__(self) -> str:
        return f"SyncPromptOpsClient({self._state.describe()})"


def _make_runtime(config: RuntimeConfig) -> Runtime:
    from promptops.core.sync_runtime import SyncRuntime

    return SyncRuntime(config)


def _sync_prompts(state: ClientState) -> SyncPrompts:
    from promptops.prompts import SyncPrompts

    return SyncPrompts(state.prompts())


def _sync_models(state: ClientState) -> SyncModels:
    from promptops.prompts import SyncModels

    return SyncModels(state.models())


def _sync_datasets(state: ClientState) -> SyncDatasets:
    from promptops.experiments import SyncDatasets

    return SyncDatasets(state.datasets())


def _sync_experiments(state: ClientState) -> SyncExperiments:
    from promptops.experiments import SyncExperiments

    return SyncExperiments(state.experiments())
