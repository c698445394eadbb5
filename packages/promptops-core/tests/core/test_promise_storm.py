"""T11: retries never multiply the load of an outage, in virtual time."""

from __future__ import annotations

from typing import Any

from promptops.core import NetworkError, Request, RuntimeConfig, ServerError
from promptops.core import TimeoutError as PromptOpsTimeoutError
from promptops.core import limits as limits_module
from promptops.core.bridge import drive
from promptops.core.messages import PROMPT_READ, PROMPT_REFRESH, READ
from promptops.core.sync_runtime import SyncRuntime
from promptops.core.testing import FakeClock, FakeTransport, json_response

OK = json_response({})
DOWN = json_response({}, status=503)


def simulate(outcome: Any, *, seconds: float, rps: float, profile: Any = READ) -> tuple[int, int, int]:
    """Calls at a steady rate; how many calls, attempts and successes there were."""
    clock = FakeClock()
    transport = FakeTransport(outcome, clock=clock)
    runtime = SyncRuntime(RuntimeConfig(base_url="http://server.test"), transport=transport, clock=clock)
    end = clock.now + seconds
    calls = successes = 0
    due = clock.now
    while due < end:
        clock.now = max(clock.now, due)  # a call that took long delays nobody else: callers are independent
        started = due
        try:
            drive(runtime.send(Request(method="GET", path="/x", profile=profile)))
            successes += 1
        except (ServerError, NetworkError, PromptOpsTimeoutError):
            pass
        calls += 1
        due = started + 1 / rps
        clock.now = due
    return calls, len(transport.attempts), successes


def test_ten_minutes_of_503_cost_at_most_a_tenth_more() -> None:
    for rps in (1.0, 10.0):
        calls, attempts, _ = simulate(DOWN, seconds=600, rps=rps)
        assert calls >= 600
        assert attempts / calls <= 1.10


def test_rare_callers_send_at_most_ten_extra_requests_per_outage() -> None:
    calls, attempts, _ = simulate(DOWN, seconds=600, rps=0.1)
    assert attempts - calls <= 10


def test_control_without_a_budget_the_load_triples(monkeypatch: Any) -> None:
    def generous(self: object, cost: float) -> bool:
        return True

    monkeypatch.setattr(limits_module.Budget, "take", generous)
    calls, attempts, _ = simulate(DOWN, seconds=600, rps=1.0)
    assert attempts / calls > 2.5


def test_background_refresh_is_never_retried() -> None:
    calls, attempts, _ = simulate(DOWN, seconds=600, rps=1.0, profile=PROMPT_REFRESH)
    assert attempts == calls


def test_partial_outage_stays_within_the_budget() -> None:
    state = {"count": 0}

    def half(attempt: Any) -> Any:
        state["count"] += 1
        return DOWN if state["count"] % 2 else OK

    calls, attempts, successes = simulate(half, seconds=600, rps=1.0)
    assert attempts / calls <= 1.10
    assert successes / calls >= 0.45


def test_recovery_is_complete_within_two_seconds() -> None:
    clock_of: list[FakeClock] = []

    def outcome(attempt: Any) -> Any:
        return DOWN if clock_of[0].now < 1_060.0 else OK

    clock = FakeClock()
    clock_of.append(clock)
    transport = FakeTransport(outcome, clock=clock)
    runtime = SyncRuntime(RuntimeConfig(base_url="http://server.test"), transport=transport, clock=clock)
    failed_at: list[float] = []
    for step in range(700):
        clock.now = 1_000.0 + step / 10
        started = clock.now
        try:
            drive(runtime.send(Request(method="GET", path="/x", profile=PROMPT_READ)))
        except ServerError:
            failed_at.append(started)
    assert max(failed_at) <= 1_062.0
