"""What a client reports about its own calls: the one configuration struct of telemetry, checked when made."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from promptops.core.errors import ValidationError

__all__ = ["DEFAULT_SAMPLE_RATE", "MAX_BATCH_EVENTS", "TelemetryConfig", "check_sample_rate"]

DEFAULT_SAMPLE_RATE: Final = 0.1
MAX_BATCH_EVENTS: Final = 512
"""The most events that a server takes at once."""


class TelemetryConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the client reports about its own calls.

    Attributes:
        enabled: Whether anything is recorded at all.
        endpoint: Where batches go; None means the server that the client talks to.
        sample_rate: The share of calls that is recorded, from 0 to 1.
        batch_size: Most events in one batch, from 1 to 512.
        flush_interval: Seconds between batches.

    Raises:
        ValidationError: A value is out of its range.
    """

    enabled: bool = True
    endpoint: str | None = None
    sample_rate: float = DEFAULT_SAMPLE_RATE
    batch_size: int = MAX_BATCH_EVENTS
    flush_interval: float = 5.0

    def __post_init__(self) -> None:
        problems: list[dict[str, Any]] = []
        if not _is_number(self.sample_rate) or not 0.0 <= self.sample_rate <= 1.0:
            problems.append(_problem("sample_rate", f"must be between 0 and 1, not {self.sample_rate!r}"))
        if not _is_number(self.batch_size) or self.batch_size != int(self.batch_size) or self.batch_size < 1:
            problems.append(_problem("batch_size", f"must be at least 1, not {self.batch_size!r}"))
        elif self.batch_size > MAX_BATCH_EVENTS:
            problems.append(_problem("batch_size", f"must be at most {MAX_BATCH_EVENTS}, not {self.batch_size!r}"))
        if not _is_number(self.flush_interval) or not 0 < self.flush_interval < float("inf"):
            problems.append(_problem("flush_interval", f"must be above 0 seconds, not {self.flush_interval!r}"))
        if problems:
            text = "; ".join(f"{problem['field']} {problem['message']}" for problem in problems)
            raise ValidationError(f"TelemetryConfig: {text}", validation_errors=problems)


def check_sample_rate(value: float) -> float:
    """The rate, if it is one.

    Raises:
        ValidationError: It is not a number from 0 to 1.
    """
    if not _is_number(value) or not 0.0 <= value <= 1.0:
        problem = _problem("sample_rate", f"must be between 0 and 1, not {value!r}")
        raise ValidationError(f"sample_rate {problem['message']}", validation_errors=[problem])
    return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _problem(field: str, message: str) -> dict[str, Any]:
    return {"field": field, "message": message, "code": "out_of_range"}
