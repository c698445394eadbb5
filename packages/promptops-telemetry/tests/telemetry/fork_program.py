"""Forks while the parent's queue is full of events and its lock is held; prints what became of every event."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

from promptops.core import RuntimeConfig
from promptops.telemetry import HttpExporter, Telemetry, TelemetryConfig

CHILDREN = 4
EVENTS = 1_000


def child(telemetry: Telemetry, number: int) -> int:
    start = telemetry.summary()
    if start.offered_events or start.pending_events:
        return 1
    for _ in range(EVENTS):
        telemetry.record(f"child-{number}")
    if not telemetry.flush(20.0):
        print(telemetry.summary(), file=sys.stderr)
        return 2
    return 0 if telemetry.summary().delivered_events == EVENTS else 3


def main(url: str, how: str) -> int:
    exporter = HttpExporter(RuntimeConfig(base_url=url))
    telemetry = Telemetry(TelemetryConfig(sample_rate=1.0, flush_interval=3600), exporter=exporter)
    telemetry.record("warm")
    assert telemetry.flush(10.0)  # there is a thread, and a connection
    for _ in range(100):
        telemetry.record("parent")
    if how == "no-hooks":  # as uWSGI forks: the check of the pid alone must do
        Telemetry.after_fork = lambda self: None  # type: ignore[method-assign]
    held = threading.Event()
    over = threading.Event()

    inside: Any = telemetry

    def hold() -> None:
        with inside._worker.buffer._lock:
            held.set()
            over.wait(10.0)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10.0)
    pids: list[int] = []
    for number in range(CHILDREN):
        pid = os.fork()
        if pid == 0:
            os._exit(child(telemetry, number))
        pids.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    over.set()
    holder.join()
    start = time.monotonic()
    sent = telemetry.shutdown()
    print(codes, sent, telemetry.summary().delivered_events, time.monotonic() - start < 15.0)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
