"""The bounded queue of encoded events, and the batch that is under way; every event is in exactly one count."""

from __future__ import annotations

import os
from _thread import allocate_lock
from collections import deque
from typing import Final, NamedTuple

from promptops.telemetry.exporters import Batch, Outcome

__all__ = ["MAX_BATCH_BYTES", "MAX_BYTES", "MAX_EVENTS", "Buffer", "Counts"]

MAX_EVENTS: Final = 10_000
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_BATCH_BYTES: Final = 1024 * 1024 - 4096
"""Of the events; what surrounds them must fit into the mebibyte as well."""
LOCK_SECONDS: Final = 0.005
MISSED: Final = 1000


class Counts(NamedTuple):
    """What became of all events so far; ``offered`` is the sum of the others."""

    offered: int
    delivered: int
    dropped: int
    pending: int
    pending_bytes: int


class Buffer:
    """Events of one process.

    When it is full the oldest waiting event makes room. The batch under way stays as it is, because a receiver that
    has seen it knows it by its id.

    Args:
        batch_size: Most events in one batch.
        max_events: Most events, the batch under way included.
        max_bytes: Most bytes, the batch under way included.
    """

    def __init__(self, batch_size: int, *, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> None:
        self.batch_size = batch_size
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._lock = allocate_lock()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._batch: Batch | None = None
        self._batch_bytes = 0
        self._offered = 0
        self._delivered = 0
        self._dropped = 0
        self._reported = 0
        self._limit = batch_size
        self._missed: deque[None] = deque()
        self._sending = False
        self._given_up = False

    def add(self, event: bytes) -> bool:
        """Take an event; True when whoever sends should have a look."""
        # Only a signal handler or a finaliser that interrupts this very object finds the lock taken for long.
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            self._missed.append(None)
            return False
        try:
            self._offered += 1
            size = len(event)
            if self._given_up or size > MAX_BATCH_BYTES or not self._make_room(size):
                self._dropped += 1
                return False
            before = self._waiting_bytes
            self._waiting.append(event)
            self._waiting_bytes += size
            waiting = len(self._waiting)
            return waiting in (1, self.batch_size) or before < MAX_BATCH_BYTES <= self._waiting_bytes
        finally:
            self._lock.release()

    def refuse(self) -> None:
        """Count an event that could not be taken."""
        self._missed.append(None)
        if len(self._missed) >= MISSED and self._lock.acquire(timeout=LOCK_SECONDS):
            try:
                self._count_missed()
            finally:
                self._lock.release()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return self._batch is None and not self._waiting

    @property
    def is_full(self) -> bool:
        """Whether a batch need not wait for more."""
        return (
            self._batch is not None or len(self._waiting) >= self.batch_size or self._waiting_bytes >= MAX_BATCH_BYTES
        )

    def take(self, sample_rate: float) -> Batch | None:
        """The batch to send next: the one that did not arrive, or a new one; None when there is nothing."""
        with self._lock:
            if self._batch is None and self._waiting:
                self._limit = min(self._limit, self.batch_size)
                chosen: list[bytes] = []
                size = 0
                while self._waiting and len(chosen) < self._limit:
                    size += len(self._waiting[0])
                    if size > MAX_BATCH_BYTES:
                        size -= len(self._waiting[0])
                        break
                    chosen.append(self._waiting.popleft())
                self._waiting_bytes -= size
                self._batch_bytes = size
                self._count_missed()
                self._batch = Batch(
                    batch_id=os.urandom(16).hex(),
                    encoded=tuple(chosen),
                    dropped=self._dropped - self._reported,
                    sample_rate=sample_rate,
                )
            self._sending = self._batch is not None
            return self._batch

    def settle(self, batch: Batch, outcome: Outcome) -> None:
        """Count what became of the batch that was taken."""
        with self._lock:
            self._sending = False
            if outcome.kind == "delivered":
                self._delivered += len(batch.encoded)
                self._reported += batch.dropped
                self._limit = min(self.batch_size, self._limit * 2)
                self._forget()
            elif outcome.kind == "smaller" and len(batch.encoded) > 1:
                self._limit = len(batch.encoded) // 2
                self._waiting.extendleft(reversed(batch.encoded))
                self._waiting_bytes += self._batch_bytes
                self._forget()
            elif outcome.kind in {"smaller", "refused"}:
                self._dropped += len(batch.encoded)
                self._forget()
        if self._given_up:
            self.give_up()

    def give_up(self) -> None:
        """Drop everything, now and from now on; a batch that is being sent stays pending until that has ended."""
        with self._lock:
            self._given_up = True
            self._dropped += len(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            if self._batch is not None and not self._sending:
                self._dropped += len(self._batch.encoded)
                self._forget()

    def counts(self) -> Counts:
        """All counts of one moment."""
        with self._lock:
            self._count_missed()
            batch = 0 if self._batch is None else len(self._batch.encoded)
            return Counts(
                offered=self._offered,
                delivered=self._delivered,
                dropped=self._dropped,
                pending=len(self._waiting) + batch,
                pending_bytes=self._waiting_bytes + self._batch_bytes,
            )

    def _make_room(self, size: int) -> bool:
        """Drop the oldest until an event of this size fits; False when it cannot."""
        under_way = 0 if self._batch is None else len(self._batch.encoded)
        while (
            len(self._waiting) + under_way >= self._max_events
            or self._waiting_bytes + self._batch_bytes + size > self._max_bytes
        ):
            if not self._waiting:
                return False
            self._waiting_bytes -= len(self._waiting.popleft())
            self._dropped += 1
        return True

    def _count_missed(self) -> None:
        for _ in range(len(self._missed)):
            self._missed.popleft()
            self._offered += 1
            self._dropped += 1

    def _forget(self) -> None:
        self._batch = None
        self._batch_bytes = 0
