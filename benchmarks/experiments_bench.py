"""What the experiment runner costs: no-op tasks beside a bare task group and a peer, waiting tasks, a server, memory.

The peer (pydantic-evals, which stores nothing) is measured when ``--peer`` names a Python that has it; every other
figure needs nothing but this workspace.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.experiments import (
    AsyncDatasets,
    AsyncExperiments,
    SyncDatasets,
    SyncExperiments,
    arun,
    exact_match,
)
from promptops.experiments.evaluators import contains
from promptops.models import DatasetExample
from promptops.server import EmbeddedServer

TASKS = 1000
CONCURRENCY = 100
PEER = """
import asyncio, sys, time
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import EqualsExpected
count, concurrency, rounds = map(int, sys.argv[1:])
async def task(inputs: int) -> str:
    return "x"
def main() -> None:
    dataset = Dataset(name="d", cases=[Case(name=str(i), inputs=i, expected_output="x") for i in range(count)],
                      evaluators=[EqualsExpected()])
    for _ in range(rounds):
        started = time.perf_counter()
        asyncio.run(dataset.evaluate(task, max_concurrency=concurrency, progress=False))
        print(time.perf_counter() - started)
main()
"""


async def answer(example: DatasetExample) -> str:
    del example
    return "x"


async def fifty_milliseconds(example: DatasetExample) -> str:
    del example
    await anyio.sleep(0.05)
    return "x"


def examples(count: int) -> list[DatasetExample]:
    """Examples in memory."""
    return [DatasetExample(id=f"example-{i}", fields={"i": i, "expected": "x"}) for i in range(count)]


def ours(count: int, concurrency: int, task: Callable[..., Any] = answer, *, tail: str = "") -> float:
    """Seconds for one run with one evaluator, everything journaled and read back into a result."""
    given = examples(count)
    with tempfile.TemporaryDirectory() as directory:

        async def main() -> float:
            started = time.perf_counter()
            result = await arun(
                f"bench{tail}",
                dataset=given,
                task=task,
                evaluators=exact_match(),
                concurrency=concurrency,
                journal=Path(directory) / "journal.sqlite3",
                progress=False,
            )
            seconds = time.perf_counter() - started
            assert result.mean("exact_match") == 1.0
            return seconds

        return anyio.run(main)


def bare(count: int, concurrency: int) -> float:
    """Seconds of a task group under a limiter that calls the same task and keeps a list."""
    given = examples(count)

    async def main() -> float:
        limiter = anyio.CapacityLimiter(concurrency)
        done: list[bool] = []

        async def unit(example: DatasetExample) -> None:
            async with limiter:
                done.append(await answer(example) == example["expected"])

        started = time.perf_counter()
        async with anyio.create_task_group() as group:
            for example in given:
                group.start_soon(unit, example)
        assert all(done)
        return time.perf_counter() - started

    return anyio.run(main)


def peer(python: str, count: int, concurrency: int, rounds: int) -> list[float]:
    """Seconds of each round of pydantic-evals in its own environment."""
    ran = subprocess.run(
        [python, "-c", PEER, str(count), str(concurrency), str(rounds)], check=True, capture_output=True, text=True
    )
    return [float(line) for line in ran.stdout.splitlines()]


def on_server(rounds: int) -> float:
    """Median seconds of 1,000 tasks with two evaluators against our own server, everything stored."""
    samples: list[float] = []
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory) / "data") as server:
        runtime = SyncRuntime(RuntimeConfig(base_url=server.url))
        datasets = SyncDatasets(AsyncDatasets(runtime))
        experiments = SyncExperiments(AsyncExperiments(runtime))
        dataset = datasets.create("bench", [{"i": i, "expected": "x"} for i in range(TASKS)]).id
        for index in range(rounds + 1):
            started = time.perf_counter()
            result = experiments.run(
                f"run-{index}",
                dataset=dataset,
                task=answer,
                evaluators=[exact_match(), contains()],
                concurrency=CONCURRENCY,
                journal=Path(directory) / "journal.sqlite3",
                progress=False,
            )
            samples.append(time.perf_counter() - started)
            assert len(result.rows) == TASKS
        assert len(experiments.runs("run-1", dataset=dataset)) == TASKS
        drive(runtime.aclose())
    return statistics.median(samples[1:])


MEMORY = """
import resource, sys
from benchmarks.experiments_bench import ours
ours(int(sys.argv[1]), 100)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def memory_mib(count: int) -> float:
    """Peak memory in MiB of a fresh process that runs so many units."""
    ran = subprocess.run([sys.executable, "-c", MEMORY, str(count)], check=True, capture_output=True, text=True)
    return int(ran.stdout) / (1024 if sys.platform != "darwin" else 2**20)


def measure(python: str | None, rounds: int, units: int) -> dict[str, float]:
    """Every figure; ours and the others take turns within one run."""
    ours(TASKS, CONCURRENCY)
    bare(TASKS, CONCURRENCY)
    pairs = [(ours(TASKS, CONCURRENCY), bare(TASKS, CONCURRENCY)) for _ in range(rounds)]
    first = statistics.median(pair[0] for pair in pairs)
    second = statistics.median(pair[1] for pair in pairs)
    figures = {"noop_per_s": TASKS / first, "bare_per_s": TASKS / second, "noop_at_8_per_s": TASKS / ours(TASKS, 8)}
    if python is not None:
        theirs = statistics.median(peer(python, TASKS, CONCURRENCY, rounds + 1)[1:])
        figures |= {"peer_per_s": TASKS / theirs, "peer_ratio": theirs / first}
    waiting = statistics.median(ours(400, 20, fifty_milliseconds) for _ in range(3))
    figures |= {"waiting_s": waiting, "server_s": on_server(rounds), "memory_mib": memory_mib(units)}
    return figures


def main() -> int:
    """Print the figures beside what they should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures for machines")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--units", type=int, default=100_000, help="units of the memory measurement")
    parser.add_argument("--peer", metavar="PYTHON", help="a Python with pydantic-evals")
    asked = parser.parse_args()
    figures = measure(asked.peer, asked.rounds, asked.units)
    if asked.json:
        print(json.dumps(figures))
        return 0
    print(f"1,000 no-op tasks, 1 evaluator, journaled: {figures['noop_per_s']:>8,.0f}/s  (at 100 at once)")
    print(f"  the same at 8 at once:                   {figures['noop_at_8_per_s']:>8,.0f}/s")
    print(f"  a bare task group:                       {figures['bare_per_s']:>8,.0f}/s")
    if "peer_per_s" in figures:
        ratio = f"({figures['peer_ratio']:.2f}x)"
        print(f"  pydantic-evals, nothing stored:          {figures['peer_per_s']:>8,.0f}/s  {ratio}")
    print(f"400 tasks of 50 ms, 20 at once:            {figures['waiting_s']:>8.3f} s  (ideal 1.0, limit 1.05)")
    print(f"1,000 tasks, 2 evaluators, on our server:  {figures['server_s']:>8.3f} s  (limit 0.6)")
    print(f"memory of {asked.units:,} units:               {figures['memory_mib']:>8.0f} MiB (limit 400)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
