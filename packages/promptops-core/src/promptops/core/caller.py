"""The one policy loop: deadline, attempts, waits, gates, key and signature around a transport."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import Final

from promptops.core import limits
from promptops.core.clock import SYSTEM_CLOCK, Clock
from promptops.core.config import RuntimeConfig
from promptops.core.deadlines import Deadlines, entered
from promptops.core.errors import PromptOpsError, ValidationError
from promptops.core.failures import out_of_time
from promptops.core.judge import Call, Judge
from promptops.core.log import event
from promptops.core.messages import READ, Request, Response
from promptops.core.outgoing import Headers, Outgoing
from promptops.core.pools import Pools
from promptops.core.redact import address_of
from promptops.core.retry import MAYBE_DONE
from promptops.core.runtime import StreamedResponse
from promptops.core.streams import TranslatedStream, read_error
from promptops.core.transport import Attempt, ExchangeFailed, Transport, TransportError

__all__ = ["BaseRuntime", "random_fraction"]


_FOR_EVER: Final = float("inf")


def random_fraction() -> float:
    """Uniform in [0, 1); from the system, so a seeded program is not disturbed and forked children differ."""
    return int.from_bytes(os.urandom(6), "big") / 2.0**48


def _is_limit(seconds: object) -> bool:
    return isinstance(seconds, int | float) and 0 < seconds < _FOR_EVER


class BaseRuntime(ABC):
    """The policy of both runtimes; they add how to wait and which transport to use.

    Args:
        config: Address, key and limits.
        transport: Replaces the connections; for tests.
        clock: Replaces the clock; for tests.
        random: Replaces the source of jitter, uniform in [0, 1); for tests.
    """

    def __init__(
        self,
        config: RuntimeConfig,
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
        random: Callable[[], float] | None = None,
    ) -> None:
        self._config = config
        self._origin = config.origin
        self._clock: Clock = SYSTEM_CLOCK if clock is None else clock
        self._now = self._clock.monotonic
        self._timeout = config.timeout
        # A runtime on a transport or clock of its own must not share what it learns with the rest of the process.
        self._isolated = isolated = transport is not None or clock is not None
        proxy = None if config.proxy is None else address_of(config.proxy)
        # A proxy that is down says nothing of the server: who goes there directly, or through another, must not wait.
        route = self._origin.url if proxy is None else f"{self._origin.url} through {proxy}"
        self._limits = limits.OriginLimits() if isolated else limits.limits_for(route)
        self._outgoing = Outgoing(config, limits.Gates() if isolated else limits.SHARED_GATES, self._clock)
        chance = random or random_fraction
        self._judge = Judge(self._origin, self._limits, self._outgoing, self._clock, chance, proxy=proxy)
        self._deadlines = Deadlines(self._now)
        self._pools = Pools(self._make_transport, given=transport)
        if config.needs_httpx and transport is None:
            self._pools.open(READ)  # a client of the wrong kind or a missing extra shows now, not at the first call

    @property
    def config(self) -> RuntimeConfig:
        """The settings of this runtime; secrets are masked when shown."""
        return self._config

    @abstractmethod
    def _make_transport(self) -> Transport:
        """A transport of its own for one kind of call."""

    @abstractmethod
    async def _pause(self, seconds: float) -> None:
        """Wait, whatever deadlines there are."""

    async def send(self, request: Request) -> Response:
        """Send one logical call: authenticate, retry, keep the deadline, decode errors.

        Returns:
            A response whose status is 200..299 or one of ``request.accept_statuses``.

        Raises:
            PromptOpsError: The typed error for everything else.
        """
        profile = request.profile
        transport = self._pools.ready.get(profile.name) or self._pools.open(profile)
        deadline, seconds, own = self._limit(request)
        shared = self._limits
        probing = shared.busy and self._judge.is_probe(request, deadline)
        error: PromptOpsError | None = None
        repeated = False
        number = 0
        try:
            while True:
                headers, gate = self._outgoing.headers(request)
                if gate.state is not None and await self._held(gate, request, deadline, error):
                    continue  # signatures and rotated keys are of now, not of before the wait
                cause: TransportError | None = None
                try:
                    response = await transport.send(self._attempt(request, headers, deadline))
                except TransportError as exc:
                    cause = exc
                    call = Call(request=request, deadline=deadline, seconds=seconds, own_deadline=own)
                    error, delay = self._judge.after_failure(call, exc, number)
                    error.repeated = repeated
                    repeated = repeated or isinstance(exc, ExchangeFailed)
                else:
                    if 200 <= response.status < 300 or response.status in request.accept_statuses:
                        if shared.busy:
                            shared.answered(success=True)
                        return response
                    call = Call(request=request, deadline=deadline, seconds=seconds, own_deadline=own)
                    error, delay = self._judge.after_answer(call, response, gate, number)
                    error.repeated = repeated
                    repeated = repeated or response.status in MAYBE_DONE
                if delay is None:
                    raise error from cause
                number += 1
                event("call_retried", method=request.method, path=request.path, retry=number, after_s=delay)
                await self._pause(delay)
        finally:
            if probing:
                shared.fail_fast.probe_ended()

    def stream(self, request: Request) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send one attempt of a call and read its body in pieces; errors as for :meth:`send`."""
        return self._stream(request)

    @asynccontextmanager
    async def _stream(self, request: Request) -> AsyncGenerator[StreamedResponse, None]:
        profile = request.profile
        transport = self._pools.ready.get(profile.name) or self._pools.open(profile)
        deadline, seconds, own = self._limit(request)
        headers, gate = self._outgoing.headers(request)
        while await self._held(gate, request, deadline, None):
            headers, gate = self._outgoing.headers(request)
        call = Call(request=request, deadline=deadline, seconds=seconds, own_deadline=own)
        try:
            async with transport.stream(self._attempt(request, headers, deadline)) as answer:
                if 200 <= answer.status < 300 or answer.status in request.accept_statuses:
                    self._limits.answered(success=True)
                    yield TranslatedStream(answer, lambda exc: self._judge.failure(call, exc, 1))
                    return
                response = await read_error(answer)
        except TransportError as exc:
            raise self._judge.failure(call, exc, 1) from exc
        raise self._judge.after_answer(call, response, gate, profile.attempts)[0]

    async def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            TimeoutError: A ``deadline()`` block ended first.
        """
        if entered() is None:
            await self._pause(seconds)
            return
        now = self._now()
        expires, limit, own = self._deadlines.limit(now + seconds, seconds)
        await self._pause(max(0.0, expires - now))
        if not own:
            raise out_of_time(self._origin.url, limit)

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """A scope in which every ``send`` and ``sleep`` together may take ``seconds``; then ``TimeoutError``.

        Scopes nest: the one that ends first counts.
        """
        return self._deadlines.enter(seconds)

    async def aclose(self) -> None:
        """Close every connection; safe to call twice. Using the runtime afterwards raises ConfigurationError."""
        await self._pools.aclose()

    def _limit(self, request: Request) -> tuple[float, float, bool]:
        """When a call that starts now must have ended, the length of that limit, and whether it is the call's own."""
        seconds = request.timeout
        if seconds is None:
            seconds = self._timeout or request.profile.deadline
        if not _is_limit(seconds):
            reason = f"must be a positive number of seconds, not {seconds!r:.80}"
            problem = {"field": "timeout", "message": reason, "code": "out_of_range"}
            raise ValidationError(f"timeout {reason}.", validation_errors=[problem])
        deadline = self._now() + seconds
        return (deadline, seconds, True) if entered() is None else self._deadlines.limit(deadline, seconds)

    def _attempt(self, request: Request, headers: Headers, deadline: float) -> Attempt:
        return Attempt(
            method=request.method,
            target=self._outgoing.target(request),
            headers=headers,
            body=request.body or b"",
            timeouts=request.profile.timeouts,
            deadline=deadline,
            # A deletion is repeated by the loop above alone, which then knows what "not found" means.
            retry_stale=request.is_idempotent and request.method != "DELETE",
        )

    async def _held(
        self, gate: limits.NotBefore, request: Request, deadline: float, earlier: PromptOpsError | None
    ) -> bool:
        """Wait for as long as the server asked everyone with this key to; False when there was no need to."""
        wait = self._judge.wait_at_gate(gate, request, deadline, earlier)
        if wait is None:
            return False
        await self._pause(wait)
        return True
