"""After an attempt: what went wrong, what everyone should learn from it, and whether to try again."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from promptops.core import retry
from promptops.core.clock import Clock
from promptops.core.config import Origin
from promptops.core.decode import error_from_response
from promptops.core.errors import NetworkError, PromptOpsError, RateLimitError, ServerError
from promptops.core.failures import classify, error_from_failure
from promptops.core.limits import NotBefore, NotBeforeState, OriginLimits
from promptops.core.messages import PROMPT_READ, Request, Response
from promptops.core.outgoing import Outgoing
from promptops.core.pacing import parse_retry_after
from promptops.core.retry import Failure
from promptops.core.transport import TransportError

__all__ = ["Call", "Judge"]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One logical call whose first attempt did not succeed.

    Attributes:
        request: What was asked.
        deadline: When it must have ended, on the monotonic clock.
        seconds: The limit that the deadline came from.
        own_deadline: Whether that limit is the call's own rather than that of a ``deadline()`` block around it.
    """

    request: Request
    deadline: float
    seconds: float
    own_deadline: bool


class Judge:
    """Decides for one runtime; it waits for nothing and sends nothing."""

    def __init__(
        self,
        origin: Origin,
        limits: OriginLimits,
        outgoing: Outgoing,
        clock: Clock,
        random: Callable[[], float],
        *,
        proxy: str | None = None,
    ) -> None:
        self._origin = origin
        self._proxy = proxy
        self._limits = limits
        self._outgoing = outgoing
        self._clock = clock
        self._random = random

    def after_answer(
        self, call: Call, response: Response, gate: NotBefore, number: int
    ) -> tuple[PromptOpsError, float | None]:
        """The error of an answer, and the seconds before the next attempt or None.

        Args:
            call: The call.
            response: An answer that is not a success.
            gate: The pause of the key that was used.
            number: 0 after the first attempt.
        """
        request, status = call.request, response.status
        wall = self._clock.time()
        outgoing = self._outgoing
        error = error_from_response(
            response, secrets=outgoing.secrets, now=wall, names=self._origin.names, keyless=outgoing.keyless
        )
        self._limits.answered(success=False)
        pacing = parse_retry_after(response.headers, now=wall)
        if pacing is None and isinstance(error, RateLimitError) and error.retry_after > 0:
            pacing = float(error.retry_after)  # the body or the quota headers said so
        now = self._clock.monotonic()
        if pacing is not None and status in {429, 503}:
            gate.hold(now=now, seconds=pacing, status=status, message=error.message, request_id=error.request_id)
        should = retry.should_retry_header(response.headers)
        if not retry.retries_status(
            status, request, should_retry=should, paced=pacing is not None, code=error.error_code
        ):
            return error, None
        if pacing is None:
            delay: float | None = retry.next_delay(request.profile, number, self._random())
        else:
            delay = retry.paced_delay(pacing, request.profile.max_retry_after, self._random())
        return error, self._affordable(call, delay, number, now, retry.COST)

    def after_failure(self, call: Call, exc: TransportError, number: int) -> tuple[PromptOpsError, float | None]:
        """The error of an attempt without an answer, and the seconds before the next attempt or None."""
        profile = call.request.profile
        failure = classify(exc)
        error = self.failure(call, exc, number + 1)
        now = self._clock.monotonic()
        delay: float | None = None
        if retry.retries_failure(failure, call.request):
            cost = retry.COST_AFTER_TIMEOUT if exc.timed_out else retry.COST
            delay = self._affordable(call, retry.next_delay(profile, number, self._random()), number, now, cost)
        if profile.name == PROMPT_READ.name:
            if failure is Failure.NEVER_SENT and not exc.timed_out:
                self._limits.connect_failed(now, error.message)
            elif delay is None and exc.timed_out and failure is not Failure.POOL_BUSY and call.own_deadline:
                self._limits.deadline_spent(now, error.message)
        return error, delay

    def failure(self, call: Call, exc: TransportError, attempts: int) -> PromptOpsError:
        """The public error of a failed attempt; raise it ``from exc``."""
        return error_from_failure(
            exc,
            origin=self._origin,
            seconds=call.seconds,
            timeouts=call.request.profile.timeouts,
            attempts=attempts,
            proxy=self._proxy,
            secrets=self._outgoing.secrets,
        )

    def is_probe(self, request: Request, deadline: float) -> bool:
        """Whether this call is the one that finds out whether a silent server is back.

        Raises:
            NetworkError: It is not: the server did not answer a moment ago, so the call is not sent.
        """
        gate = self._limits.fail_fast
        if not gate.open or request.profile.name != PROMPT_READ.name:
            return False
        if gate.admits(self._clock.monotonic(), deadline):
            return True
        raise NetworkError(
            f"{gate.reason} That was a moment ago: this call was not sent; the server is asked once a second.",
            details={"fail_fast": True, "url": self._origin.url},
        )

    def wait_at_gate(
        self, gate: NotBefore, request: Request, deadline: float, earlier: PromptOpsError | None
    ) -> float | None:
        """Seconds until the server wants to be asked again, or None when it may be asked now.

        Raises:
            PromptOpsError: That is too late for this call: the error it had already, or the one behind the pause.
        """
        now = self._clock.monotonic()
        state = gate.current(now)
        if state is None:
            return None
        wait = state.until - now
        if wait > request.profile.max_retry_after or state.until >= deadline:
            raise earlier if earlier is not None else _held_back(state, wait)
        # Not all at the same moment, and never early.
        return min(wait * (1.0 + 0.1 * self._random()), max(wait, deadline - now))

    def _affordable(self, call: Call, delay: float | None, number: int, now: float, cost: float) -> float | None:
        """The wait, if attempts, time and the budget of the process allow another attempt."""
        if delay is None or number + 1 >= call.request.profile.attempts or now + delay >= call.deadline:
            return None
        return delay if self._limits.take(cost) else None


def _held_back(state: NotBeforeState, wait: float) -> PromptOpsError:
    seconds = int(-(-wait // 1))
    message = f"{state.message} The server asked for a pause of which {seconds} s are left; this call was not sent."
    if state.status == 429:
        return RateLimitError(message, retry_after=seconds, request_id=state.request_id)
    return ServerError(message, status_code=state.status, request_id=state.request_id)
