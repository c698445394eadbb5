"""Records some events, says when it is done, and ends without a shutdown, with the exit code 3."""

from __future__ import annotations

import multiprocessing
import sys
import time

from promptops.core import RuntimeConfig
from promptops.telemetry import HttpExporter, Telemetry, TelemetryConfig


def record(url: str, count: int) -> Telemetry:
    exporter = HttpExporter(RuntimeConfig(base_url=url))
    telemetry = Telemetry(TelemetryConfig(sample_rate=1.0, flush_interval=3600), exporter=exporter)
    for _ in range(count):
        telemetry.record("at-exit")
    return telemetry


KEPT: list[Telemetry] = []


def work(url: str) -> None:
    KEPT.append(record(url, 600))


if __name__ == "__main__":
    if sys.argv[2] == "multiprocessing":
        process = multiprocessing.get_context("fork").Process(target=work, args=(sys.argv[1],))
        process.start()
        process.join()
    else:
        KEPT.extend(record(sys.argv[1], 600) for _ in range(2))
    print(time.monotonic(), flush=True)
    sys.exit(3)
