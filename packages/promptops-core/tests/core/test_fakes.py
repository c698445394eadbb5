from __future__ import annotations

from typing import Any

import pytest
from promptops.core.bridge import drive
from promptops.core.messages import READ
from promptops.core.testing import FakeClock, FakeTransport, json_response
from promptops.core.transport import Attempt, ConnectFailed, DeadlineExceeded


def attempt(deadline: float = 2_000.0) -> Attempt:
    return Attempt(
        method="GET", target="/x", headers=(), body=b"", timeouts=READ.timeouts, deadline=deadline, retry_stale=True
    )


def test_script_is_met_in_order_and_recorded() -> None:
    first, second = json_response(1), json_response(2, status=201)
    transport = FakeTransport([first, lambda seen: second, ConnectFailed("no")])
    assert drive(transport.send(attempt())) is first
    assert drive(transport.send(attempt())).status == 201
    with pytest.raises(ConnectFailed):
        drive(transport.send(attempt()))
    assert len(transport.attempts) == 3


def test_empty_script_fails_the_test_rather_than_the_call() -> None:
    transport = FakeTransport()
    with pytest.raises(AssertionError, match="GET /x"):
        drive(transport.send(attempt()))
    transport.add(json_response({}))
    assert drive(transport.send(attempt())).status == 200


def test_latency_moves_the_clock_up_to_the_deadline() -> None:
    clock = FakeClock(now=10.0)
    transport = FakeTransport(json_response({}), clock=clock, latency=3.0)
    drive(transport.send(attempt(deadline=14.0)))
    assert clock.now == 13.0
    with pytest.raises(DeadlineExceeded):
        drive(transport.send(attempt(deadline=14.0)))
    assert clock.now == 14.0
    assert transport.times == [10.0, 13.0]


def test_clock_moves_only_when_told() -> None:
    clock = FakeClock(now=5.0, wall=100.0)
    clock.sleep(2.0)
    clock.advance(1.0)
    assert (clock.monotonic(), clock.time(), clock.sleeps) == (8.0, 103.0, [2.0])


def test_names_of_the_kit_are_there() -> None:
    from promptops.core import testing

    unknown = "nothing"
    members: list[Any] = [getattr(testing, name) for name in testing.__all__]
    assert all(members)
    with pytest.raises(AttributeError):
        getattr(testing, unknown)
