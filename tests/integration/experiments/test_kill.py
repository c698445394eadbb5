"""Runs that are killed, interrupted or cut off from their server, as real processes: what they paid for is kept."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.experiments import AsyncDatasets, AsyncExperiments, SyncDatasets, SyncExperiments
from promptops.experiments.journal import Journal
from promptops.models.experiments import ExperimentRun
from promptops.server import EmbeddedServer

SOAK = os.environ.get("PROMPTOPS_SOAK") == "1"
KILLS = 20 if SOAK else 3
EXAMPLES = 500
REPETITIONS = 3
CONCURRENCY = 8

PROGRAM = '''
"""Runs or resumes an experiment; each call of the task and of the judge is a line in a file of its own."""
import os, signal, sys, time
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.experiments import AsyncExperiments, SyncExperiments

signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background has it ignored
url, dataset, name, journal, calls, task_s, judge_s, kind = sys.argv[1:]
file = os.open(calls, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def answer(example):
    os.write(file, f"task {example['i']}\\n".encode())
    time.sleep(float(task_s))
    return str(example["i"])

def judge(output, example):
    os.write(file, f"judge {example['i']}\\n".encode())
    time.sleep(float(judge_s))
    return True

experiments = SyncExperiments(AsyncExperiments(SyncRuntime(RuntimeConfig(base_url=url))))
options = dict(task=answer, evaluators=judge, dataset=dataset, journal=journal, concurrency=8, progress=False)
if kind == "run":
    options["repetitions"] = int(os.environ["REPETITIONS"])
print("ready", flush=True)
result = getattr(experiments, kind)(name, **options)
print(f"done {len(result.rows)}", flush=True)
'''


class Program:
    """An experiment in processes of its own."""

    def __init__(self, directory: Path, url: str, dataset: str, *, task_s: float, judge_s: float) -> None:
        self.journal = directory / "journal.sqlite3"
        self.calls = directory / "calls"
        self.name = f"killed-{uuid.uuid4().hex}"
        self._program = directory / "program.py"
        self._program.write_text(PROGRAM, encoding="utf-8")
        self._arguments = [url, dataset, self.name, self.journal, self.calls, task_s, judge_s]
        self._running: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._running is not None and self._running.poll() is None:
            killed(self._running)

    def takes(self, task_s: float) -> None:
        """How long a call of the task takes from the next start on."""
        self._arguments[5] = task_s

    def start(self, kind: str, repetitions: int = 1) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(self._program), *map(str, self._arguments), kind],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "REPETITIONS": str(repetitions)},
        )
        self._running = process
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def finish(self, kind: str = "resume", repetitions: int = 1) -> str:
        process = self.start(kind, repetitions)
        out, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
        return out

    def journaled(self) -> int:
        """How many outputs the journal holds."""
        with Journal.open(self.journal) as journal:
            return sum(journal.counts(self.name).values())

    def calls_of(self, what: str) -> Counter[str]:
        lines = self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []
        return Counter(number for kind, _, number in (line.partition(" ") for line in lines) if kind == what)

    def wait_for(self, what: str, count: int) -> None:
        deadline = time.monotonic() + 120
        while sum(self.calls_of(what).values()) < count:
            assert time.monotonic() < deadline, f"not so many calls of the {what}: {self.calls_of(what).total()}"
            time.sleep(0.01)


def killed(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    process.send_signal(number)
    process.communicate(timeout=60)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "data") as running:
        yield running


@pytest.fixture
def runtime(server: EmbeddedServer) -> Iterator[SyncRuntime]:
    runtime = SyncRuntime(RuntimeConfig(base_url=server.url))
    yield runtime
    drive(runtime.aclose())


@pytest.fixture
def experiments(runtime: SyncRuntime) -> SyncExperiments:
    return SyncExperiments(AsyncExperiments(runtime))


def dataset_of(runtime: SyncRuntime, count: int) -> str:
    datasets = SyncDatasets(AsyncDatasets(runtime))
    return datasets.create(f"d-{uuid.uuid4().hex}", [{"i": i, "expected": str(i)} for i in range(count)]).id


def keys(rows: list[ExperimentRun]) -> Counter[tuple[str | None, int]]:
    return Counter((row.example_id, row.repetition) for row in rows)


@pytest.mark.timeout(600)
def test_a_killed_run_resumes_without_paying_twice(
    tmp_path: Path, server: EmbeddedServer, runtime: SyncRuntime, experiments: SyncExperiments
) -> None:
    dataset = dataset_of(runtime, EXAMPLES)
    with Program(tmp_path, server.url, dataset, task_s=0.01, judge_s=0.0) as program:
        total = EXAMPLES * REPETITIONS
        chance = random.Random(5)
        executions = 0
        for number in range(KILLS):
            process = program.start("run" if number == 0 else "resume", REPETITIONS)
            program.wait_for("task", executions + total // (KILLS + 1) // 2)
            time.sleep(chance.uniform(0, 0.03))
            killed(process)
            executions = program.calls_of("task").total()
            lost = executions - program.journaled()
            # What was in flight was paid for and is lost; everything that was journaled is never paid for again.
            assert 0 <= lost <= CONCURRENCY * (number + 1)
        assert f"done {total}" in program.finish()
        rows = experiments.runs(program.name, dataset=dataset)
        assert len(rows) == total
        assert set(keys(rows).values()) == {1}
        assert all(row.score("judge") == 1 for row in rows)
        again = program.calls_of("task").total() - total
        assert 0 <= again <= CONCURRENCY * KILLS
        assert program.finish() == f"done {total}\n"
        assert program.calls_of("task").total() == total + again, "a finished run paid for something again"


def test_a_run_that_is_killed_while_it_scores_keeps_the_answers(
    tmp_path: Path, server: EmbeddedServer, runtime: SyncRuntime, experiments: SyncExperiments
) -> None:
    count = CONCURRENCY * (KILLS + 2)
    dataset = dataset_of(runtime, count)
    with Program(tmp_path, server.url, dataset, task_s=0.0, judge_s=1.5) as program:
        judged = 0
        for number in range(KILLS):
            process = program.start("run" if number == 0 else "resume")
            # Tasks take no time: whenever something is under way, it is a judgement. The first round of them is done.
            program.wait_for("judge", judged + 2 * CONCURRENCY)
            time.sleep(0.1)
            killed(process)
            judged = program.calls_of("judge").total()
        assert f"done {count}" in program.finish()
        assert set(program.calls_of("task").values()) == {1}
        assert program.calls_of("judge").total() <= count + CONCURRENCY * KILLS
        rows = experiments.runs(program.name, dataset=dataset)
        assert len(rows) == count
        assert all(row.score("judge") == 1 for row in rows)


def test_ctrl_c_in_a_program_drains_and_twice_stops(
    tmp_path: Path, server: EmbeddedServer, runtime: SyncRuntime, experiments: SyncExperiments
) -> None:
    dataset = dataset_of(runtime, 40)
    with Program(tmp_path, server.url, dataset, task_s=1.0, judge_s=0.0) as program:
        process = program.start("run")
        program.wait_for("task", CONCURRENCY)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert time.monotonic() - started < 30
        assert "KeyboardInterrupt" in errors
        assert "goes on from there" in errors
        drained = program.calls_of("task").total()
        assert program.journaled() == drained == len(experiments.runs(program.name, dataset=dataset))

        program.takes(60.0)
        process = program.start("resume")
        program.wait_for("task", drained + CONCURRENCY)
        process.send_signal(signal.SIGINT)
        time.sleep(1.5)  # two that come before the interpreter looks are one
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert time.monotonic() - started < 20.0  # the end of the interpreter included, and no end of a task
        assert "KeyboardInterrupt" in errors
        assert program.journaled() == drained
        program.takes(0.1)
        assert "done 40" in program.finish()
        assert len(experiments.runs(program.name, dataset=dataset)) == 40


def test_a_server_that_goes_away_costs_no_result(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ExitStack() as stack:
        with EmbeddedServer(data) as server:
            port = int(server.url.rpartition(":")[2])
            runtime = SyncRuntime(RuntimeConfig(base_url=server.url))
            dataset = dataset_of(runtime, 300)
            program = stack.enter_context(Program(tmp_path, server.url, dataset, task_s=0.05, judge_s=0.0))
            process = program.start("run")
            program.wait_for("task", 60)
            drive(runtime.aclose())
        program.wait_for("task", 300)  # nobody listens, and the run goes on
        with EmbeddedServer(data, port=port) as server:
            recovered = time.monotonic()
            out, errors = process.communicate(timeout=200)
            assert process.returncode == 0, errors
            assert time.monotonic() - recovered < 150
            assert out == "done 300\n"
            runtime = SyncRuntime(RuntimeConfig(base_url=server.url))
            rows = SyncExperiments(AsyncExperiments(runtime)).runs(program.name, dataset=dataset)
            drive(runtime.aclose())
        assert len(rows) == len(keys(rows)) == 300
        assert program.calls_of("task").total() == 300
