"""The client of a Phoenix server, for asynchronous code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from promptops.phoenix import _resources
from promptops.phoenix._state import ClientState, PhoenixHealth

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from types import TracebackType

    from promptops.cache import CacheConfig
    from promptops.core.config import ApiKey, RuntimeConfig
    from promptops.core.runtime import Runtime
    from promptops.phoenix._stores import PhoenixStores
    from promptops.phoenix.datasets._resource import AsyncPhoenixDatasets
    from promptops.phoenix.experiments._resource import AsyncPhoenixExperiments
    from promptops.phoenix.prompts._resource import AsyncPhoenixPrompts
    from promptops.phoenix.tracing._annotations import AsyncAnnotations
    from promptops.phoenix.tracing._projects import AsyncProjects
    from promptops.phoenix.tracing._sessions import AsyncSessions
    from promptops.phoenix.tracing._spans import AsyncSpans
    from promptops.phoenix.tracing._traces import AsyncTraces

__all__ = ["PhoenixClient"]


class PhoenixClient:
    """Prompts, datasets, experiments, traces and annotations of a Phoenix server.

    Use it as a context manager, or call :meth:`aclose` when done. Nothing is sent until the first call. One
    client serves any number of tasks.

    What is not given is taken from the environment, then from a ``.env.phoenix`` file in the working directory or above
    it: the address from ``PHOENIX_ENDPOINT``, ``PHOENIX_COLLECTOR_ENDPOINT``, ``OTEL_EXPORTER_OTLP_ENDPOINT`` or
    ``PHOENIX_HOST`` with ``PHOENIX_PORT`` (``http://127.0.0.1:6006`` by default), the credentials from
    ``PHOENIX_API_KEY`` and ``PHOENIX_CLIENT_HEADERS``.

    Args:
        base_url: The server, with the path it has behind a proxy (``https://example.org/phoenix``).
        api_key: The key, or a function that returns the current one; it wins over every ``authorization`` header.
        headers: Headers of every request.
        timeout: Seconds for a whole call, retries included; by default each kind of call has its own limit.
        max_connections: Most connections open at once (20).
        http_client: An ``httpx.AsyncClient`` of yours that everything goes through; it stays open when this is closed.
        proxy: URL of a proxy.
        verify: The TLS context that decides which certificates are trusted.
        cache: Where prompts are kept between calls.

    Raises:
        ConfigurationError: A value is unusable, wherever it came from.
    """

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
        self._state = ClientState(
            _make_runtime,
            blocking=False,
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

    @property
    def prompts(self) -> AsyncPhoenixPrompts:
        """Prompts: get, render, list, create, versions, tags, update, delete."""
        return self._state.resource("prompts", _resources.make_prompts)

    @property
    def datasets(self) -> AsyncPhoenixDatasets:
        """Datasets: their examples, versions, splits and labels."""
        return self._state.resource("datasets", _resources.make_datasets)

    @property
    def experiments(self) -> AsyncPhoenixExperiments:
        """Experiments: run, resume, list, get, runs, evaluations, delete."""
        return self._state.resource("experiments", _resources.make_experiments)

    @property
    def projects(self) -> AsyncProjects:
        """Projects: what spans, traces and sessions belong to."""
        return self._state.resource("projects", _resources.make_projects)

    @property
    def spans(self) -> AsyncSpans:
        """Spans: query, log, delete."""
        return self._state.resource("spans", _resources.make_spans)

    @property
    def traces(self) -> AsyncTraces:
        """Traces: query, delete."""
        return self._state.resource("traces", _resources.make_traces)

    @property
    def sessions(self) -> AsyncSessions:
        """Sessions: list, get, delete."""
        return self._state.resource("sessions", _resources.make_sessions)

    @property
    def annotations(self) -> AsyncAnnotations:
        """Annotations and notes on spans, traces, sessions and documents."""
        return self._state.resource("annotations", _resources.make_annotations)

    @property
    def stores(self) -> PhoenixStores:
        """The ports of this server, for code that works over any store."""
        return self._state.stores()

    @property
    def server_version(self) -> str | None:
        """The version that the last answer named (``20.26.1``); None before the first one. Sends nothing."""
        return self._state.version.known

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._state.config.base_url

    async def health(self) -> PhoenixHealth:
        """Ask the server whether it is ready, and which version it is.

        Raises:
            PromptOpsError: Nothing answered, or something that is not a Phoenix server.
        """
        return await self._state.health()

    async def aclose(self) -> None:
        """Close every connection; the second time does nothing. Later calls raise ``ConfigurationError``."""
        await self._state.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"PhoenixClient({self._state.describe()})"


def _make_runtime(config: RuntimeConfig) -> Runtime:
    from promptops.core.async_runtime import AsyncRuntime

    return AsyncRuntime(config)
