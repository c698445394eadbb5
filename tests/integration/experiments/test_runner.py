"""The runner against a real server: both facades, both kinds of tasks, interruptions."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from promptops.client import SyncPromptOpsClient
from promptops.core import AsyncRuntime, RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.experiments import (
    AsyncDatasets,
    AsyncExperiments,
    ExperimentResult,
    SyncDatasets,
    SyncExperiments,
    exact_match,
)
from promptops.models import DatasetExample, Experiment
from promptops.server import EmbeddedServer

Run = Callable[..., ExperimentResult]
ROWS = 1319


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with EmbeddedServer() as server:
        yield server.url


@pytest.fixture
def runtime(url: str) -> Iterator[SyncRuntime]:
    runtime = SyncRuntime(RuntimeConfig(base_url=url))
    yield runtime
    drive(runtime.aclose())


@pytest.fixture
def datasets(runtime: SyncRuntime) -> SyncDatasets:
    return SyncDatasets(AsyncDatasets(runtime))


@pytest.fixture
def experiments(runtime: SyncRuntime) -> SyncExperiments:
    return SyncExperiments(AsyncExperiments(runtime))


@pytest.fixture
def numbers(datasets: SyncDatasets) -> str:
    name = f"numbers-{uuid.uuid4().hex}"
    return datasets.create(name, [{"i": i, "expected": str(i)} for i in range(ROWS)]).id


@pytest.fixture
def few(datasets: SyncDatasets) -> str:
    return datasets.create(f"few-{uuid.uuid4().hex}", [{"i": i, "expected": str(i)} for i in range(20)]).id


def in_loop(
    url: str, backend: str, work: Callable[[AsyncExperiments], Awaitable[ExperimentResult]]
) -> ExperimentResult:
    async def main() -> ExperimentResult:
        runtime = AsyncRuntime(RuntimeConfig(base_url=url))
        try:
            return await work(AsyncExperiments(runtime))
        finally:
            await runtime.aclose()

    return anyio.run(main, backend=backend)


@pytest.fixture(params=["sync", "asyncio", "trio"])
def run(request: pytest.FixtureRequest, url: str, experiments: SyncExperiments) -> Run:
    def go(name: str, **options: Any) -> ExperimentResult:
        options.setdefault("progress", False)
        if request.param == "sync":
            return experiments.run(name, **options)
        return in_loop(url, request.param, lambda resource: resource.run(name, **options))

    return go


def text(example: DatasetExample) -> str:
    return str(example["i"])


async def text_later(example: DatasetExample) -> str:
    await anyio.lowlevel.checkpoint()
    return text(example)


def broken(example: DatasetExample) -> str:
    if example["i"] % 2:
        raise RuntimeError("odd")
    return text(example)


def always_nought(example: DatasetExample) -> str:
    return "0"


def bad(output: str) -> object:
    return [output]


@pytest.mark.parametrize("task", [text, text_later])
def test_every_row_is_stored_once(
    run: Run, experiments: SyncExperiments, numbers: str, task: Callable[..., Any]
) -> None:
    result = run("all", dataset=numbers, task=task, evaluators=exact_match(), concurrency=20)
    assert result.mean("exact_match") == 1.0
    stored = experiments.runs("all", dataset=numbers)
    assert sorted(int(row.output or "") for row in stored) == list(range(ROWS))
    assert len({row.example_id for row in stored}) == ROWS
    assert all(row.score("exact_match") == 1 for row in stored)


def test_failures_are_rows(run: Run, experiments: SyncExperiments, few: str) -> None:
    result = run("failing", dataset=few, task=broken, evaluators=[exact_match(), bad])
    assert (result.failed, result.mean("exact_match"), result.metrics["bad"].errors) == (10, 1.0, 10)
    stored = experiments.runs("failing", dataset=few)
    assert [row.error for row in stored if row.error] == ["RuntimeError: odd"] * 10
    assert all(row.output == "" for row in stored if row.error)
    assert all("evaluator 'bad'" in (row.evaluations["bad"].error or "") for row in stored if not row.error)


def test_functions_overlap(run: Run, few: str) -> None:
    ten_at_once = threading.Barrier(10)

    def slow(example: DatasetExample) -> str:
        ten_at_once.wait(20)
        return text(example)

    assert run("slow", dataset=few, task=slow, concurrency=10).failed == 0


def test_a_taken_name_is_refused_before_the_first_task(run: Run, few: str) -> None:
    called: list[object] = []
    run("taken", dataset=few, task=text)
    with pytest.raises(ConflictError):
        run("taken", dataset=few, task=called.append)
    assert called == []


def test_two_experiments_are_compared(run: Run, experiments: SyncExperiments, few: str) -> None:
    run("right", dataset=few, task=text, evaluators=exact_match())
    run("wrong", dataset=few, task=always_nought, evaluators=exact_match(), repetitions=2)
    comparison = experiments.compare("right", "wrong", dataset=few)
    metric = comparison["exact_match"]
    assert (len(metric.worse), len(metric.same), comparison.only_in_candidate) == (19, 1, 20)


def test_an_unknown_example_is_refused(experiments: SyncExperiments, few: str) -> None:
    with pytest.raises(ValidationError, match="no-such-example"):
        experiments.create("odd", dataset=few, runs=[{"example_id": "no-such-example", "output": ""}])


def test_the_blocking_facade_works_in_a_running_loop(experiments: SyncExperiments, few: str) -> None:
    async def main() -> ExperimentResult:
        return experiments.run("within", dataset=few, task=text_later, progress=False)

    assert len(anyio.run(main).rows) == 20


INTERRUPTED = """
import signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background has it ignored
import anyio
from promptops.core import AsyncRuntime, RuntimeConfig, SyncRuntime
from promptops.experiments import AsyncExperiments, SyncExperiments
from promptops.experiments._control import Control

