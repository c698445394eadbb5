"""How long the event loop stands still while experiments run on a Phoenix server, go on, and are taken over."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from promptops.phoenix import PhoenixClient

__all__ = ["Stalls", "many_rows"]

_TICK = 0.001


class Stalls:
    """The longest times between two turns of a task that wakes each millisecond, in milliseconds.

    Attributes:
        wall: As a clock on the wall has it; what other programs of the machine take counts, too.
        loop: Processor time of the loop's thread: work without a pause.
        process: Processor time of all threads: also what others did while the loop waited for them.
        collected: The longest look of the garbage collector, in any thread; all wait for it.
    """

    def __init__(self) -> None:
        self.wall = self.loop = self.process = self.collected = 0.0

    async def during(self, work: Callable[[], Awaitable[object]]) -> None:
        """Measure until the work is done."""
        gc.collect()
        ticking = asyncio.create_task(self._tick())
        await asyncio.sleep(5 * _TICK)
        self.wall = self.loop = self.process = 0.0
        with self._collecting():
            await work()
            await asyncio.sleep(5 * _TICK)
        ticking.cancel()

    def figures(self) -> dict[str, float]:
        """The figures by their names."""
        names = ("wall", "loop", "process", "collected")
        return {f"{name}_ms": round(getattr(self, name) * 1e3, 1) for name in names}

    async def _tick(self) -> None:
        while True:
            wall, loop, process = time.perf_counter(), time.thread_time(), time.process_time()
            await asyncio.sleep(_TICK)
            self.wall = max(self.wall, time.perf_counter() - wall - _TICK)
            self.loop = max(self.loop, time.thread_time() - loop)
            self.process = max(self.process, time.process_time() - process)

    @contextmanager
    def _collecting(self) -> Generator[None]:
        started = 0.0

        def told(phase: str, _: dict[str, int]) -> None:
            nonlocal started
            now = time.thread_time()
            if phase == "stop":
                self.collected = max(self.collected, now - started)
            started = now

        gc.callbacks.append(told)
        try:
            yield
        finally:
            gc.callbacks.remove(told)


async def _answers(example: Any) -> str:
    del example
    await asyncio.sleep(0.01)
    return "x"


def _exact(output: object) -> bool:
    return output == "x"


def _short(output: str) -> bool:
    return len(output) < 10


async def many_rows(client: PhoenixClient, dataset: str) -> dict[str, dict[str, float]]:
    """A run of all rows of a dataset, a resume that finds everything done, and one whose journal knows nothing."""
    name = f"stalls-{dataset}"
    given: dict[str, Any] = {
        "dataset": dataset,
        "task": _answers,
        "task_version": "1",
        "evaluators": [_exact, _short],
        "progress": False,
    }
    with tempfile.TemporaryDirectory() as folder:
        own, other = Path(folder) / "own.sqlite3", Path(folder) / "other.sqlite3"
        experiments = client.experiments
        steps: dict[str, Callable[[], Awaitable[object]]] = {
            "run": lambda: experiments.run(name, concurrency=20, journal=own, **given),
            "resume": lambda: experiments.resume(name, journal=own, **given),
            "adopt": lambda: experiments.resume(name, journal=other, **given),
        }
        found: dict[str, dict[str, float]] = {}
        for step, work in steps.items():
            stalls = Stalls()
            await stalls.during(work)
            found[step] = stalls.figures()
        return found
