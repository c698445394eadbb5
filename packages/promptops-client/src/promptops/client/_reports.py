"""The telemetry of a client: made with the first event, and replaced when it has to go somewhere else."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec
from promptops.client._locks import ForkLock
from promptops.telemetry.config import TelemetryConfig, check_sample_rate

if TYPE_CHECKING:
    from promptops.core.config import RuntimeConfig
    from promptops.telemetry import Telemetry
    from promptops.telemetry.summary import TelemetrySummary

__all__ = ["Reports"]


class Reports:
    """What a client reports about its own calls. Recording never raises, and waits for nothing.

    Args:
        config: What to record.
        runtime_config: The server and the key, for batches that go to the client's own server.
    """

    def __init__(self, config: TelemetryConfig, runtime_config: RuntimeConfig) -> None:
        self.config = config
        self._runtime_config = runtime_config
        self._telemetry: Telemetry | None = None
        self._closed = False
        self._lock = ForkLock()

    def record(self, name: str, started: float, outcome: str, /, **facts: object) -> None:
        """Record a call that began at ``started`` (of ``perf_counter``), if calls are recorded."""
        if not self.config.enabled or self._closed:
            return
        telemetry = self._telemetry or self._open()
        if telemetry is not None:
            telemetry.record(name, duration_ms=(perf_counter() - started) * 1000.0, outcome=outcome, **facts)

    def enable(self, sample_rate: float) -> None:
        """Record from now on.

        Raises:
            ValidationError: ``sample_rate`` is not a number from 0 to 1.
        """
        rate = check_sample_rate(sample_rate)
        self.follow(msgspec.structs.replace(self.config, enabled=True, sample_rate=rate), self._runtime_config)

    def disable(self) -> None:
        """Record nothing new; what is queued is still sent."""
        self.follow(msgspec.structs.replace(self.config, enabled=False), self._runtime_config)

    def follow(self, config: TelemetryConfig, runtime_config: RuntimeConfig) -> None:
        """Record by another configuration, or to another server, from now on; what is queued is still sent."""
        with self._lock.here():
            moved = (config.endpoint, runtime_config) != (self.config.endpoint, self._runtime_config)
            self.config, self._runtime_config = config, runtime_config
            if self._telemetry is None or self._closed:
                return
            if moved:
                # The next event makes a new one; the thread of this one sends what it has and ends.
                self._telemetry = None
            else:
                self._telemetry.reconfigure(config)

    def summary(self) -> TelemetrySummary:
        """How it stands."""
        telemetry = self._telemetry
        if telemetry is not None:
            return telemetry.summary()
        from promptops.telemetry.summary import TelemetrySummary

        return TelemetrySummary(
            pending_events=0,
            enabled=self.config.enabled and not self._closed,
            sample_rate=self.config.sample_rate,
            batch_size=self.config.batch_size,
        )

    @property
    def telemetry(self) -> Telemetry | None:
        """What holds the queue; None while nothing was recorded."""
        return self._telemetry

    def close(self) -> Telemetry | None:
        """Record nothing from now on; returns what may still hold events, to be shut down by the caller."""
        with self._lock.here():
            self._closed = True
            return self._telemetry

    def _open(self) -> Telemetry | None:
        with self._lock.here():
            if self._telemetry is None and not self._closed:
                self._telemetry = self._made()
            return self._telemetry

    def _made(self) -> Telemetry:
        from promptops.telemetry import HttpExporter, Telemetry

        given: Any = self._runtime_config.http_client
        if given is not None and hasattr(given, "aclose"):
            # Everything goes through the caller's client, and this one only works on an event loop.
            return Telemetry(self.config)
        return Telemetry(self.config, exporter=HttpExporter(self._runtime_config, endpoint=self.config.endpoint))
