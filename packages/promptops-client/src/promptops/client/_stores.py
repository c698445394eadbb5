"""The ports of a PromptOps server in one place: where prompts, datasets and experiments live."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptops.client._state import ClientState
    from promptops.core.runtime import Runtime
    from promptops.experiments.stores import NativeDatasetStore, NativeExperimentStore
    from promptops.prompts import NativePromptStore

__all__ = ["ClientStores"]


class ClientStores:
    """The stores of a client, for code that works over any of them.

    Their methods are coroutines on both clients; those of a blocking client never suspend.
    """

    def __init__(self, state: ClientState) -> None:
        self._state = state

    @property
    def prompts(self) -> NativePromptStore:
        """Prompts; every call names its project, where it means another than the default of the key."""
        return self._state.resource("prompt store", _prompts)

    @property
    def datasets(self) -> NativeDatasetStore:
        """Datasets and their examples."""
        return self._state.resource("dataset store", self._datasets)

    @property
    def experiments(self) -> NativeExperimentStore:
        """Experiments and the rows of their runs."""
        return self._state.resource("experiment store", self._experiments)

    def _datasets(self, runtime: Runtime) -> NativeDatasetStore:
        from promptops.experiments.stores import NativeDatasetStore

        return NativeDatasetStore(runtime, project=self._state.settings.project)

    def _experiments(self, runtime: Runtime) -> NativeExperimentStore:
        from promptops.experiments.stores import NativeExperimentStore

        return NativeExperimentStore(runtime, project=self._state.settings.project)


def _prompts(runtime: Runtime) -> NativePromptStore:
    from promptops.prompts import NativePromptStore

    return NativePromptStore(runtime)
