"""An asynchronous transport belongs to no loop: each loop gets connections of its own, which end with it."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from promptops.core._transport import AsyncTransport
from promptops.core.testing.faults import Delay, FaultProxy
from promptops.core.transport import Attempt

Make = Callable[..., Attempt]
Soon = Callable[[Callable[[], bool]], bool]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_idle_connections_end_with_their_loop(backend: str, attempt: Make, soon: Soon) -> None:
    transports: list[AsyncTransport] = []

    async def main(url: str) -> None:
        transport = AsyncTransport(url)
        transports.append(transport)
        await transport.send(attempt())
        assert transport.stats().idle == 1

    with FaultProxy() as server:
        for _ in range(3):
            anyio.run(main, server.url, backend=backend)
        assert soon(lambda: server.open_connections == 0)
    assert [transport.stats().idle for transport in transports] == [0, 0, 0]
    gc.collect()


def test_one_transport_serves_one_loop_after_another(attempt: Make) -> None:
    with FaultProxy() as server:
        transport = AsyncTransport(server.url)

        async def main() -> int:
            await transport.send(attempt())
            return (await transport.send(attempt())).status

        assert [asyncio.run(main()) for _ in range(3)] == [200, 200, 200]
        assert anyio.run(main, backend="trio") == 200
        assert server.connections == 4
        # What was kept for loops that are over has been forgotten.
        assert transport.stats().open <= 1


def test_loop_closed_without_shutdown_is_forgotten(attempt: Make, soon: Soon) -> None:
    with FaultProxy() as server:
        transport = AsyncTransport(server.url)
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(transport.send(attempt())).status == 200
        loop.close()
        assert asyncio.run(transport.send(attempt())).status == 200
        assert soon(lambda: server.open_connections == 0)
    gc.collect()


def test_two_loops_at_once_do_not_share_connections(attempt: Make) -> None:
    with FaultProxy() as server:
        transport = AsyncTransport(server.url)
        statuses: list[int] = []

        async def main() -> None:
            statuses.extend([(await transport.send(attempt())).status for _ in range(50)])

        threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 100
        assert server.connections == 2


def test_closing_reaches_the_connections_of_another_loop(attempt: Make, soon: Soon) -> None:
    with FaultProxy() as server:
        transport = AsyncTransport(server.url)
        used, closed = threading.Event(), threading.Event()

        async def other() -> None:
            await transport.send(attempt())
            used.set()
            await asyncio.to_thread(closed.wait, 20.0)
            await asyncio.sleep(0.05)
            assert transport.stats().open == 0

        thread = threading.Thread(target=asyncio.run, args=(other(),))
        thread.start()
        assert used.wait(20.0)
        asyncio.run(transport.aclose())
        closed.set()
        thread.join()
        assert soon(lambda: server.open_connections == 0)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_every_caller_gets_its_own_answer(backend: str, attempt: Make) -> None:
    async def main(url: str) -> None:
        transport = AsyncTransport(url, max_connections=10)

        async def work(who: int) -> None:
            for number in range(20):
                target = f"/{who}/{number}"
                assert json.loads((await transport.send(attempt(target))).body)["target"] == target

        async with anyio.create_task_group() as group:
            for who in range(40):
                group.start_soon(work, who)
        await transport.aclose()

    with FaultProxy() as server:
        anyio.run(main, server.url, backend=backend)
        assert server.connections <= 10
        assert server.requests == 800


def test_waiters_are_served_in_the_order_of_their_arrival(attempt: Make) -> None:
    served: list[int] = []

    async def main(url: str) -> None:
        transport = AsyncTransport(url, max_connections=1)

        async def one(number: int) -> None:
            await transport.send(attempt())
            served.append(number)

        await asyncio.gather(*(one(number) for number in range(20)))
        await transport.aclose()

    with FaultProxy() as server:
        asyncio.run(main(server.url))
        assert server.connections == 1
    assert served == list(range(20))


def test_deadline_and_silence_are_told_apart_while_a_timer_is_shared(attempt: Make) -> None:
    async def main(url: str) -> None:
        transport = AsyncTransport(url)
        # A short limit first, which leaves a timer behind; then a call that takes longer than that.
        await transport.send(attempt(read=1.0, deadline=1.0))
        server.set(Delay(1.2))
        assert (await transport.send(attempt(read=20.0, deadline=20.0))).status == 200
        await transport.aclose()

    with FaultProxy() as server:
        asyncio.run(main(server.url))


def test_transport_that_is_dropped_closes_its_connections(attempt: Make) -> None:
    async def main(url: str) -> None:
        transport: Any = AsyncTransport(url)
        await transport.send(attempt())
        await transport.aclose()
        del transport
        gc.collect()
        for _ in range(200):
            if server.open_connections == 0:
                return
            await asyncio.sleep(0.01)
        pytest.fail("its connections stay open")

    with FaultProxy() as server:
        asyncio.run(main(server.url))
