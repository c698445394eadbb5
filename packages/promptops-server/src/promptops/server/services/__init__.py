"""The rules of the server: no HTTP, no SQL."""

from __future__ import annotations

from promptops.server.cursors import Cursors
from promptops.server.idempotency import InFlight
from promptops.server.services.datasets import DatasetService
from promptops.server.services.experiments import ExperimentService
from promptops.server.services.health import HealthService
from promptops.server.services.projects import Projects
from promptops.server.services.prompts import PromptService
from promptops.server.services.spaces import SpaceService
from promptops.server.stores.protocol import Store

__all__ = ["Services"]


class Services:
    """Every service over one store."""

    def __init__(self, store: Store, *, cursor_secret: bytes, accept_unknown_example_ids: bool = False) -> None:
        projects, cursors, in_flight = Projects(store), Cursors(cursor_secret), InFlight()
        self.health = HealthService(store)
        self.prompts = PromptService(store, projects, in_flight)
        self.spaces = SpaceService(store, cursors)
        self.datasets = DatasetService(store, projects, cursors, in_flight)
        self.experiments = ExperimentService(
            store, projects, cursors, in_flight, accept_unknown_example_ids=accept_unknown_example_ids
        )
