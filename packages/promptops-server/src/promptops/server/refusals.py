"""Errors of the server that the rules raise; what they become on the wire is decided elsewhere."""

from __future__ import annotations

import math
from typing import Any

from promptops.core import errors

__all__ = ["QueryError", "RateLimited", "RequestRefused", "invalid"]


class QueryError(errors.ValidationError):
    """A query or path parameter was refused: 400 on ``/v2``, 422 on ``/v1``."""


class RequestRefused(errors.PromptOpsError):
    """The request was refused before any operation looked at it.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, message: str, *, status: int, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.status = status


class RateLimited(errors.RateLimitError):
    """Too many requests.

    Attributes:
        seconds: How long to wait.
    """

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message, retry_after=math.ceil(seconds))
        self.seconds = seconds


def invalid(field: str, message: str, code: str = "invalid_value") -> errors.ValidationError:
    """The error for one bad field of a body."""
    return errors.ValidationError(
        f"{field}: {message}", validation_errors=[{"field": field, "message": message, "code": code}]
    )
