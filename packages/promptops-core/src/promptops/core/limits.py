"""What all calls of a process share about one server: the retry budget and the gates.

Callers of the happy path read one attribute (``busy``) and take no lock.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import ClassVar, Final

import msgspec

__all__ = ["SHARED_GATES", "Budget", "FailFast", "Gates", "NotBefore", "NotBeforeState", "OriginLimits", "limits_for"]

CAPACITY: Final = 10.0
REFILL: Final = 0.1
LONGEST_PAUSE: Final = 300.0
"""Longest time that one answer keeps other calls back; one of them may then ask again, so nothing stays shut."""
CONNECT_FAILURES: Final = 5
WINDOW: Final = 10.0
PROBE_INTERVAL: Final = 1.0
_MOST_KEYS: Final = 1024


class _Process:
    """State of this process; a forked child starts with fresh locks, because another thread may hold the old ones."""

    lock = threading.Lock()
    origins: ClassVar[dict[str, OriginLimits]] = {}


class Budget:
    """Ten tokens for each process and origin: a retry takes some, a success gives a tenth back."""

    __slots__ = ("tokens",)

    def __init__(self) -> None:
        self.tokens = CAPACITY

    def take(self, cost: float) -> bool:
        """Pay for a retry; False when there is too little left."""
        with _Process.lock:
            if self.tokens < cost:
                return False
            self.tokens -= cost
            return True

    def refill(self) -> None:
        """Count a success."""
        with _Process.lock:
            # Rounded, because ten tenths must make a whole token.
            self.tokens = min(CAPACITY, round(self.tokens + REFILL, 6))


class FailFast:
    """Answers blocking cold misses at once while a server is known not to answer.

    It opens after one call that spent its whole deadline, or five quick connect failures within ten seconds; then one
    call a second is let through to see whether the server is back, and any answer at all closes it.
    """

    __slots__ = ("_failures", "_probing_until", "next_probe", "open", "reason")

    def __init__(self) -> None:
        self.open = False
        self.reason = ""
        self.next_probe = 0.0
        self._probing_until = 0.0
        self._failures: deque[float] = deque(maxlen=CONNECT_FAILURES)

    def admits(self, now: float, deadline: float) -> bool:
        """Whether this call may go out; while the gate is open that makes it the probe."""
        with _Process.lock:
            if not self.open:
                return True
            if now < self.next_probe or now < self._probing_until:
                return False
            self.next_probe = now + PROBE_INTERVAL
            self._probing_until = deadline
            return True

    def probe_ended(self) -> None:
        """The probe came to an end, whichever."""
        self._probing_until = 0.0

    def connect_failed(self, now: float, reason: str) -> None:
        """Count a connection that was refused or not possible."""
        with _Process.lock:
            self._failures.append(now)
            if len(self._failures) == CONNECT_FAILURES and now - self._failures[0] <= WINDOW:
                self._shut(now, reason)

    def deadline_spent(self, now: float, reason: str) -> None:
        """A call waited for its whole deadline in vain."""
        with _Process.lock:
            self._shut(now, reason)

    def _shut(self, now: float, reason: str) -> None:
        if not self.open:
            self.next_probe = now + PROBE_INTERVAL
        self.open = True
        self.reason = reason

    def answered(self) -> None:
        """The server answered something."""
        with _Process.lock:
            self.open = False
            self._failures.clear()


class OriginLimits:
    """Budget and fail-fast gate of one origin.

    Attributes:
        busy: Whether an answer would change anything here; false while all is well.
    """

    __slots__ = ("budget", "busy", "fail_fast")

    def __init__(self) -> None:
        self.budget = Budget()
        self.fail_fast = FailFast()
        self.busy = False

    def take(self, cost: float) -> bool:
        """Pay for a retry; False when too little is left."""
        self.busy = True
        return self.budget.take(cost)

    def connect_failed(self, now: float, reason: str) -> None:
        """There was no connection."""
        self.busy = True
        self.fail_fast.connect_failed(now, reason)

    def deadline_spent(self, now: float, reason: str) -> None:
        """A call waited for its whole deadline in vain."""
        self.busy = True
        self.fail_fast.deadline_spent(now, reason)

    def answered(self, *, success: bool) -> None:
        """The server answered; a success also gives budget back."""
        self.fail_fast.answered()
        if success:
            self.budget.refill()
        self.busy = self.budget.tokens < CAPACITY


class NotBeforeState(msgspec.Struct, frozen=True, kw_only=True):
    """Why and until when nobody may ask.

    Attributes:
        until: On the monotonic clock.
        status: The status that asked for the pause.
        message: The error of that answer.
        request_id: The id of that request.
    """

    until: float
    status: int
    message: str
    request_id: str | None


class NotBefore:
    """The pause that a server asked one key for; every caller with that key keeps it."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state: NotBeforeState | None = None

    def hold(self, *, now: float, seconds: float, status: int, message: str, request_id: str | None) -> None:
        """Keep everyone back; a longer pause that is already known stays."""
        until = now + min(seconds, LONGEST_PAUSE)
        with _Process.lock:
            if self.state is None or until > self.state.until:
                self.state = NotBeforeState(until=until, status=status, message=message, request_id=request_id)

    def current(self, now: float) -> NotBeforeState | None:
        """The pause in force, or None."""
        state = self.state
        if state is None:
            return None
        if now < state.until:
            return state
        with _Process.lock:
            if self.state is state:
                self.state = None
        return None


def limits_for(origin: str) -> OriginLimits:
    """The shared state of an origin."""
    with _Process.lock:
        return _Process.origins.setdefault(origin, OriginLimits())


class Gates:
    """The pauses of all keys; the keys themselves are not kept."""

    def __init__(self) -> None:
        self._gates: dict[tuple[str, int], NotBefore] = {}

    def of(self, origin: str, api_key: str | None) -> NotBefore:
        """The shared pause of an origin and key."""
        name = (origin, hash(api_key))  # 64 bits with a random seed: enough to tell keys apart, useless to find one
        with _Process.lock:
            gate = self._gates.get(name)
            if gate is None:
                while len(self._gates) >= _MOST_KEYS:
                    self._gates.pop(next(iter(self._gates)))
                gate = self._gates[name] = NotBefore()
            return gate

    def clear(self) -> None:
        """Forget every pause."""
        with _Process.lock:
            self._gates.clear()


SHARED_GATES: Final = Gates()


def reset() -> None:
    """Forget everything that was learned; for tests."""
    SHARED_GATES.clear()
    with _Process.lock:
        _Process.origins.clear()


def _after_fork() -> None:
    _Process.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
