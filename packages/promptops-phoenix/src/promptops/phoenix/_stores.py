"""The ports of a Phoenix server in one place: where prompts, datasets and experiments live."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptops.phoenix._state import ClientState
    from promptops.phoenix.datasets._store import PhoenixDatasetStore
    from promptops.phoenix.experiments._store import PhoenixExperimentStore
    from promptops.phoenix.prompts._store import PhoenixPromptStore

__all__ = ["PhoenixStores"]


class PhoenixStores:
    """The stores of a client, for code that works over any of them.

    Their methods are coroutines on both clients; those of a blocking client never suspend.
    """

    def __init__(self, state: ClientState) -> None:
        self._state = state

    @property
    def prompts(self) -> PhoenixPromptStore:
        """Prompts."""
        return self._state.resource("prompt store", _prompts)

    @property
    def datasets(self) -> PhoenixDatasetStore:
        """Datasets and their examples."""
        return self._state.resource("dataset store", _datasets)

    @property
    def experiments(self) -> PhoenixExperimentStore:
        """Experiments and the rows of their runs."""
        return self._state.resource("experiment store", _experiments)


def _prompts(state: ClientState) -> PhoenixPromptStore:
    from promptops.phoenix.prompts._store import PhoenixPromptStore

    return PhoenixPromptStore(state.runtime, version=state.version)


def _datasets(state: ClientState) -> PhoenixDatasetStore:
    from promptops.phoenix.datasets._store import PhoenixDatasetStore

    return PhoenixDatasetStore(state.runtime, version=state.version)


def _experiments(state: ClientState) -> PhoenixExperimentStore:
    from promptops.phoenix.experiments._store import PhoenixExperimentStore

    return PhoenixExperimentStore(state.runtime, version=state.version)
