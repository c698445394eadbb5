"""What a client counted of its own calls, and the counter behind it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec
from promptops.client._locks import ForkLock

__all__ = ["CallCounter", "ClientStats"]


class ClientStats(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one client since it was made.

    A request is one logical call that needed the network, its retries included; a prompt that was at hand is a cache
    hit and no request.

    Attributes:
        total_requests: Calls that needed the network.
        successful_requests: Those that were answered with success.
        failed_requests: Those that ended with an error, or were cancelled.
        success_rate: Share that succeeded, from 0.0 to 1.0; 1.0 while there were none.
        avg_response_time_ms: Mean duration of such a call, in milliseconds; 0.0 while there were none.
        cache_hits: Prompts and model lists that were at hand.
        cache_misses: Those that were not.
        last_request_time: When the last call ended, in UTC; None while there were none.
    """

    total_requests: int = 0
    successful_requests: int = 0
    failed_requests: int = 0
    success_rate: float = 1.0
    avg_response_time_ms: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0
    last_request_time: datetime | None = None


class CallCounter:
    """Counts calls from any number of threads; a forked child goes on with what its parent had counted."""

    __slots__ = ("_failed", "_last", "_lock", "_seconds", "_total")

    def __init__(self) -> None:
        self._total = 0
        self._failed = 0
        self._seconds = 0.0
        self._last: float | None = None
        self._lock = ForkLock()

    def add(self, seconds: float, *, succeeded: bool) -> None:
        """Count one call that took ``seconds``."""
        with self._lock.here():
            self._total += 1
            self._seconds += seconds
            self._last = time.time()
            if not succeeded:
                self._failed += 1

    def stats(self, *, cache_hits: int, cache_misses: int) -> ClientStats:
        """All counts of one moment."""
        with self._lock.here():
            total, failed, seconds, last = self._total, self._failed, self._seconds, self._last
        return ClientStats(
            total_requests=total,
            successful_requests=total - failed,
            failed_requests=failed,
            success_rate=(total - failed) / total if total else 1.0,
            avg_response_time_ms=seconds / total * 1000.0 if total else 0.0,
            cache_hits=cache_hits,
            cache_misses=cache_misses,
            last_request_time=None if last is None else datetime.fromtimestamp(last, UTC),
        )
