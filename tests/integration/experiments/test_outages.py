"""A server that is away in the middle of a run: nothing is lost, and what waited is stored soon after its return."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.experiments import AsyncDatasets, AsyncExperiments, SyncDatasets, SyncExperiments
from promptops.experiments.journal import Journal
from promptops.server import EmbeddedServer

SOAK = os.environ.get("PROMPTOPS_SOAK") == "1"
OUTAGE_SECONDS = 600.0 if SOAK else 3.0
DRAINED_SECONDS = 60.0
EXAMPLES = 320
CONCURRENCY = 8
TASK_SECONDS = OUTAGE_SECONDS / 28
"""So that the run lasts longer than the outage, whichever of its first rounds that begins in."""

PROGRAM = """
import sys, time
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.experiments import AsyncExperiments, SyncExperiments

url, dataset, journal, concurrency, seconds = sys.argv[1:]

def answer(example):
    time.sleep(float(seconds))
    return str(example["i"])

experiments = SyncExperiments(AsyncExperiments(SyncRuntime(RuntimeConfig(base_url=url))))
result = experiments.run(
    "e", dataset=dataset, task=answer, journal=journal, concurrency=int(concurrency), progress=False
)
print(len(result.rows))
"""


def wait_until(ready: Callable[[], bool], seconds: float) -> float:
    """Wait for something, and return how long that took."""
    started = time.monotonic()
    while not ready():
        assert time.monotonic() - started < seconds, f"it did not come about within {seconds:g} s"
        time.sleep(0.05)
    return time.monotonic() - started


@pytest.mark.timeout(1_200 if SOAK else 300)
def test_an_outage_in_the_middle_of_a_run_loses_nothing_and_is_made_up_for(tmp_path: Path) -> None:
    program, journal, data = tmp_path / "program.py", tmp_path / "journal", tmp_path / "data"
    program.write_text(PROGRAM, encoding="utf-8")

    def journaled() -> int:
        with Journal.open(journal) as found:
            return sum(found.counts("e").values()) if any(True for _ in found.experiments()) else 0

    with EmbeddedServer(data) as server:
        port = int(server.url.rpartition(":")[2])
        runtime = SyncRuntime(RuntimeConfig(base_url=server.url))
        name = f"d-{uuid.uuid4().hex}"
        dataset = SyncDatasets(AsyncDatasets(runtime)).create(name, [{"i": i} for i in range(EXAMPLES)]).id
        drive(runtime.aclose())
        arguments = [server.url, dataset, str(journal), str(CONCURRENCY), str(TASK_SECONDS)]
        running = subprocess.Popen(
            [sys.executable, str(program), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: journaled() >= 2 * CONCURRENCY, 60 + 4 * TASK_SECONDS)
    try:
        before = journaled()
        time.sleep(OUTAGE_SECONDS)
        paid = journaled()
        assert paid > before, "the run waits for the server"
        with EmbeddedServer(data, port=port) as server:
            runtime = SyncRuntime(RuntimeConfig(base_url=server.url))
            experiments = SyncExperiments(AsyncExperiments(runtime))

            def stored() -> int:
                return sum(len(experiments.runs(item.id)) for item in experiments.list(dataset=dataset))

            wait_until(lambda: stored() >= paid, DRAINED_SECONDS)
            out, errors = running.communicate(timeout=300)
            assert (running.returncode, out) == (0, f"{EXAMPLES}\n"), errors
            assert sorted(int(run.output or "-1") for run in experiments.runs("e", dataset=dataset)) == list(
                range(EXAMPLES)
            )
            drive(runtime.aclose())
    finally:
        if running.poll() is None:
            running.kill()
            running.communicate(timeout=60)
