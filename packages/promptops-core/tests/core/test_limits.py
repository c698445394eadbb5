from __future__ import annotations

import os
import threading

import pytest
from promptops.core import limits
from promptops.core.limits import Budget, FailFast, Gates, NotBefore, OriginLimits


def test_budget_pays_ten_retries_then_refuses() -> None:
    budget = Budget()
    assert [budget.take(1.0) for _ in range(11)] == [True] * 10 + [False]


def test_retries_after_timeouts_cost_twice() -> None:
    budget = Budget()
    assert [budget.take(2.0) for _ in range(6)] == [True] * 5 + [False]


def test_ten_successes_earn_one_retry_and_the_bucket_never_overflows() -> None:
    budget = Budget()
    while budget.take(1.0):
        pass
    for _ in range(9):
        budget.refill()
    assert not budget.take(1.0)
    budget.refill()
    assert budget.take(1.0)
    for _ in range(1000):
        budget.refill()
    assert budget.tokens == 10.0


def test_budget_counts_exactly_between_threads() -> None:
    budget = Budget()
    taken: list[bool] = []
    threads = [threading.Thread(target=lambda: taken.extend(budget.take(1.0) for _ in range(50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 10


def test_budget_and_gates_are_shared_by_origin_and_key() -> None:
    assert limits.limits_for("http://a.test") is limits.limits_for("http://a.test")
    assert limits.limits_for("http://a.test") is not limits.limits_for("http://b.test")
    gates = Gates()
    assert gates.of("http://a.test", "k") is gates.of("http://a.test", "k")
    assert gates.of("http://a.test", "k") is not gates.of("http://a.test", "other")
    assert gates.of("http://a.test", "k") is not gates.of("http://b.test", "k")


def test_gates_keep_no_key_and_do_not_grow_without_bound() -> None:
    gates = Gates()
    for number in range(3000):
        gates.of("http://a.test", f"canary-{number}")
    state = vars(gates)["_gates"]
    assert len(state) <= 1024
    assert "canary" not in repr(state)


def test_longer_pause_wins_and_ends() -> None:
    gate = NotBefore()
    gate.hold(now=100.0, seconds=10.0, status=429, message="slow", request_id="r1")
    gate.hold(now=101.0, seconds=2.0, status=503, message="other", request_id="r2")
    state = gate.current(105.0)
    assert state is not None
    assert (state.until, state.request_id) == (110.0, "r1")
    assert gate.current(110.0) is None
    assert gate.state is None


def test_one_answer_cannot_silence_a_process_for_hours() -> None:
    gate = NotBefore()
    gate.hold(now=0.0, seconds=36_000.0, status=429, message="", request_id=None)
    assert gate.current(299.9) is not None
    assert gate.current(300.0) is None


def test_fail_fast_opens_after_five_quick_connect_failures_within_ten_seconds() -> None:
    gate = FailFast()
    for second in (0.0, 1.0, 2.0, 3.0):
        gate.connect_failed(second, "down")
    assert not gate.open
    gate.connect_failed(10.0, "down")
    assert gate.open


def test_fail_fast_ignores_failures_that_are_far_apart() -> None:
    gate = FailFast()
    for second in range(0, 100, 3):
        gate.connect_failed(float(second), "down")
    assert not gate.open


def test_answer_forgets_the_failures_before_it() -> None:
    gate = FailFast()
    for _ in range(4):
        gate.connect_failed(1.0, "down")
    gate.answered()
    gate.connect_failed(1.0, "down")
    assert not gate.open


def test_open_gate_lets_one_probe_out_each_second() -> None:
    gate = FailFast()
    gate.deadline_spent(10.0, "silent")
    admitted: list[float] = []
    for step in range(31):
        now = 10.0 + step / 10
        if gate.admits(now, deadline=now + 0.05):
            admitted.append(round(now, 1))
            gate.probe_ended()
    assert admitted == [11.0, 12.0, 13.0]


def test_second_probe_waits_for_the_first() -> None:
    gate = FailFast()
    gate.deadline_spent(0.0, "silent")
    assert gate.admits(1.0, deadline=4.0)
    assert not gate.admits(2.5, deadline=5.5)
    gate.probe_ended()
    assert gate.admits(2.6, deadline=5.6)


def test_probe_that_never_reports_back_does_not_block_for_ever() -> None:
    gate = FailFast()
    gate.deadline_spent(0.0, "silent")
    assert gate.admits(1.0, deadline=4.0)
    assert gate.admits(4.0, deadline=7.0)


def test_all_is_well_needs_no_look_at_the_details() -> None:
    state = OriginLimits()
    seen = [state.busy]
    state.take(1.0)
    seen.append(state.busy)
    for _ in range(10):
        state.answered(success=True)
    assert [*seen, state.busy] == [False, True, False]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_child_is_not_stuck_on_a_lock_of_the_parent() -> None:
    holder = limits._Process.lock  # pyright: ignore[reportPrivateUsage]
    with holder:
        child = os.fork()
        if child == 0:
            os._exit(0 if Budget().take(1.0) else 1)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
