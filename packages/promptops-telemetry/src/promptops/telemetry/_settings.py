"""What can change while telemetry runs."""

from __future__ import annotations

from collections.abc import Callable

from promptops.telemetry.config import TelemetryConfig

__all__ = ["Settings"]


class Settings:
    """Shared by the one who records and the one who sends; each value is replaced as a whole.

    Attributes:
        enabled: Whether new events are recorded.
        sample_rate: The share of calls that is recorded.
        batch_size: Most events in one batch.
        flush_interval: Seconds between batches.
        random: Uniform in [0, 1).
    """

    __slots__ = ("batch_size", "enabled", "flush_interval", "random", "sample_rate")

    def __init__(self, config: TelemetryConfig, random: Callable[[], float]) -> None:
        self.random = random
        self.follow(config)

    def follow(self, config: TelemetryConfig) -> None:
        """Take over the values of a configuration."""
        self.enabled = config.enabled
        self.sample_rate = float(config.sample_rate)
        self.batch_size = int(config.batch_size)
        self.flush_interval = float(config.flush_interval)
