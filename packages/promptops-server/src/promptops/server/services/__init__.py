"""The rules of the server: no HTTP, no SQL."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from promptops.server.catalogue import Catalogue
from promptops.server.cursors import Cursors
from promptops.server.idempotency import InFlight
from promptops.server.key_limits import KeyWindows
from promptops.server.keys import Pepper
from promptops.server.meter import UsageMeter
from promptops.server.rates import Limiter, Limits
from promptops.server.services.audit import AuditService
from promptops.server.services.dataset_drafts import DatasetDraftService
from promptops.server.services.datasets import DatasetService
from promptops.server.services.examples import ExampleService
from promptops.server.services.experiments import ExperimentService
from promptops.server.services.health import HealthService
from promptops.server.services.keys import KeyService
from promptops.server.services.labels import LabelService, ProtectedLabels
from promptops.server.services.models import ModelService
from promptops.server.services.projects import Projects
from promptops.server.services.prompts import PromptService
from promptops.server.services.spaces import SpaceService
from promptops.server.services.telemetry import TelemetryService
from promptops.server.services.usage import UsageService
from promptops.server.settings import Retention
from promptops.server.stores.protocol import Store

__all__ = ["Services"]


class Services:
    """Every service over one store."""

    def __init__(
        self,
        store: Store,
        *,
        pepper: Pepper,
        limits: Limits,
        limiter: Limiter,
        accept_unknown_example_ids: bool = False,
        model_file: Path | None = None,
        retention: Retention | None = None,
        protected_labels: Iterable[str] = (),
    ) -> None:
        projects, cursors, in_flight = Projects(store), Cursors(pepper.derive("cursors")), InFlight()
        self.keys = KeyService(store, projects, in_flight, pepper, limits)
        self.audit = AuditService(store, projects, cursors)
        protected = ProtectedLabels(protected_labels)
        self.prompts = PromptService(store, projects, in_flight, protected)
        self.labels = LabelService(store, projects, in_flight, protected)
        catalogue = Catalogue(model_file)
        self.models = ModelService(catalogue, self.prompts)
        self.meter = UsageMeter(store.add_usage)
        self.usage = UsageService(store, projects, self.meter, KeyWindows(limiter))
        self.telemetry = TelemetryService(store, days=(retention or Retention()).telemetry_days)
        self.health = HealthService(store, {"models": lambda: catalogue.problem, "usage": lambda: self.meter.problem})
        self.spaces = SpaceService(store, cursors)
        self.datasets = DatasetService(store, projects, cursors, in_flight)
        self.dataset_drafts = DatasetDraftService(store, projects, in_flight)
        self.examples = ExampleService(store, cursors, in_flight)
        self.experiments = ExperimentService(
            store, projects, cursors, in_flight, accept_unknown_example_ids=accept_unknown_example_ids
        )
