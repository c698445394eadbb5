"""The telemetry of one client: record what happens, in no time and without ever failing, and have it sent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from promptops.core.caller import random_fraction
from promptops.core.errors import ConfigurationError
from promptops.telemetry._processes import EXIT_SECONDS, watch, watch_worker
from promptops.telemetry._settings import Settings
from promptops.telemetry._worker import Worker
from promptops.telemetry.config import DEFAULT_SAMPLE_RATE, TelemetryConfig, check_sample_rate
from promptops.telemetry.events import encode_event
from promptops.telemetry.exporters import Exporter
from promptops.telemetry.summary import TelemetrySummary

__all__ = ["Telemetry"]


class Telemetry:
    """Records events, and sends them in batches from a daemon thread that starts with the first event.

    At most 10,000 events and 16 MiB wait; then the oldest make room, and the next batch says how many were lost.
    A forked child starts with an empty queue and a thread of its own. What is left when the process ends is sent
    within 5 seconds.

    Args:
        config: Sampling and batches; the defaults unless given.
        exporter: Where batches go. Without one the events stay in the queue.
        random: Replaces the source of sampling, uniform in [0, 1).
    """

    def __init__(
        self,
        config: TelemetryConfig | None = None,
        *,
        exporter: Exporter | None = None,
        random: Callable[[], float] = random_fraction,
    ) -> None:
        self._exporter = exporter
        self._settings = Settings(TelemetryConfig() if config is None else config, random)
        self._closed = False
        self._workers: dict[int, Worker] = {}
        self._worker = self._renew()
        watch(self)

    @property
    def enabled(self) -> bool:
        """Whether new events are recorded."""
        return self._settings.enabled and not self._closed

    def record(
        self,
        name: str,
        *,
        duration_ms: float | None = None,
        outcome: str | None = "ok",
        **attributes: object,
    ) -> None:
        """Record that something happened; never raises and never waits.

        Args:
            name: What, for example ``prompt.get``; 1 to 128 letters, digits and ``_.:/-``.
            duration_ms: How long it took, in milliseconds.
            outcome: ``ok``, ``error`` or another short word.
            attributes: Facts of the names and types in :data:`promptops.telemetry.ATTRIBUTES`; others are left out.
        """
        settings = self._settings
        if not settings.enabled or self._closed:
            return
        try:
            rate = settings.sample_rate
            if rate < 1.0 and settings.random() >= rate:
                return
            worker = self._current()
            try:
                event = encode_event(
                    name, at=time.time(), duration_ms=duration_ms, outcome=outcome, attributes=attributes
                )
            except Exception:  # noqa: BLE001 - whatever a caller passes, it is the event that is lost, and counted
                worker.buffer.refuse()
            else:
                worker.add(event)
        except Exception as exc:  # noqa: BLE001 - telemetry never fails the program; the reason is in the summary
            self._worker.last_error = f"{type(exc).__name__}: {exc}"

    def flush(self, timeout: float = EXIT_SECONDS) -> bool:
        """Send what is queued now, and wait for it.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            Whether everything that was queued has been delivered.
        """
        return self._current().flush(timeout)

    def enable(self, sample_rate: float = DEFAULT_SAMPLE_RATE) -> None:
        """Record from now on.

        Args:
            sample_rate: The share of calls that is recorded, from 0 to 1.

        Raises:
            ValidationError: ``sample_rate`` is not a number from 0 to 1.
            ConfigurationError: Telemetry was shut down.
        """
        rate = check_sample_rate(sample_rate)
        self._check_open()
        self._settings.sample_rate = rate
        self._settings.enabled = True

    def disable(self) -> None:
        """Record nothing new; what is queued is still sent."""
        self._settings.enabled = False

    def reconfigure(self, config: TelemetryConfig) -> None:
        """Follow another configuration from now on; what is queued stays. The exporter stays the same.

        Raises:
            ConfigurationError: Telemetry was shut down.
        """
        self._check_open()
        self._settings.follow(config)
        self._current().buffer.batch_size = self._settings.batch_size

    def summary(self) -> TelemetrySummary:
        """How it stands, in this process."""
        worker = self._current()
        counts = worker.buffer.counts()
        return TelemetrySummary(
            pending_events=counts.pending,
            enabled=self.enabled,
            sample_rate=self._settings.sample_rate,
            batch_size=self._settings.batch_size,
            offered_events=counts.offered,
            delivered_events=counts.delivered,
            dropped_events=counts.dropped,
            pending_bytes=counts.pending_bytes,
            last_error=worker.last_error,
        )

    def shutdown(self, timeout: float = EXIT_SECONDS) -> bool:
        """Send what is queued, then stop; what could not be sent in time is dropped. Safe to call twice.

        Args:
            timeout: Seconds that all of it may take.

        Returns:
            Whether everything was delivered.
        """
        self._closed = True
        deadline = time.monotonic() + timeout
        worker = self._current()
        return worker.end_stop(worker.begin_stop(deadline), deadline)

    def after_fork(self) -> None:
        """Start anew in a forked child: an empty queue, new locks, no thread yet. Called by the fork hook."""
        self._current()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()

    def __del__(self) -> None:
        worker: Worker | None = getattr(self, "_worker", None)
        if worker is not None and worker.pid == os.getpid():
            worker.retire()

    def _current(self) -> Worker:
        worker = self._worker
        # Some servers fork without Python's hooks.
        return worker if worker.pid == os.getpid() else self._renew()

    def _renew(self) -> Worker:
        pid = os.getpid()
        worker = self._workers.get(pid)
        if worker is None:
            # Two threads may get here at once; the dictionary lets one win, without a lock that a fork could break.
            worker = self._workers.setdefault(pid, Worker(self._exporter, self._settings))
            watch_worker(worker)
        for other in [known for known in self._workers if known != pid]:
            self._workers.pop(other, None)
        self._worker = worker
        return worker

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigurationError(
                "This telemetry was shut down. Make a new one, or keep it open as long as it is needed.",
                error_code="CLIENT_CLOSED",
            )
