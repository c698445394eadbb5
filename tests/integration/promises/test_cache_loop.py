"""T23: ten thousand asynchronous calls, with every cache and telemetry, never block the event loop."""

from __future__ import annotations

import fcntl
import gc
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from promptops.cache import CacheConfig
from promptops.client import ClientConfig, PromptOpsClient, TelemetryConfig
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import BlackHole, Pass
from promptops.server import EmbeddedServer

CALLS = 10_000
TASKS = 20
STALL = 2.0
"""Seconds that a busy machine may take from any thread; the fine figure is printed and is that of the long form."""
WAITING = {"open", "subprocess.Popen", "time.sleep", "socket.getaddrinfo", "socket.gethostbyname"}


class Guard:
    """Notes what may block on one thread; the interpreter itself reports every such call."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.calls: Counter[str] = Counter()
        sys.addaudithook(self._note)  # for the rest of the process, so it is switched off at the end

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.thread is None or threading.get_ident() != self.thread:
            return
        if event == "fcntl.flock" and arguments[1] & (fcntl.LOCK_UN | fcntl.LOCK_NB):
            return  # neither waits
        if event in WAITING or event.startswith(("os.", "fcntl.", "shutil.", "sqlite3.")):
            self.calls[f"{event} {arguments[:1]}"] += 1
        elif event in {"socket.connect", "socket.sendto"} and arguments[0].gettimeout() != 0.0:
            self.calls[event] += 1


@pytest.fixture
def guard() -> Iterator[Guard]:
    made = Guard()
    yield made
    made.thread = None


class Ticker:
    """How long the loop was away at the most.

    Attributes:
        longest: By the clock: waiting for a processor, and for other threads of this process, counts too.
        busiest: By the processor time of the loop's own thread: work on the loop alone.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.busiest = 0.0
        self.stopped = False

    async def run(self) -> None:
        before, worked = time.perf_counter(), time.thread_time()
        while not self.stopped:
            await anyio.sleep(0.0005)
            now, work = time.perf_counter(), time.thread_time()
            self.longest = max(self.longest, now - before)
            self.busiest = max(self.busiest, work - worked)
            before, worked = now, work


async def traffic(client: PromptOpsClient, names: tuple[str, ...], calls: int) -> None:
    """Reads from memory, from the shared caches and from the server, writes to the caches, and flushes."""

    async def work(first: int) -> None:
        for number in range(first, calls, TASKS):
            name = names[number % len(names)]
            if number % 250 == 0:
                await client.clear_cache(name)
            elif number % 500 == 1:
                await client.flush_telemetry()
            elif number % 7 == 0:
                await client.prompts.read(name, fallback=None)
            elif number % 97 == 0:
                client.prompts.cache.shelf.clear()  # so that the shared caches are read
            else:
                await client.prompts.get(name, fallback=None)

    async with anyio.create_task_group() as tasks:
        for first in range(TASKS):
            tasks.start_soon(work, first)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_ten_thousand_calls_never_block_the_loop(
    library: EmbeddedServer,
    names: tuple[str, ...],
    guard: Guard,
    redis_url: str,
    tmp_path: Path,
    backend: str,
    soak: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ticker, idle = Ticker(), Ticker()

    async def measured(meter: Ticker, work: Callable[[], Any]) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(meter.run)
            await anyio.sleep(0.01)
            await work()
            meter.stopped = True

    with FaultProxy(library.url) as proxy:
        cache = CacheConfig(level="hybrid", redis_url=redis_url, directory=str(tmp_path / "cache"), ttl=0.5)
        config = ClientConfig(
            base_url=proxy.url, read_environment=False, cache=cache, telemetry=TelemetryConfig(sample_rate=1.0)
        )

        async def main() -> None:
            async with PromptOpsClient(config) as client:
                await client.prompts.get(names[0])  # modules are imported with the first use
                await client.flush_telemetry()
                gc.collect()
                gc.freeze()  # what the rest of this process left to collect is not the work of these calls
                guard.thread = threading.get_ident()
                began = time.perf_counter()
                await measured(ticker, lambda: traffic(client, names, CALLS))
                guard.thread = None
                took = time.perf_counter() - began
                await measured(idle, lambda: anyio.sleep(took))
                tiers = {tier.tier: tier.hits for tier in client.get_cache_stats().tiers}
                assert min(tiers.values()) > 0

        anyio.run(main, backend=backend)
    with capsys.disabled():
        print(
            f"\n{backend}: longest stall {ticker.longest * 1e3:.1f} ms, of an idle loop {idle.longest * 1e3:.1f} ms;"
            f" work on the loop without a pause {ticker.busiest * 1e3:.1f} ms at the most"
        )
    assert dict(guard.calls) == {}
    assert ticker.busiest <= ((0.005 if backend == "asyncio" else 0.01) if soak else 0.2)
    assert ticker.longest <= STALL


def test_a_hung_server_does_not_block_the_loop(
    library: EmbeddedServer, names: tuple[str, ...], guard: Guard, tmp_path: Path
) -> None:
    ticker = Ticker()
    with FaultProxy(library.url) as proxy:
        cache = CacheConfig(level="disk", directory=str(tmp_path / "cache"), ttl=0.1)

        async def main() -> None:
            config = ClientConfig(base_url=proxy.url, read_environment=False, cache=cache)
            async with PromptOpsClient(config) as client:
                for name in names[:20]:
                    await client.prompts.get(name)
                proxy.set(BlackHole())
                await anyio.sleep(0.15)
                guard.thread = threading.get_ident()
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(ticker.run)
                    for _ in range(50):
                        for name in names[:20]:
                            await client.prompts.get(name)
                        await anyio.sleep(0.01)
                    await client.prompts.get(names[50], timeout=0.3, fallback=None)
                    ticker.stopped = True
                guard.thread = None
                proxy.set(Pass())
                proxy.drop_connections()

        anyio.run(main, backend="asyncio")
    assert guard.calls == {}
    assert ticker.longest <= STALL


def test_control_blocking_work_on_the_loop_is_noticed(guard: Guard, tmp_path: Path) -> None:
    ticker = Ticker()
    listener = socket.create_server(("127.0.0.1", 0))

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ticker.run)
            await anyio.sleep(0.01)
            guard.thread = threading.get_ident()
            (tmp_path / "file").write_text("x", encoding="utf-8")
            socket.create_connection(listener.getsockname()).close()
            sum(range(10_000_000))
            time.sleep(2.2)  # noqa: ASYNC251 - what is to be noticed
            guard.thread = None
            await anyio.sleep(0.01)
            ticker.stopped = True

    anyio.run(main)
    listener.close()
    assert {call.split()[0] for call in guard.calls} >= {"open", "socket.connect"}
    assert ticker.longest > STALL
    assert ticker.busiest > 0.03
