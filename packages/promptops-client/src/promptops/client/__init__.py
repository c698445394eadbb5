"""The PromptOps client: prompts and experiments, async and sync."""

from typing import TYPE_CHECKING, Any

from promptops.client._async import PromptOpsClient
from promptops.client._sync import SyncPromptOpsClient
from promptops.client._version import __version__
from promptops.client.config import CacheConfig, ClientConfig, TelemetryConfig
from promptops.client.stats import ClientStats
from promptops.core.errors import (
    AuthenticationError,
    AuthorizationError,
    CacheError,
    ConfigurationError,
    ConflictError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    PromptNotFoundError,
    PromptOpsError,
    RateLimitError,
    ServerError,
    TelemetryError,
    TimeoutError,  # noqa: A004 - the published name; PromptOpsTimeoutError is the same class
    UnsupportedOperation,
    ValidationError,
)

if TYPE_CHECKING:
    from promptops.cache import CacheLevel, CacheStats
    from promptops.client.health import HealthStatus
    from promptops.core.pagination import OffsetPage
    from promptops.experiments import compare, write_html_report
    from promptops.models import (
        CompatibilityIssue,
        Dataset,
        DatasetExample,
        Experiment,
        ExperimentRun,
        ModelCompatibility,
        ModelInfo,
        ModelProvider,
        ModelSpecificPrompt,
        PromptEvent,
        PromptLabel,
        PromptResponse,
        PromptVariables,
        RenderResponse,
    )
    from promptops.prompts import PromptRead, Prompts
    from promptops.prompts.diff import PromptDiff
    from promptops.prompts.rendered import RenderedPrompt
    from promptops.telemetry.summary import TelemetrySummary

PromptOpsTimeoutError = TimeoutError

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "CacheConfig",
    "CacheError",
    "CacheLevel",
    "CacheStats",
    "ClientConfig",
    "ClientStats",
    "CompatibilityIssue",
    "ConfigurationError",
    "ConflictError",
    "Dataset",
    "DatasetExample",
    "Experiment",
    "ExperimentRun",
    "HealthStatus",
    "InvalidResponseError",
    "ModelCompatibility",
    "ModelInfo",
    "ModelProvider",
    "ModelSpecificPrompt",
    "NetworkError",
    "NotFoundError",
    "OffsetPage",
    "PromptDiff",
    "PromptEvent",
    "PromptLabel",
    "PromptNotFoundError",
    "PromptOpsClient",
    "PromptOpsError",
    "PromptOpsTimeoutError",
    "PromptRead",
    "PromptResponse",
    "PromptVariables",
    "Prompts",
    "RateLimitError",
    "RenderResponse",
    "RenderedPrompt",
    "ServerError",
    "SyncPromptOpsClient",
    "TelemetryConfig",
    "TelemetryError",
    "TelemetrySummary",
    "TimeoutError",
    "UnsupportedOperation",
    "ValidationError",
    "__version__",
    "compare",
    "write_html_report",
]

# Names that are looked up with their first use, so that importing the client stays cheap.
_LATER = {
    "CacheLevel": "promptops.cache",
    "CacheStats": "promptops.cache",
    "CompatibilityIssue": "promptops.models",
    "Dataset": "promptops.models",
    "DatasetExample": "promptops.models",
    "Experiment": "promptops.models",
    "ExperimentRun": "promptops.models",
    "HealthStatus": "promptops.client.health",
    "ModelCompatibility": "promptops.models",
    "ModelInfo": "promptops.models",
    "ModelProvider": "promptops.models",
    "ModelSpecificPrompt": "promptops.models",
    "OffsetPage": "promptops.core.pagination",
    "PromptDiff": "promptops.prompts.diff",
    "PromptEvent": "promptops.models",
    "PromptLabel": "promptops.models",
    "PromptRead": "promptops.prompts",
    "PromptResponse": "promptops.models",
    "PromptVariables": "promptops.models",
    "Prompts": "promptops.prompts",
    "RenderResponse": "promptops.models",
    "RenderedPrompt": "promptops.prompts.rendered",
    "TelemetrySummary": "promptops.telemetry.summary",
    "compare": "promptops.experiments",
    "write_html_report": "promptops.experiments",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
