"""Makes a call until it succeeds or is given up: admission by the rate limiter, attempts, the waits between them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from time import perf_counter
from typing import Final

import msgspec
from promptops.experiments._binding import Bound, Values
from promptops.experiments._budget import Budget
from promptops.experiments._calls import Calls, Outcome
from promptops.experiments._control import Control
from promptops.experiments._cost import Usage
from promptops.experiments._loop import Signal
from promptops.experiments._plan import Options
from promptops.experiments._rate_limiter import Admission
from promptops.experiments._rate_signals import headers_of, is_rate_limit, retry_after_of
from promptops.experiments._retries import backoff

__all__ = ["Attempts", "Tried"]

_LONGEST_LOOK: Final = 0.25
_LONGEST_OBEYED: Final = 300.0
_WORTH_TELLING: Final = 0.001


class Tried(msgspec.Struct, frozen=True):
    """What came of a call, over all of its attempts.

    Attributes:
        outcome: Of the last attempt.
        attempts: How many there were.
        waiting: Seconds spent waiting for the rate limiter and between attempts.
        usage: Of all attempts, or None.
        trace_id: Of the last attempt, or None.
    """

    outcome: Outcome
    attempts: int
    waiting: float
    usage: Usage | None
    trace_id: str | None


class Attempts:
    """Makes the calls of one run."""

    def __init__(self, options: Options, control: Control, budget: Budget, calls: Calls) -> None:
        import anyio

        self._options = options
        self._limiter = options.rate_limiter
        self._control = control
        self._budget = budget
        self._calls = calls
        self._ended = Signal(anyio.Event)

    async def make(
        self, bound: Bound, values: Callable[[str | None], Values], timeout: float | None, *, traced: bool = False
    ) -> Tried | None:
        """Make a call as often as the options ask for; None when the run ended before it was settled."""
        failures = refusals = attempts = 0
        waiting = 0.0
        usage: Usage | None = None
        while True:
            started = perf_counter()
            admission = self._limiter.admit()
            if not isinstance(admission, Admission):
                entered = await self._enter(first=attempts == 0)
                if entered is None:
                    return None
                admission = entered
                waiting += perf_counter() - started
            attempts += 1
            trace_id = secrets.token_hex(16) if traced else None
            outcome = await self._call(admission, bound, values(trace_id), timeout)
            if outcome.usage is not None:
                usage = outcome.usage if usage is None else usage + outcome.usage
                self._budget.take(outcome.usage)
            failure = outcome.failure
            if failure is None:
                return Tried(outcome, attempts, waiting, usage, trace_id)
            refused = is_rate_limit(failure)
            failures, refusals = failures + (not refused), refusals + refused
            wait = self._wait(failure, failures, refusals, refused=refused)
            if isinstance(wait, BaseException):
                return Tried(_failed(outcome, wait), attempts, waiting, usage, trace_id)
            waited = await self._pause(wait)
            if waited is None:
                return None
            waiting += waited

    async def _call(self, admission: Admission, bound: Bound, values: Values, timeout: float | None) -> Outcome:
        try:
            outcome = await self._calls.call(bound, values, timeout)
        except BaseException:
            self._limiter.leave(admission, failed=True)
            self._ended.set()
            raise
        if outcome.failure is None:
            self._limiter.leave(admission, tokens=0 if outcome.usage is None else outcome.usage.tokens)
        else:
            self._leave_failed(admission, outcome.failure)
        self._ended.set()
        return outcome

    def _leave_failed(self, admission: Admission, failure: BaseException) -> None:
        refused = is_rate_limit(failure)
        self._limiter.leave(
            admission, refused=refused, failed=True, retry_after=retry_after_of(failure) if refused else None
        )
        headers = headers_of(failure)
        if headers:
            self._limiter.report(headers)

    def _wait(self, failure: BaseException, failures: int, refusals: int, *, refused: bool) -> float | BaseException:
        """Seconds before the next attempt, or the error that stands."""
        if refused:
            # The limiter keeps a Retry-After for all; this only spreads those that were refused together.
            return failure if refusals >= self._limiter.attempts else backoff(min(refusals, 6), first=0.1, longest=5.0)
        try:
            again = self._options.retry.again(failures, failure)
        except (Exception, SystemExit, GeneratorExit) as broken:  # noqa: BLE001 - a user's rule may raise anything, and the row says so
            broken.add_note("raised by retry_on")
            return broken
        return backoff(failures) if again else failure

    async def _enter(self, *, first: bool) -> Admission | None:
        import anyio

        while True:
            admission = self._limiter.admit()
            if isinstance(admission, Admission):
                return admission
            if admission > _LONGEST_OBEYED:
                self._control.stop(
                    f"the provider asks to wait {admission:,.0f} s, more than the {_LONGEST_OBEYED:.0f} s that a run "
                    "waits; resume it later"
                )
            if self._control.interrupts or (
                self._control.stopped is not None and (first or admission > _LONGEST_OBEYED)
            ):
                return None
            with anyio.move_on_after(min(admission, _LONGEST_LOOK)):
                await self._ended.wait()

    async def _pause(self, seconds: float) -> float | None:
        """Wait, and return how long; None when Ctrl-C came first."""
        import anyio

        started = perf_counter()
        while (left := started + seconds - perf_counter()) > 0:
            if self._control.interrupts:
                return None
            await anyio.sleep(min(left, _LONGEST_LOOK))
        return None if self._control.interrupts else perf_counter() - started


def _failed(outcome: Outcome, failure: BaseException) -> Outcome:
    return outcome if failure is outcome.failure else Outcome(None, failure, outcome.seconds)


def waited(seconds: float) -> float | None:
    """Return a waiting time as it is recorded: None when there was none to speak of."""
    return seconds if seconds >= _WORTH_TELLING else None
