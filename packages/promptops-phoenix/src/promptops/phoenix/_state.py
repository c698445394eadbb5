"""What a Phoenix client owns: its settings, one runtime, and the resources over it, made at first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec
from promptops.core.config import ApiKey, RuntimeConfig, ServerNames
from promptops.core.errors import ServerError
from promptops.core.messages import READ, Request
from promptops.phoenix._answers import missing, refuse_html
from promptops.phoenix._config import resolve
from promptops.phoenix._runtime import PhoenixRuntime

if TYPE_CHECKING:
    import ssl

    from promptops.cache import CacheConfig
    from promptops.core.runtime import Runtime
    from promptops.phoenix._stores import PhoenixStores
    from promptops.phoenix.prompts._cache import PromptBackground
    from promptops.prompts import PromptCache

__all__ = ["ClientState", "PhoenixHealth"]

NAMES: Final = ServerNames(
    api="the Phoenix API", start="phoenix serve", address="PHOENIX_COLLECTOR_ENDPOINT", key="PHOENIX_API_KEY"
)
_NOT_FOUND: Final = 404

T = TypeVar("T")


class PhoenixHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a server is.

    Attributes:
        ready: Whether it takes requests.
        version: Its version.
        url: Where it is.
    """

    ready: bool
    version: str
    url: str


class ClientState:
    """The one runtime of a client and the resources over it.

    Both facades hold one; they differ in ``make_runtime`` and in what ``blocking`` says of it. Making it sends nothing.
    """

    def __init__(
        self,
        make_runtime: Callable[[RuntimeConfig], Runtime],
        *,
        blocking: bool,
        base_url: str | None,
        api_key: ApiKey | None,
        headers: Mapping[str, str] | None,
        timeout: float | None,
        max_connections: int | None,
        http_client: object | None,
        proxy: str | None,
        verify: bool | ssl.SSLContext | None,
        cache: CacheConfig | None,
    ) -> None:
        settings = resolve(base_url=base_url, api_key=api_key, headers=headers)
        self.config = RuntimeConfig(
            base_url=settings.base_url,
            api_key=settings.api_key,
            headers=settings.headers,
            timeout=timeout,
            max_connections=20 if max_connections is None else max_connections,
            http_client=http_client,
            proxy=proxy,
            verify=True if verify is None else verify,
            names=NAMES,
        )
        self.cache = cache
        self.blocking = blocking
        self.runtime = PhoenixRuntime(make_runtime(self.config), self.config)
        self.version = self.runtime.version
        self._resources: dict[str, Any] = {}
        if cache is not None:
            self.prompt_cache()  # a directory that cannot be used shows now

    def resource(self, name: str, make: Callable[[ClientState], T]) -> T:
        """The resource called ``name``, made once."""
        found = self._resources.get(name)
        if found is None:
            # Two threads may both make one; the first that is stored is everybody's.
            found = self._resources.setdefault(name, make(self))
        return cast("T", found)

    def stores(self) -> PhoenixStores:
        """The ports that runners and tools work over."""
        return self.resource("stores", _make_stores)

    def prompt_cache(self) -> PromptCache:
        """The prompts that the client remembers.

        Raises:
            ConfigurationError: A shared cache cannot be made.
        """
        return self.resource("prompt background", _make_background).cache(self.cache)

    async def aclose(self) -> None:
        """Refresh nothing any more and close every connection; the second call does nothing."""
        background: PromptBackground | None = self._resources.get("prompt background")
        try:
            if background is not None:
                await background.aclose()
        finally:
            await self.runtime.aclose()

    async def health(self) -> PhoenixHealth:
        """Ask the server whether it is ready, and which version it is.

        Raises:
            PromptOpsError: Nothing answered, or something that is not a Phoenix server.
        """
        request = Request(method="GET", path="/readyz", profile=READ, accept_statuses=(_NOT_FOUND,))
        try:
            response = await self.runtime.send(request)
            if response.status == _NOT_FOUND:
                raise missing(request, response, f"status {_NOT_FOUND}")
            refuse_html(request, response)  # a Phoenix sends its pages for any other path
            ready = True
        except ServerError as error:
            if type(error) is not ServerError:
                raise
            ready = False
        return PhoenixHealth(ready=ready, version=await self.version.ask(), url=self.config.base_url)

    def describe(self) -> str:
        """Where the client points, for its ``repr``."""
        version = f", server {self.version.known}" if self.version.known else ""
        return f"{self.config.base_url!r}{version}"


def _make_background(state: ClientState) -> PromptBackground:
    from promptops.phoenix.prompts._cache import PromptBackground

    return PromptBackground(state.runtime, state.config, blocking=state.blocking)


def _make_stores(state: ClientState) -> PhoenixStores:
    from promptops.phoenix._stores import PhoenixStores

    return PhoenixStores(state)
