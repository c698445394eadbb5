"""T11 in real time: fifty clients never multiply the load of an outage, and are well again when the server is."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from promptops.core import AsyncRuntime, PromptOpsError, Request, Runtime, RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.core.clock import SYSTEM_CLOCK
from promptops.core.messages import READ
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Canned, Exchange, Mode, Pass

CLIENTS = 50
RATE = 10.0
CALL = Request(method="GET", path="/v1/client/prompts", profile=READ)


class Half(Mode):
    """Every second answer is a 503."""

    def __init__(self) -> None:
        self._count = 0

    async def answer(self, exchange: Exchange) -> None:
        self._count += 1
        await (Canned(503) if self._count % 2 else Pass()).answer(exchange)


class Load:
    """Calls of all clients, at a steady rate each: when each began, whether it succeeded, and when it ended."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, bool, float]] = []

    async def one(self, runtime: Runtime) -> None:
        began = time.monotonic()
        try:
            await runtime.send(CALL)
        except PromptOpsError:
            self.calls.append((began, False, time.monotonic()))
        else:
            self.calls.append((began, True, time.monotonic()))

    def between(self, start: float, end: float) -> list[bool]:
        return [succeeded for began, succeeded, _ in self.calls if start <= began < end]

    def under_way(self, start: float, end: float) -> int:
        """How many calls may have sent requests in that time: those that began before are among them."""
        return sum(began < end and ended >= start for began, _, ended in self.calls)


async def run_async(runtimes: list[Any], load: Load, end: float) -> None:
    async def client(runtime: Runtime, offset: float) -> None:
        due = time.monotonic() + offset
        async with asyncio.TaskGroup() as calls:  # a call that takes long delays no other
            while due < end:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                calls.create_task(load.one(runtime))
                due += 1 / RATE

    async with asyncio.TaskGroup() as clients:
        for number, runtime in enumerate(runtimes):
            clients.create_task(client(runtime, number / CLIENTS / RATE))


def run_blocking(runtimes: list[Any], load: Load, end: float) -> None:
    def client(runtime: Runtime, offset: float) -> None:
        due = time.monotonic() + offset
        while due < end:
            time.sleep(max(0.0, due - time.monotonic()))
            drive(load.one(runtime))
            due += 1 / RATE

    with ThreadPoolExecutor(CLIENTS) as threads:
        waiting = [threads.submit(client, runtime, n / CLIENTS / RATE) for n, runtime in enumerate(runtimes)]
        for each in waiting:
            each.result()


@pytest.fixture
def outage() -> Iterator[FaultProxy]:
    with FaultProxy(mode=Canned(503)) as proxy:
        yield proxy


@pytest.fixture(params=["async", "blocking"])
def storm(request: pytest.FixtureRequest, outage: FaultProxy) -> Callable[..., Load]:
    """Runs fifty clients for some seconds and returns their calls; ``apart`` gives each a budget of its own."""
    kind = request.param

    def run(seconds: float, *, apart: bool = False) -> Load:
        load = Load()
        options: dict[str, Any] = {"clock": SYSTEM_CLOCK} if apart else {}
        config = RuntimeConfig(base_url=outage.url, max_connections=2)
        make = AsyncRuntime if kind == "async" else SyncRuntime
        runtimes: list[Any] = [make(config, **options) for _ in range(CLIENTS)]
        end = time.monotonic() + seconds
        if kind == "blocking":
            run_blocking(runtimes, load, end)
            for runtime in runtimes:
                drive(runtime.aclose())
            return load

        async def main() -> None:
            await run_async(runtimes, load, end)
            for runtime in runtimes:
                await runtime.aclose()

        asyncio.run(main())
        return load

    return run


def test_outage_then_half_an_outage_then_recovery(
    outage: FaultProxy, storm: Callable[..., Load], soak: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    down, half, well = (60.0, 20.0, 10.0) if soak else (3.0, 2.0, 5.0)
    seen: list[tuple[float, int]] = []

    def direct() -> None:
        for seconds, mode in ((down, Half()), (half, Pass())):
            time.sleep(seconds)
            outage.set(mode)
            seen.append((time.monotonic(), outage.requests))

    director = threading.Thread(target=direct)
    start = time.monotonic()
    director.start()
    load = storm(down + half + well)
    director.join()
    (half_at, down_requests), (well_at, half_requests) = seen
    down_calls, half_calls = len(load.between(start, half_at)), len(load.between(half_at, well_at))
    in_outage = down_requests / down_calls
    in_half = (half_requests - down_requests) / load.under_way(half_at, well_at)
    last_failure = max((began for began, succeeded, _ in load.calls if not succeeded), default=0.0)
    with capsys.disabled():
        print(
            f"\n{down_calls} calls in the outage: {in_outage:.3f}x; {half_calls} in half of one: {in_half:.3f}x;"
            f" last failure {last_failure - well_at:+.2f} s after the recovery"
        )
    assert down_calls >= (0.5 if soak else 0.1) * down * CLIENTS * RATE  # a busy machine makes fewer
    # A tenth more, or the ten of the budget where there were few calls.
    assert in_outage <= max(1.10, 1.0 + 10 / down_calls)
    assert in_half <= max(1.10, 1.0 + 10 / half_calls)
    assert sum(load.between(half_at, well_at)) >= 0.4 * half_calls
    assert last_failure - well_at <= (2.0 if soak else 4.0)
    assert len(load.between(well_at + (2.0 if soak else 4.0), float("inf"))) > 0


def test_clients_in_processes_of_their_own_send_at_most_ten_requests_more_each(
    outage: FaultProxy, storm: Callable[..., Load], soak: bool
) -> None:
    seconds = 60.0 if soak else 2.0
    load = storm(seconds, apart=True)
    assert outage.requests - len(load.calls) <= 10 * CLIENTS
    if soak:
        assert outage.requests / len(load.calls) <= 1.10


@pytest.mark.usefixtures("without_budget")
def test_control_without_a_budget_the_load_multiplies(outage: FaultProxy, storm: Callable[..., Load]) -> None:
    load = storm(1.5)
    assert outage.requests / len(load.calls) > 2.5
