"""The PromptOps client: prompts and experiments, async and sync."""

from typing import TYPE_CHECKING, Any

from promptops.client._async import PromptOpsClient
from promptops.client._sync import SyncPromptOpsClient
from promptops.client._version import __version__
from promptops.client.config import CacheConfig, ClientConfig, TelemetryConfig
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
    from promptops.experiments import compare, write_html_report
    from promptops.models import (
        Dataset,
        DatasetExample,
        Experiment,
        ExperimentRun,
        ModelProvider,
        ModelSpecificPrompt,
        PromptResponse,
        PromptVariables,
        RenderResponse,
    )

PromptOpsTimeoutError = TimeoutError

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "CacheConfig",
    "CacheError",
    "CacheLevel",
    "CacheStats",
    "ClientConfig",
    "ConfigurationError",
    "ConflictError",
    "Dataset",
    "DatasetExample",
    "Experiment",
    "ExperimentRun",
    "InvalidResponseError",
    "ModelProvider",
    "ModelSpecificPrompt",
    "NetworkError",
    "NotFoundError",
    "PromptNotFoundError",
    "PromptOpsClient",
    "PromptOpsError",
    "PromptOpsTimeoutError",
    "PromptResponse",
    "PromptVariables",
    "RateLimitError",
    "RenderResponse",
    "ServerError",
    "SyncPromptOpsClient",
    "TelemetryConfig",
    "TelemetryError",
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
    "Dataset": "promptops.models",
    "DatasetExample": "promptops.models",
    "Experiment": "promptops.models",
    "ExperimentRun": "promptops.models",
    "ModelProvider": "promptops.models",
    "ModelSpecificPrompt": "promptops.models",
    "PromptResponse": "promptops.models",
    "PromptVariables": "promptops.models",
    "RenderResponse": "promptops.models",
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
