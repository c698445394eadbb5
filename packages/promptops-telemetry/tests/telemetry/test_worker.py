"""Sending: in batches, in order, once each, from a thread that does not die silently."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from promptops.telemetry import DELIVERED, Batch, Outcome, Telemetry, TelemetryConfig
from promptops.telemetry import _worker as worker_module

Make = Callable[..., Any]
Scripted = Callable[..., Any]
Eventually = Callable[..., None]
AGAIN = Outcome(kind="again", reason="down")


def always(outcome: Outcome) -> Callable[[Batch], Outcome]:
    return lambda batch: outcome


def in_turn(*outcomes: Outcome) -> Callable[[Batch], Outcome]:
    script = iter(outcomes)
    return lambda batch: next(script)


def behind(gate: threading.Event) -> Callable[[Batch], Outcome]:
    return lambda batch: DELIVERED if gate.wait(60.0) else AGAIN


def at_most(events: int) -> Callable[[Batch], Outcome]:
    return lambda batch: Outcome(kind="smaller") if len(batch.encoded) > events else DELIVERED


def started(exporter: Any, **settings: Any) -> Any:
    """Telemetry that the test shuts down itself."""
    return Telemetry(TelemetryConfig(sample_rate=1.0, **settings), exporter=exporter)


def test_no_thread_exists_before_the_first_event(make: Make, scripted: Scripted) -> None:
    before = set(threading.enumerate())  # some of which may be ending
    telemetry = make(scripted())
    assert not set(threading.enumerate()) - before
    telemetry.record("a")
    assert set(threading.enumerate()) - before == {telemetry._worker._thread}
    assert telemetry._worker._thread.daemon


def test_a_full_batch_is_sent_at_once(make: Make, scripted: Scripted, eventually: Eventually) -> None:
    exporter = scripted()
    telemetry = make(exporter, batch_size=10, flush_interval=3600)
    for number in range(25):
        telemetry.record(f"event-{number}")
    eventually(lambda: telemetry.summary().pending_events == 5)
    assert exporter.names == [f"event-{number}" for number in range(20)]


def test_a_batch_that_is_not_full_is_sent_after_the_interval(
    make: Make, scripted: Scripted, eventually: Eventually
) -> None:
    exporter = scripted()
    telemetry = make(exporter, flush_interval=0.1)
    start = time.monotonic()
    telemetry.record("a")
    eventually(lambda: exporter.names == ["a"])
    assert time.monotonic() - start >= 0.05
    telemetry.record("b")
    eventually(lambda: exporter.names == ["a", "b"])


def test_an_idle_worker_sleeps(make: Make, scripted: Scripted, eventually: Eventually) -> None:
    telemetry = make(scripted(), flush_interval=0.01)
    telemetry.record("a")
    eventually(lambda: telemetry.summary().pending_events == 0)
    used: list[float] = []
    for _ in range(8):  # what earlier tests began may be ending
        start = time.process_time()
        time.sleep(0.3)
        used.append(time.process_time() - start)
        if used[-1] < 0.05:
            break
    assert min(used) < 0.05


def test_flush_returns_when_everything_arrived(make: Make, scripted: Scripted) -> None:
    exporter = scripted()
    telemetry = make(exporter, flush_interval=3600)
    for _ in range(1_300):
        telemetry.record("a")
    assert telemetry.flush(5.0) is True
    assert [len(batch.encoded) for batch in exporter.delivered] == [512, 512, 276]
    assert telemetry.flush(0.0) is True


def test_flush_says_when_nothing_arrived(make: Make, scripted: Scripted) -> None:
    telemetry = make(scripted(always(AGAIN)))
    telemetry.record("a")
    assert telemetry.flush(5.0) is False
    assert telemetry.summary().pending_events == 1
    assert telemetry.summary().last_error == "down"


def test_flush_without_an_exporter_says_that_nothing_was_delivered(make: Make) -> None:
    telemetry = make()
    assert telemetry.flush(1.0) is True
    telemetry.record("a")
    assert telemetry.flush(1.0) is False


def test_flush_waits_no_longer_than_it_was_told(make: Make, scripted: Scripted) -> None:
    gate = threading.Event()
    telemetry = make(scripted(behind(gate)))
    telemetry.record("a")
    start = time.monotonic()
    assert telemetry.flush(0.1) is False
    assert time.monotonic() - start < 10.0
    gate.set()
    assert telemetry.flush(30.0) is True


def test_a_batch_that_did_not_arrive_is_sent_again_unchanged(make: Make, scripted: Scripted) -> None:
    exporter = scripted(in_turn(AGAIN, AGAIN, DELIVERED))
    telemetry = make(exporter)
    telemetry.record("a")
    assert [telemetry.flush(5.0) for _ in range(3)] == [False, False, True]
    assert len({batch.batch_id for batch in exporter.batches}) == 1
    assert telemetry.summary().last_error is None


def test_an_exporter_that_raises_loses_nothing(make: Make, scripted: Scripted) -> None:
    def broken(_: Batch) -> Outcome:
        raise OSError("disk full")

    exporter = scripted(broken)
    telemetry = make(exporter)
    telemetry.record("a")
    assert telemetry.flush(5.0) is False
    assert telemetry.summary().last_error == "OSError: disk full"
    exporter.answer = always(DELIVERED)
    assert telemetry.flush(5.0) is True


def test_after_a_failure_it_waits_before_it_tries_again(make: Make, scripted: Scripted, eventually: Eventually) -> None:
    exporter = scripted(always(Outcome(kind="again", wait=3600.0, reason="later")))
    telemetry = make(exporter, batch_size=1, flush_interval=0.01)
    for _ in range(20):
        telemetry.record("a")
        eventually(lambda: len(exporter.batches) > 0)
        time.sleep(0.005)
    assert len(exporter.batches) == 1


def test_a_batch_that_is_too_large_is_halved_until_it_fits(
    make: Make, scripted: Scripted, balanced: Callable[[Telemetry], None]
) -> None:
    exporter = scripted(at_most(100))
    telemetry = make(exporter, flush_interval=3600)
    names = [f"event-{number}" for number in range(500)]
    for name in names:
        telemetry.record(name)
    assert telemetry.flush(5.0) is True
    assert exporter.names == names
    assert [len(batch.encoded) for batch in exporter.batches[:4]] == [500, 250, 125, 62]
    balanced(telemetry)


def test_a_single_event_that_is_too_large_is_dropped_and_counted(make: Make, scripted: Scripted) -> None:
    exporter = scripted(always(Outcome(kind="smaller", reason="too large")))
    telemetry = make(exporter)
    telemetry.record("a")
    assert telemetry.flush(5.0) is False
    assert telemetry.summary().dropped_events == 1
    assert telemetry.summary().last_error == "too large"


def test_the_next_batch_that_arrives_says_how_many_were_lost(make: Make, scripted: Scripted) -> None:
    exporter = scripted(in_turn(Outcome(kind="refused", reason="no"), AGAIN, DELIVERED, DELIVERED, DELIVERED))
    telemetry = make(exporter)
    for _ in range(4):
        telemetry.record("a")
        telemetry.flush(5.0)
    assert [batch.dropped for batch in exporter.batches] == [0, 1, 1, 0, 0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # that it ends badly is the point
def test_a_worker_that_died_is_replaced_by_the_next_event(
    make: Make, scripted: Scripted, eventually: Eventually, balanced: Callable[[Telemetry], None]
) -> None:
    def deadly(_: Batch) -> Outcome:
        raise SystemExit  # ends the thread, and says nothing

    exporter = scripted(deadly)
    telemetry = make(exporter, batch_size=1, flush_interval=0.01)
    for _ in range(20):
        telemetry.record("a")
        eventually(lambda: not telemetry._worker.is_alive)
        balanced(telemetry)
    assert len(exporter.threads) >= 1
    assert len(exporter.batches) == 20
    exporter.answer = always(DELIVERED)
    telemetry.record("a")
    assert telemetry.flush(5.0) is True
    assert telemetry.summary().delivered_events == 21
    balanced(telemetry)


def test_many_threads_lose_nothing(make: Make, scripted: Scripted) -> None:
    exporter = scripted()
    telemetry = make(exporter, flush_interval=0.01, batch_size=50)

    def record() -> None:
        for _ in range(500):
            telemetry.record("a")

    threads = [threading.Thread(target=record) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert telemetry.flush(10.0) is True
    summary = telemetry.summary()
    assert summary.offered_events == 4_000
    assert len(exporter.names) + summary.dropped_events == 4_000


def test_shutdown_sends_what_is_left_and_ends_the_thread(
    scripted: Scripted, eventually: Eventually, balanced: Callable[[Telemetry], None]
) -> None:
    exporter = scripted()
    telemetry = started(exporter, flush_interval=3600)
    for _ in range(600):
        telemetry.record("a")
    worker = telemetry._worker
    assert telemetry.shutdown() is True
    eventually(lambda: not worker.is_alive and exporter.closed == 1)
    telemetry.record("late")
    assert telemetry.shutdown() is True
    summary = telemetry.summary()
    assert (summary.delivered_events, summary.pending_events, summary.enabled) == (600, 0, False)
    balanced(telemetry)


def test_what_shutdown_could_not_send_is_counted_as_dropped(
    scripted: Scripted, balanced: Callable[[Telemetry], None]
) -> None:
    telemetry = started(scripted(always(AGAIN)))
    for _ in range(600):
        telemetry.record("a")
    assert telemetry.shutdown(5.0) is False
    assert telemetry.summary().dropped_events == 600
    balanced(telemetry)


def test_shutdown_does_not_wait_for_an_exporter_that_hangs(
    scripted: Scripted, eventually: Eventually, balanced: Callable[[Telemetry], None]
) -> None:
    gate = threading.Event()
    exporter = scripted(behind(gate))
    telemetry = started(exporter)
    for _ in range(600):
        telemetry.record("a")
    eventually(lambda: len(exporter.batches) == 1)
    start = time.monotonic()
    assert telemetry.shutdown(0.3) is False
    assert time.monotonic() - start < 10.0
    balanced(telemetry)
    assert telemetry.summary().pending_events == 512
    gate.set()
    eventually(lambda: telemetry.summary().delivered_events == 512)
    balanced(telemetry)


def test_telemetry_that_nobody_holds_sends_what_it_has_and_leaves_no_thread(
    scripted: Scripted, eventually: Eventually
) -> None:
    exporter = scripted()
    telemetry = started(exporter, flush_interval=0.01)
    telemetry.record("a")
    worker = telemetry._worker
    del telemetry
    eventually(lambda: not worker.is_alive)
    assert exporter.names == ["a"]


def test_telemetry_that_nobody_holds_does_not_try_for_ever(
    scripted: Scripted, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_RETIRED_SECONDS", 0.2)
    telemetry = started(scripted(always(AGAIN)), flush_interval=0.01)
    telemetry.record("a")
    worker = telemetry._worker
    del telemetry
    eventually(lambda: not worker.is_alive)
    assert worker.buffer.counts().dropped == 1


@pytest.mark.parametrize("size", [1, 7])
def test_another_configuration_is_followed_at_once(
    make: Make, scripted: Scripted, eventually: Eventually, size: int
) -> None:
    exporter = scripted()
    telemetry = make(exporter, flush_interval=3600)
    telemetry.reconfigure(TelemetryConfig(sample_rate=1.0, batch_size=size, flush_interval=3600))
    for _ in range(14):
        telemetry.record("a")
    eventually(lambda: telemetry.summary().delivered_events == 14)
    assert max(len(batch.encoded) for batch in exporter.batches) <= size
    assert telemetry.summary().batch_size == size
