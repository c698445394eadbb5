"""Learns how many calls a provider takes at once: more after each success, half after each refusal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._rate_signals import lowered, quotas_of

__all__ = ["Admission", "RateLimiter", "RateState"]

_LONGEST_LOOK: Final = 0.25
_LEAST_WINDOW: Final = 1.0
_MEMORY: Final = 0.2


class RateState(msgspec.Struct, frozen=True, kw_only=True):
    """How a limiter stands.

    Attributes:
        window: Most calls at once, or None while the provider has refused nothing.
        in_flight: Calls that are running.
        refusals: Calls that the provider refused so far.
        paused_s: Seconds until the next call may start; 0 when it may start now.
    """

    window: float | None
    in_flight: int
    refusals: int
    paused_s: float


class Admission(msgspec.Struct, frozen=True):
    """The right to make one call, and when it was given."""

    number: int


class _Left(msgspec.Struct):
    remaining: float
    until: float


class RateLimiter:
    """Keeps the calls of a run, tasks and judges alike, within what a provider allows; safe to use from any thread.

    Every run has one of its own. Pass one to several runs, or to ``run(rate_limiter=...)`` and your own code, to share
    it. A refused call (429) halves the number of calls at once, each success adds a fraction of one; a ``Retry-After``
    holds every call back. A task that sees the headers of its provider can hand them over with :meth:`report`; headers
    on exceptions are read without that.

    Args:
        max_in_flight: Most calls at once, besides the concurrency of the run; no limit when absent.
        attempts: How often one call may be refused before that is an error of its row.
    """

    def __init__(
        self, *, max_in_flight: int | None = None, attempts: int = 20, clock: Callable[[], float] = monotonic
    ) -> None:
        if max_in_flight is not None and max_in_flight < 1:
            raise ValidationError(f"max_in_flight must be 1 or more, not {max_in_flight!r}")
        if attempts < 1:
            raise ValidationError(f"attempts must be 1 or more, not {attempts!r}")
        self.attempts = attempts
        self._most = max_in_flight
        self._clock = clock
        self._lock = threading.Lock()
        self._window: float | None = None
        self._in_flight = 0
        self._started = 0
        self._shrunk_at = 0
        self._refusals = 0
        self._not_before = 0.0
        self._left: dict[str, _Left] = {}
        self._mean_tokens = 0.0

    @property
    def state(self) -> RateState:
        """How it stands now."""
        with self._lock:
            return RateState(
                window=self._window,
                in_flight=self._in_flight,
                refusals=self._refusals,
                paused_s=max(0.0, self._not_before - self._clock()),
            )

    def report(self, headers: Mapping[Any, Any]) -> None:
        """Take the headers of an answer: ``x-ratelimit-remaining-requests``, ``-tokens``, their resets, and so on."""
        quotas = quotas_of(lowered(headers))
        if not quotas:
            return
        now = self._clock()
        with self._lock:
            for quota in quotas:
                if quota.reset_s is not None:
                    self._left[quota.kind] = _Left(quota.remaining, now + quota.reset_s)

    def admit(self) -> Admission | float:
        """Return the right to make one call, or the seconds after which to ask again (sooner when a call ends)."""
        with self._lock:
            wait = self._wait()
            if wait > 0:
                return wait
            self._in_flight += 1
            self._started += 1
            requests = self._left.get("requests")
            if requests is not None:
                requests.remaining -= 1
            return Admission(self._started)

    def leave(
        self,
        admission: Admission,
        *,
        refused: bool = False,
        failed: bool = False,
        retry_after: float | None = None,
        tokens: int = 0,
    ) -> None:
        """Give the right back.

        Args:
            admission: What :meth:`admit` returned.
            refused: The provider said that calls come too fast.
            failed: The call failed for another reason, which says nothing about limits.
            retry_after: Seconds in which no call may start.
            tokens: What the call used, 0 when not known.
        """
        with self._lock:
            self._in_flight -= 1
            if tokens:
                self._mean_tokens += (tokens - self._mean_tokens) * (_MEMORY if self._mean_tokens else 1.0)
            if retry_after is not None:
                self._not_before = max(self._not_before, self._clock() + retry_after)
            if refused:
                self._refusals += 1
                # Calls that were under way at the last refusal say nothing new.
                if admission.number > self._shrunk_at:
                    at_once = self._in_flight + 1.0
                    window = at_once if self._window is None else min(self._window, at_once)
                    self._window = max(_LEAST_WINDOW, window / 2)
                    self._shrunk_at = self._started
            elif not failed and self._window is not None:
                self._window += 1.0 / self._window

    def _wait(self) -> float:
        now = self._clock()
        if now < self._not_before:
            return self._not_before - now
        if self._most is not None and self._in_flight >= self._most:
            return _LONGEST_LOOK
        if self._window is not None and self._in_flight + 1 > max(_LEAST_WINDOW, self._window):
            return _LONGEST_LOOK
        for kind, left in self._left.items():
            need = 1.0 if kind == "requests" else max(1.0, self._mean_tokens)
            if now < left.until and left.remaining < need:
                return left.until - now
        return 0.0
