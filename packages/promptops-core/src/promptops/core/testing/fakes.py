"""A transport without a network and a clock without waiting, for unit tests."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import msgspec
from promptops.core.messages import Response
from promptops.core.runtime import StreamedResponse
from promptops.core.transport import Attempt, DeadlineExceeded

__all__ = ["FakeClock", "FakeTransport", "Outcome", "json_response"]

Outcome: TypeAlias = "Response | BaseException | Callable[[Attempt], Response]"
"""What an attempt meets: an answer, an error to raise, or a function of the attempt."""


def json_response(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    given = {name.lower(): value for name, value in (headers or {}).items()}
    return Response(
        status=status, headers={"content-type": "application/json", **given}, body=msgspec.json.encode(body)
    )


class FakeClock:
    """Time that moves only when something sleeps, or when a test says so.

    Attributes:
        now: The monotonic time, in seconds.
        wall: Seconds since 1970; moves together with ``now``.
        sleeps: Every wait so far.
    """

    def __init__(self, now: float = 1_000.0, *, wall: float = 1_700_000_000.0) -> None:
        self.now = now
        self.wall = wall
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        """Read the monotonic time."""
        return self.now

    def time(self) -> float:
        """Read the wall clock."""
        return self.wall

    def sleep(self, seconds: float) -> None:
        """Move on, and remember it."""
        self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now += seconds
        self.wall += seconds


class FakeTransport:
    """Answers from a script and records what was asked; never suspends, so both runtimes can use it.

    Args:
        script: One outcome for each attempt, in order. A single outcome or function answers every attempt.
        clock: Moved on by ``latency`` for each attempt; an attempt that would pass its deadline fails there.
        latency: Seconds that every attempt takes.

    Attributes:
        attempts: Every attempt so far.
        times: When each of them began, by the clock.
        closed: Whether ``aclose`` was called.
    """

    def __init__(
        self, script: Iterable[Outcome] | Outcome = (), *, clock: FakeClock | None = None, latency: float = 0.0
    ) -> None:
        self._always: Outcome | None = None
        self._script: deque[Outcome] = deque()
        if isinstance(script, (Response, BaseException)) or callable(script):
            self._always = script
        else:
            self._script.extend(script)
        self._clock = clock
        self._latency = latency
        self.attempts: list[Attempt] = []
        self.times: list[float] = []
        self.closed = False

    def add(self, *outcomes: Outcome) -> None:
        """Append to the script."""
        self._script.extend(outcomes)

    def then(self, outcome: Outcome | None) -> None:
        """What every attempt meets once the script is used up."""
        self._always = outcome

    async def send(self, attempt: Attempt) -> Response:
        """Meet the next outcome of the script."""
        return self._meet(attempt)

    @asynccontextmanager
    async def _stream(self, attempt: Attempt) -> AsyncGenerator[StreamedResponse, None]:
        yield _FakeStream(self._meet(attempt))

    def stream(self, attempt: Attempt) -> AbstractAsyncContextManager[StreamedResponse]:
        """Meet the next outcome of the script; its body arrives in pieces of 16 bytes."""
        return self._stream(attempt)

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def _meet(self, attempt: Attempt) -> Response:
        self.attempts.append(attempt)
        if self._clock is not None:
            self.times.append(self._clock.now)
            left = attempt.deadline - self._clock.now
            if self._latency > left:
                self._clock.advance(max(0.0, left))
                raise DeadlineExceeded("the deadline passed", sent=True, timed_out=True)
            self._clock.advance(self._latency)
        if self._script:
            outcome = self._script.popleft()
        elif self._always is not None:
            outcome = self._always
        else:
            raise AssertionError(f"The script is empty; nothing answers {attempt.method} {attempt.target}")
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome if isinstance(outcome, Response) else outcome(attempt)


class _FakeStream:
    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = response.headers
        self._body = response.body

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 16):
            yield self._body[start : start + 16]
