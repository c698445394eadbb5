"""Errors, messages, transport, retries, auth, pagination and the runtimes behind PromptOps."""

from __future__ import annotations

from promptops.core._version import __version__
from promptops.core.async_runtime import AsyncRuntime
from promptops.core.bridge import AsyncResource, SyncResource, bridge, bridge_iter, forward
from promptops.core.config import RuntimeConfig
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
    SuspendedInSync,
    TelemetryError,
    TimeoutError,  # noqa: A004 - the published name
    UnsupportedOperation,
    ValidationError,
)
from promptops.core.errors import TimeoutError as PromptOpsTimeoutError
from promptops.core.messages import Profile, Request, Response
from promptops.core.pagination import CursorPage, OffsetPage
from promptops.core.runtime import Runtime
from promptops.core.sync_runtime import SyncRuntime
from promptops.core.urls import quote_segment

__all__ = [
    "AsyncResource",
    "AsyncRuntime",
    "AuthenticationError",
    "AuthorizationError",
    "CacheError",
    "ConfigurationError",
    "ConflictError",
    "CursorPage",
    "InvalidResponseError",
    "NetworkError",
    "NotFoundError",
    "OffsetPage",
    "Profile",
    "PromptNotFoundError",
    "PromptOpsError",
    "PromptOpsTimeoutError",
    "RateLimitError",
    "Request",
    "Response",
    "Runtime",
    "RuntimeConfig",
    "ServerError",
    "SuspendedInSync",
    "SyncResource",
    "SyncRuntime",
    "TelemetryError",
    "TimeoutError",
    "UnsupportedOperation",
    "ValidationError",
    "__version__",
    "bridge",
    "bridge_iter",
    "forward",
    "quote_segment",
]
