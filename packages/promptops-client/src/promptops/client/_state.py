"""What a client owns: its settings, one runtime, and the resources over it; opened once, closed once."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from promptops.client.config import runtime_config
from promptops.core.errors import ConfigurationError

if TYPE_CHECKING:
    from promptops.client.config import ClientConfig
    from promptops.core.config import RuntimeConfig
    from promptops.core.runtime import Runtime
    from promptops.experiments import AsyncDatasets, AsyncExperiments
    from promptops.prompts import AsyncPrompts

__all__ = ["ClientState"]

T = TypeVar("T")


class ClientState:
    """The one runtime of a client and the resources over it, made at first use.

    Both facades hold one; they differ in ``make_runtime`` alone. Opening sends nothing: a server that is away does
    not keep a program from starting.
    """

    def __init__(
        self,
        settings: ClientConfig,
        make_runtime: Callable[[RuntimeConfig], Runtime],
        *,
        http_client: object | None = None,
    ) -> None:
        self.settings = settings
        self._config = runtime_config(settings, http_client=http_client)
        self._make_runtime = make_runtime
        self._lock = allocate_lock()
        self._runtime: Runtime | None = None
        self._resources: dict[str, Any] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the client was shut down."""
        return self._closed

    def open(self) -> Runtime:
        """The runtime, made by whoever comes first.

        Raises:
            ConfigurationError: The client was shut down.
        """
        runtime = self._runtime
        if runtime is not None and not self._closed:
            return runtime
        with self._lock:
            if self._closed:
                raise ConfigurationError(
                    "This client was shut down. Make a new one, or keep it open as long as it is needed.",
                    error_code="CLIENT_CLOSED",
                )
            if self._runtime is None:
                self._runtime = self._make_runtime(self._config)
            return self._runtime

    def resource(self, name: str, make: Callable[[Runtime], T]) -> T:
        """The resource called ``name``, made once.

        Raises:
            ConfigurationError: The client was shut down.
        """
        found = self._resources.get(name)
        if found is None:
            made = make(self.open())
            with self._lock:
                found = made if self._closed else self._resources.setdefault(name, made)
        return cast("T", found)

    def prompts(self) -> AsyncPrompts:
        """The prompts resource."""
        return self.resource("prompts", self._make_prompts)

    def datasets(self) -> AsyncDatasets:
        """The datasets resource."""
        return self.resource("datasets", self._make_datasets)

    def experiments(self) -> AsyncExperiments:
        """The experiments resource."""
        return self.resource("experiments", self._make_experiments)

    def view(self, name: str, make: Callable[[ClientState], T]) -> T:
        """The blocking view of a resource, made once."""
        return self.resource(f"sync {name}", lambda _: make(self))

    def describe(self) -> str:
        """Where the client points, for its ``repr``."""
        project = f", project={self.settings.project!r}" if self.settings.project else ""
        return f"{self._config.base_url!r}{project}{', shut down' if self._closed else ''}"

    async def close(self) -> None:
        """Close every connection; the second call does nothing."""
        with self._lock:
            self._closed = True
            runtime, self._runtime = self._runtime, None
            self._resources.clear()
        if runtime is not None:
            await runtime.aclose()

    # Each package is imported with its first use: a program that reads prompts never pays for the experiments.

    def _make_prompts(self, runtime: Runtime) -> AsyncPrompts:
        from promptops.prompts import AsyncPrompts

        return AsyncPrompts(runtime, project=self.settings.project, cache=self.settings.cache)

    def _make_datasets(self, runtime: Runtime) -> AsyncDatasets:
        from promptops.experiments import AsyncDatasets

        return AsyncDatasets(runtime, project=self.settings.project)

    def _make_experiments(self, runtime: Runtime) -> AsyncExperiments:
        from promptops.experiments import AsyncExperiments

        return AsyncExperiments(runtime, project=self.settings.project)
