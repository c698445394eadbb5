"""The client for async code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from promptops.client._calls import AsyncCalls
from promptops.client._facade import Facade

if TYPE_CHECKING:
    from types import TracebackType

    from promptops.client._state import ClientState
    from promptops.client._stores import ClientStores
    from promptops.core.config import RuntimeConfig
    from promptops.core.runtime import Runtime
    from promptops.experiments import AsyncDatasets, AsyncExperiments
    from promptops.prompts import AsyncModels, AsyncPrompts

__all__ = ["PromptOpsClient"]


class PromptOpsClient(Facade, AsyncCalls):
    """Prompts, datasets and experiments of a PromptOps server, for async code.

    Use it as a context manager, or call :meth:`shutdown` when done. Nothing is sent until the first call; that call
    also initialises the client. One client serves any number of tasks.
    """

    _blocking = False

    @staticmethod
    def _make_runtime(config: RuntimeConfig) -> Runtime:
        from promptops.core.async_runtime import AsyncRuntime

        return AsyncRuntime(config)

    def _begin(self, state: ClientState) -> None:
        AsyncCalls.__init__(self, state)

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

    @property
    def stores(self) -> ClientStores:
        """The ports of this server, for code that works over any store; those of a blocking client never suspend."""
        return self._state.stores()

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
