"""Telemetry of the PromptOps client: events, batches and exporters."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from promptops.telemetry._version import __version__
from promptops.telemetry.config import TelemetryConfig

if TYPE_CHECKING:
    from promptops.telemetry._telemetry import Telemetry
    from promptops.telemetry.events import ATTRIBUTES, TelemetryEvent
    from promptops.telemetry.exporters import DELIVERED, Batch, Exporter, Outcome
    from promptops.telemetry.http import HttpExporter
    from promptops.telemetry.summary import TelemetrySummary

__all__ = [
    "ATTRIBUTES",
    "DELIVERED",
    "Batch",
    "Exporter",
    "HttpExporter",
    "Outcome",
    "Telemetry",
    "TelemetryConfig",
    "TelemetryEvent",
    "TelemetrySummary",
    "__version__",
]

# Looked up with their first use: the configuration alone is part of importing the client.
_LATER = {
    "ATTRIBUTES": "events",
    "Batch": "exporters",
    "DELIVERED": "exporters",
    "Exporter": "exporters",
    "HttpExporter": "http",
    "Outcome": "exporters",
    "Telemetry": "_telemetry",
    "TelemetryEvent": "events",
    "TelemetrySummary": "summary",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