url, dataset, kind = sys.argv[1:]
interrupt, counted = Control.interrupt, threading.Event()

def counting(control):
    presses = interrupt(control)
    counted.set()
    return presses

Control.interrupt = counting

def slow(example):
    if example["i"] == 10:
        print("ready", flush=True)
        assert counted.wait(60)
    return "done"

async def slow_async(example):
    if example["i"] == 10:
        print("ready", flush=True)
        with anyio.fail_after(60):
            while not counted.is_set():
                await anyio.sleep(0.01)
    return "done"

async def main(task):
    await AsyncExperiments(AsyncRuntime(RuntimeConfig(base_url=url))).run(
        kind, dataset=dataset, task=task, concurrency=1, progress=False
    )

if kind == "sync":
    SyncExperiments(AsyncExperiments(SyncRuntime(RuntimeConfig(base_url=url)))).run(
        kind, dataset=dataset, task=slow, concurrency=1, progress=False
    )
else:
    anyio.run(main, slow_async, backend=kind)
"""


@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
def test_ctrl_c_lets_what_runs_end_and_keeps_the_finished_rows(
    url: str, experiments: SyncExperiments, few: str, kind: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, url, few, kind], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=100)
        finally:
            process.kill()
    assert "KeyboardInterrupt" in errors
    stored: list[Experiment] = experiments.list(dataset=few)
    assert [experiment.name for experiment in stored] == [kind]
    assert len(experiments.runs(kind, dataset=few)) == 11


def test_one_journal_serves_two_servers_and_one_that_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(tmp_path / "journal.sqlite3"))
    rows = [{"i": i, "expected": str(i)} for i in range(3)]
    options: dict[str, Any] = {"task_version": "1", "progress": False}
    with EmbeddedServer(tmp_path / "a") as server, SyncPromptOpsClient(base_url=server.url) as client:
        client.datasets.create("questions", rows)
        client.experiments.run("e", dataset="questions", task=text, **options)
        first = client.experiments.get("e", dataset="questions").id
        address = server.url.replace("127.0.0.1", "localhost")
    with EmbeddedServer(tmp_path / "b") as server, SyncPromptOpsClient(base_url=server.url) as client:
        client.datasets.create("questions", rows)
        for dataset in ("questions", None):
            with pytest.raises(NotFoundError) as caught:
                client.experiments.resume("e", dataset=dataset, task=never, **options)
            assert (address in caught.value.message) is (dataset is None)
        client.experiments.run("e", dataset="questions", task=text, **options)
        assert client.experiments.resume("e", task=never, **options).failed == 0
    with EmbeddedServer(tmp_path / "a") as server, SyncPromptOpsClient(base_url=server.url) as client:
        assert server.url.replace("127.0.0.1", "localhost") != address
        client.experiments.delete("e", dataset="questions")
        result = client.experiments.resume("e", task=never, **options)
        assert (len(result.rows), result.failed) == (3, 0)
        assert client.experiments.get("e", dataset="questions").id != first


def never(example: DatasetExample) -> str:
    raise AssertionError(f"{example.id} is paid for twice")
