"""One process's share of telemetry: its queue, and the daemon thread that sends from it."""

from __future__ import annotations

import os
import threading
import time
from _thread import allocate_lock
from typing import Final

from promptops.core.log import event as log_event
from promptops.telemetry._buffer import Buffer
from promptops.telemetry._settings import Settings
from promptops.telemetry.exporters import Exporter, Outcome

__all__ = ["Flush", "Worker"]

EXPORT_SECONDS: Final = 15.0
_LONGEST_PAUSE: Final = 60.0
_LOG_SECONDS: Final = 60.0
_LEAST_SECONDS: Final = 0.05
_RETIRED_SECONDS: Final = 60.0
_STOPPED: Final = float("-inf")


class Flush:
    """A caller who waits until everything that was offered before has left."""

    def __init__(self, target: int, dropped: int) -> None:
        self.target = target
        self.dropped = dropped
        self.delivered = False
        self.gate = allocate_lock()
        self.gate.acquire()


class Worker:
    """Queue and thread of one process; a forked child makes one of its own, with an empty queue.

    The thread starts with the first event, is replaced when it died, and never keeps the process alive.

    Args:
        exporter: Where batches go; without one they stay in the queue.
        settings: What may change while it runs.
    """

    def __init__(self, exporter: Exporter | None, settings: Settings) -> None:
        self.pid = os.getpid()
        self.buffer = Buffer(settings.batch_size)
        self.last_error: str | None = None
        self._exporter = exporter
        self._settings = settings
        self._thread: threading.Thread | None = None
        self._starting = allocate_lock()
        self._wake = allocate_lock()
        self._wake.acquire()
        self._flushes: list[Flush] = []
        self._oldest: float | None = None
        self._not_before = 0.0
        self._failures = 0
        self._logged = float("-inf")
        self._end: float | None = None
        self._retired_until: float | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def add(self, event: bytes) -> None:
        """Queue an event; never waits for the network."""
        look = self.buffer.add(event)
        if self._exporter is None:
            return
        thread = self._thread
        if thread is None or not thread.is_alive():
            self.start()
        elif look:
            self.wake()

    def start(self) -> bool:
        """Make sure that the thread runs; False when this process can start none any more."""
        if not self._starting.acquire(blocking=False):
            return True  # another thread is doing it
        try:
            if not self.is_alive:
                thread = threading.Thread(target=self._run, name="promptops-telemetry", daemon=True)
                thread.start()
                self._thread = thread
        except RuntimeError:
            return False  # the interpreter is shutting down, or there are too many threads; the queue is bounded
        finally:
            self._starting.release()
        return True

    def wake(self) -> None:
        """Have the thread look at its queue; safe in signal handlers."""
        try:
            self._wake.release()
        except RuntimeError:
            return  # it has been told already

    def flush(self, timeout: float) -> bool:
        """Send what is queued, and wait for it; True when all of it was delivered."""
        return self._wait_for(self._begin(), time.monotonic() + timeout)

    def begin_stop(self, deadline: float) -> Flush | None:
        """Begin to send what is queued, in no more time than until ``deadline`` on the monotonic clock."""
        self._end = deadline
        return self._begin()

    def end_stop(self, flush: Flush | None, deadline: float) -> bool:
        """Wait for what :meth:`begin_stop` began, then drop the rest and end the thread."""
        sent = self._wait_for(flush, deadline)
        self._end = _STOPPED
        self.buffer.give_up()
        if self.is_alive:
            self.wake()
        elif self._exporter is not None:
            self._exporter.close()
        return sent

    def retire(self) -> None:
        """End the thread once the queue is empty, or after a minute; nobody will add to it."""
        self._retired_until = time.monotonic() + _RETIRED_SECONDS
        self.wake()

    def _begin(self) -> Flush | None:
        counts = self.buffer.counts()
        if counts.pending == 0:
            return None
        flush = Flush(counts.offered, counts.dropped)
        if self._exporter is None:
            flush.gate.release()
            return flush
        self._flushes.append(flush)
        if self.is_alive or self.start():
            self.wake()
        return flush

    def _wait_for(self, flush: Flush | None, deadline: float) -> bool:
        if flush is None:
            return True
        if flush in self._flushes and not self.is_alive and not self.start():
            # No thread starts in an interpreter that is shutting down; then this one sends.
            while flush in self._flushes and time.monotonic() < deadline:
                self._send()
        flush.gate.acquire(timeout=max(0.0, min(deadline - time.monotonic(), threading.TIMEOUT_MAX)))
        return flush.delivered

    def _run(self) -> None:
        while self._end != _STOPPED:
            wait = self._next_wait()
            if self._retired_until is not None:
                left = self._retired_until - time.monotonic()
                if wait is None or left <= 0:
                    self.buffer.give_up()
                    break
                wait = min(wait, left)
            if wait is None or wait > 0:
                self._wake.acquire(timeout=-1 if wait is None else wait)
            else:
                self._send()
        if self._exporter is not None:
            self._exporter.close()

    def _next_wait(self) -> float | None:
        """Seconds until there is something to send, or None when somebody will say so."""
        buffer = self.buffer
        if buffer.is_empty:
            self._oldest = None
            self._answer(failed=False)
            return None
        if self._flushes:
            return 0.0
        now = time.monotonic()
        if self._oldest is None:
            self._oldest = now
        if now < self._not_before:
            return self._not_before - now
        return 0.0 if buffer.is_full else self._oldest + self._settings.flush_interval - now

    def _send(self) -> None:
        """Send one batch and count what became of it."""
        batch = self.buffer.take(self._settings.sample_rate)
        if batch is None or self._exporter is None:
            self._answer(failed=False)
            return
        self._oldest = None
        try:
            outcome = self._exporter.export(batch, timeout=self._seconds())
        except Exception as exc:  # noqa: BLE001 - telemetry never fails the program; the reason is in the summary
            outcome = Outcome(kind="again", reason=f"{type(exc).__name__}: {exc}")
        except BaseException:
            # The thread ends here; the batch is kept, and the next event starts another thread.
            self.buffer.settle(batch, Outcome(kind="again"))
            self._answer(failed=True)
            raise
        self.buffer.settle(batch, outcome)
        self._note(outcome, alone=len(batch.encoded) == 1)
        self._answer(failed=outcome.kind == "again")

    def _seconds(self) -> float:
        if self._end is None:
            return EXPORT_SECONDS
        return max(_LEAST_SECONDS, min(EXPORT_SECONDS, self._end - time.monotonic()))

    def _note(self, outcome: Outcome, *, alone: bool) -> None:
        """Decide when to try again, and say so now and then."""
        if outcome.kind == "delivered":
            self._failures = 0
            self._not_before = 0.0
            self.last_error = None
            return
        now = time.monotonic()
        if outcome.kind == "again":
            self._failures += 1
            pause = min(_LONGEST_PAUSE, self._settings.flush_interval * 2.0 ** min(self._failures - 1, 10))
            spread = 0.5 + 0.5 * self._settings.random()  # so that many clients do not come back at once
            self._not_before = now + (pause * spread if outcome.wait is None else outcome.wait)
        if outcome.kind == "smaller" and not alone:
            return
        self.last_error = outcome.reason
        if now - self._logged >= _LOG_SECONDS:
            self._logged = now
            counts = self.buffer.counts()
            log_event("telemetry_not_delivered", reason=outcome.reason, pending=counts.pending, dropped=counts.dropped)

    def _answer(self, *, failed: bool) -> None:
        """Tell callers of ``flush`` whose events have left, or that there is no point in waiting."""
        if not self._flushes:
            return
        counts = self.buffer.counts()
        for flush in list(self._flushes):
            gone = counts.delivered + counts.dropped >= flush.target
            if gone or failed:
                flush.delivered = gone and counts.dropped == flush.dropped
                self._flushes.remove(flush)
                flush.gate.release()
