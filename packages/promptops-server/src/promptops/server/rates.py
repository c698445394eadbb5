"""Rate limits: token buckets against bursts and quotas by minute, hour and day, in the memory of one process.

Each bucket is kept as one number, the moment at which it would be full again (the generic cell rate algorithm).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Generic, Literal, TypeVar

from msgspec import Struct

__all__ = ["Kind", "Limiter", "Limits", "Peers", "Quota", "Rate", "kind_of_request"]

K = TypeVar("K")
V = TypeVar("V")
Kind = Literal["read", "write", "telemetry"]
_KINDS: Final[tuple[Kind, ...]] = ("read", "write", "telemetry")
_WINDOWS: Final = (("minute", 60), ("hour", 3600), ("day", 86_400))
_READING_POSTS: Final = ("/render", "/batch", "/compatibility", "/validate")
TABLE_SIZE: Final = 100_000


class Rate(Struct, frozen=True):
    """``per_second`` in the long run, ``burst`` at once."""

    per_second: float
    burst: int

    @classmethod
    def of(cls, per_second: int) -> Rate:
        """That many a second, twice as many at once."""
        return cls(per_second, 2 * per_second)


class Limits(Struct, frozen=True, kw_only=True):
    """What one key may send; keys may differ from the defaults of the server.

    Attributes:
        per_minute: Requests in a minute of the clock (UTC); likewise ``per_hour`` and ``per_day``.
        read: Requests that change nothing.
        write: Requests that change something.
        telemetry: Batches of telemetry and of usage.
        failed_auth_per_minute: Wrong credentials from one peer before they are answered with 429 instead of 401.
    """

    per_minute: int = 6_000
    per_hour: int = 360_000
    per_day: int = 8_640_000
    read: Rate = Rate(100, 200)
    write: Rate = Rate(20, 40)
    telemetry: Rate = Rate(10, 20)
    failed_auth_per_minute: int = 10

    def quotas(self) -> tuple[int, int, int]:
        """By minute, hour and day."""
        return (self.per_minute, self.per_hour, self.per_day)

    def rate(self, kind: Kind) -> Rate:
        """The bucket of a kind of request."""
        return self.read if kind == "read" else self.write if kind == "write" else self.telemetry


class Quota(Struct, frozen=True, gc=False):
    """One window of a key: what it may send, what is left, and when it begins anew (Unix seconds)."""

    name: str
    limit: int
    remaining: int
    reset: int


class _Usage:
    """What one key sent."""

    __slots__ = ("counts", "full_at", "limits", "windows")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.full_at = [0.0, 0.0, 0.0]
        self.windows = [-1, -1, -1]
        self.counts = [0, 0, 0]


class _Recent(Generic[K, V]):
    """A bounded table that forgets what was not used for longest, half of it at a time: two tables that take turns."""

    __slots__ = ("_half", "_new", "_old")

    def __init__(self, size: int) -> None:
        self._half = max(1, size // 2)
        self._new: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """The value, which counts as used now."""
        value = self._new.get(key)
        if value is None and (value := self._old.pop(key, None)) is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value; its key was asked for before."""
        if len(self._new) >= self._half and key not in self._new:
            self._old, self._new = self._new, {}
        self._new[key] = value


class Limiter:
    """Counts the requests of each key.

    Args:
        wall: Unix seconds, for the quotas.
        monotonic: Seconds, for the buckets.
        size: Most keys that are remembered; the ones unused for longest are forgotten.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        size: int = TABLE_SIZE,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._keys: _Recent[str, _Usage] = _Recent(size)

    def take(self, key: str, limits: Limits, kind: Kind) -> tuple[float, tuple[Quota, ...]]:
        """Count one request, unless it is over a limit.

        Returns:
            The seconds to wait (0 when the request may go on) and the quotas after it. What is refused is not counted.
        """
        usage = self._usage(key, limits)
        now, wall = self._monotonic(), self._wall()
        self._turn_windows(usage, wall)
        rate, index = limits.rate(kind), _KINDS.index(kind)
        full_at = max(usage.full_at[index], now) + 1.0 / rate.per_second
        wait = full_at - now - rate.burst / rate.per_second
        for position, limit in enumerate(limits.quotas()):
            if usage.counts[position] >= limit:
                wait = max(wait, (usage.windows[position] + 1) * _WINDOWS[position][1] - wall)
        if wait <= 1e-9:
            wait = 0.0
            usage.full_at[index] = full_at
            for position in range(3):
                usage.counts[position] += 1
        return wait, _quotas(usage, limits)

    def look(self, key: str) -> tuple[Quota, ...]:
        """The quotas of a key that sent something, without counting; empty for one that did not."""
        usage = self._keys.get(key)
        if usage is None:
            return ()
        self._turn_windows(usage, self._wall())
        return _quotas(usage, usage.limits)

    def _usage(self, key: str, limits: Limits) -> _Usage:
        usage = self._keys.get(key)
        if usage is None:
            usage = _Usage(limits)
            self._keys.put(key, usage)
        usage.limits = limits
        return usage

    @staticmethod
    def _turn_windows(usage: _Usage, wall: float) -> None:
        for position, (_, seconds) in enumerate(_WINDOWS):
            window = int(wall // seconds)
            if window != usage.windows[position]:
                usage.windows[position] = window
                usage.counts[position] = 0


class Peers:
    """Counts what peers get wrong: a bucket for each address."""

    def __init__(self, per_minute: int, *, monotonic: Callable[[], float] = time.monotonic, size: int = TABLE_SIZE):
        self._pause = 60.0 / per_minute
        self._monotonic = monotonic
        self._full_at: _Recent[bytes, float] = _Recent(size)

    def failed(self, peer: bytes) -> float:
        """Count one failure; the seconds to wait when there were too many, otherwise 0."""
        now = self._monotonic()
        full_at = max(self._full_at.get(peer) or 0.0, now) + self._pause
        wait = full_at - now - 60.0
        refused = wait > 1e-9
        self._full_at.put(peer, full_at - self._pause if refused else full_at)
        return wait if refused else 0.0


def kind_of_request(method: str, path: str) -> Kind:
    """Which bucket a request draws from."""
    if method in {"GET", "HEAD", "OPTIONS"} or (method == "POST" and path.endswith(_READING_POSTS)):
        return "read"
    return "telemetry" if path.endswith(("/v1/client/telemetry", "/v1/client/usage/log")) else "write"


def _quotas(usage: _Usage, limits: Limits) -> tuple[Quota, ...]:
    return tuple(
        Quota(name, limit, max(0, limit - count), (window + 1) * seconds)
        for (name, seconds), limit, count, window in zip(
            _WINDOWS, limits.quotas(), usage.counts, usage.windows, strict=True
        )
    )
