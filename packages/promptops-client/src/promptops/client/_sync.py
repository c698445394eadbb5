"""The client for blocking code: the same surface, bridged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from promptops.client._calls import AsyncCalls, SyncCalls
from promptops.client._facade import Facade

if TYPE_CHECKING:
    from types import TracebackType

    from promptops.client._state import ClientState
    from promptops.client._stores import ClientStores
    from promptops.core.config import RuntimeConfig
    from promptops.core.runtime import Runtime
    from promptops.experiments import SyncDatasets, SyncExperiments
    from promptops.prompts import SyncModels, SyncPrompts

__all__ = ["SyncPromptOpsClient"]


class SyncPromptOpsClient(Facade, SyncCalls):
    """Prompts, datasets and experiments of a PromptOps server, for blocking code.

    Use it as a context manager, or call :meth:`shutdown` when done. Nothing is sent until the first call; that call
    also initialises the client. One client serves any number of threads.
    """

    _blocking = True

    @staticmethod
    def _make_runtime(config: RuntimeConfig) -> Runtime:
        from promptops.core.sync_runtime import SyncRuntime

        return SyncRuntime(config)

    def _begin(self, state: ClientState) -> None:
        self._state = state
        SyncCalls.__init__(self, AsyncCalls(state))

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

    @property
    def stores(self) -> ClientStores:
        """The ports of this server, for code that works over any store; those of a blocking client never suspend."""
        return self._state.stores()

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
