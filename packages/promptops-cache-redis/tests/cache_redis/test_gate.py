"""The gate: one attempt, then nothing until a probe succeeds."""

from __future__ import annotations

import pytest
from promptops.cache_redis._gate import Gate, probe_delay


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("outage", "delay"), [(0.0, 1.0), (9.0, 1.0), (20.0, 2.0), (60.0, 6.0), (300.0, 30.0), (86_400.0, 30.0)]
)
def test_probes_come_at_most_once_a_second_and_at_least_every_half_minute(outage: float, delay: float) -> None:
    assert probe_delay(outage) == delay


def test_the_first_failure_closes_it_and_only_the_first_asks_for_probes() -> None:
    gate = Gate(Clock())
    tickets = [gate.enter(), gate.enter()]
    assert [gate.fail(ticket) for ticket in tickets if ticket is not None] == [True, False]
    assert gate.enter() is None


def test_an_attempt_from_before_the_recovery_does_not_close_it_again() -> None:
    gate = Gate(Clock())
    early, late = gate.enter(), gate.enter()
    assert early is not None
    assert late is not None
    gate.fail(early)
    gate.reopen()
    assert not gate.fail(late)
    assert gate.enter() is not None


def test_a_moment_of_health_does_not_begin_a_new_outage() -> None:
    clock = Clock()
    gate = Gate(clock)
    gate.fail(gate.enter() or 0)
    clock.now += 100.0
    gate.reopen()
    clock.now += 1.0
    gate.fail(gate.enter() or 0)
    assert gate.pause() == pytest.approx(10.1)


def test_after_a_while_of_health_an_outage_is_a_new_one() -> None:
    clock = Clock()
    gate = Gate(clock)
    gate.fail(gate.enter() or 0)
    clock.now += 100.0
    gate.reopen()
    clock.now += 10.0
    gate.fail(gate.enter() or 0)
    assert gate.pause() == 1.0
