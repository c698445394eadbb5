"""Slots and idle connections of one origin, in one process and on one event loop (or on none).

Nothing here waits or does I/O; the caller holds its lock, or runs on the loop that owns the list.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Generic, NamedTuple, Protocol, TypeVar

__all__ = ["FreeList", "Poolable", "Stats", "Waiter"]


class Stats(NamedTuple):
    """What a transport holds right now.

    Attributes:
        open: Connections, idle or in use, those being connected included.
        idle: Connections that wait for work.
        busy: Slots in use.
        waiting: Callers that wait for a slot.
    """

    open: int
    idle: int
    busy: int
    waiting: int


class Poolable(Protocol):
    """What the list needs to know of a connection."""

    idle_since: float

    def is_stale(self) -> bool:
        """Whether the peer has closed it, or said something that nobody asked for."""
        ...

    def abort(self) -> None:
        """Close it at once, without waiting for anything."""
        ...


class Waiter(Protocol):
    """A caller that waits for a slot.

    Attributes:
        granted: Whether it has been given one.
    """

    granted: bool

    def wake(self) -> bool:
        """Tell the caller that it owns a slot now; False when it is gone and cannot take it."""
        ...


C = TypeVar("C", bound=Poolable)


class FreeList(Generic[C]):
    """At most ``capacity`` busy slots, and the connections that nobody uses, last used first.

    A connection is opened only by the owner of a slot who found none idle; so there are never more connections
    than slots. A slot that is freed goes to the oldest waiter directly: nobody can overtake.
    """

    def __init__(self, capacity: int, idle_expiry: float) -> None:
        self.pid = os.getpid()
        self.capacity = capacity
        self.idle_expiry = idle_expiry
        self.busy = 0
        self.idle: list[C] = []
        self.waiters: deque[Waiter] = deque()
        self.closed = False

    def take_slot(self) -> bool:
        """Take a slot if one is free."""
        if self.busy < self.capacity:
            self.busy += 1
            return True
        return False

    def wait(self, waiter: Waiter) -> None:
        """Stand in the queue."""
        self.waiters.append(waiter)

    def leave(self, waiter: Waiter) -> None:
        """Give up waiting; a slot that was granted meanwhile is passed on."""
        if waiter.granted:
            self.free_slot()
        elif waiter in self.waiters:
            # It is not there when a slot was offered to it after its task had been cancelled.
            self.waiters.remove(waiter)

    def free_slot(self) -> None:
        """Give a slot up: to the oldest live waiter, or back."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if waiter.wake():
                waiter.granted = True
                return
        self.busy -= 1

    def pop_idle(self, now: float, dead: list[C]) -> C | None:
        """The most recently used connection that still lives; those found dead are appended to ``dead``."""
        idle = self.idle
        while idle:
            connection = idle.pop()
            if now - connection.idle_since < self.idle_expiry and not connection.is_stale():
                return connection
            dead.append(connection)
        return None

    def push_idle(self, connection: C, now: float, dead: list[C]) -> None:
        """Keep a connection; when the oldest has expired, it is appended to ``dead``."""
        if self.closed:
            dead.append(connection)
            return
        idle = self.idle
        if idle and now - idle[0].idle_since >= self.idle_expiry:
            dead.append(idle.pop(0))
        connection.idle_since = now
        idle.append(connection)

    def drain(self) -> list[C]:
        """Take all idle connections out."""
        idle, self.idle = self.idle, []
        return idle
