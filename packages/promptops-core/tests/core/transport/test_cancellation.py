"""Cancelling a request, at any moment and in any way, leaves nothing behind: no slot, no waiter, no task, no spin."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import anyio
import httpx
import pytest
from promptops.core._transport import AsyncTransport
from promptops.core.testing.faults import BlackHole, Exchange, FaultProxy, Mode, Pass, Unreachable
from promptops.core.transport import Attempt, PoolTimeout

Make = Callable[..., Attempt]
Send = Callable[[], Awaitable[object]]
Soon = Callable[[Callable[[], bool]], bool]
ROUNDS, AT_ONCE = 20, 50
LONGEST = 0.008
PHASES = ["connect", "handshake", "head", "body", "anywhere"]


class HangInBody(Mode):
    """Half an answer, and then nothing."""

    async def answer(self, exchange: Exchange) -> None:
        data = await exchange.fetch()
        await exchange.write(data[: len(data) - 4])
        await BlackHole().answer(exchange)


MODES: dict[str, Mode] = {
    "connect": Unreachable(),
    "handshake": BlackHole(),
    "head": BlackHole(),
    "body": HangInBody(),
    "anywhere": Pass(),
}


async def _quietly(send: Send) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await send()


async def _cancel_tasks(send: Send, *, twice: bool) -> None:
    tasks = [asyncio.ensure_future(_quietly(send)) for _ in range(AT_ONCE)]
    for task in random.sample(tasks, len(tasks)):
        await asyncio.sleep(random.uniform(0.0, LONGEST / AT_ONCE * 2))
        task.cancel()
        if twice:
            await asyncio.sleep(0)
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _cancel_scopes(send: Send) -> None:
    async def one() -> None:
        with anyio.move_on_after(random.uniform(0.0, LONGEST)):
            await send()

    async with anyio.create_task_group() as group:
        for _ in range(AT_ONCE):
            group.start_soon(one)


async def _cancel(how: str, send: Send) -> None:
    for _ in range(ROUNDS):
        if how == "scope":
            await _cancel_scopes(send)
        else:
            await _cancel_tasks(send, twice=how == "twice")


@contextlib.contextmanager
def _server(phase: str, tls: ssl.SSLContext) -> Generator[tuple[FaultProxy, str, Callable[[], None]], None, None]:
    """A server in trouble, its origin, and the way to heal it."""
    with FaultProxy(mode=MODES[phase]) as server:

        def heal() -> None:
            if phase == "handshake":
                server.set_tls(tls)
            server.set(Pass())
            server.drop_connections()

        yield server, f"{'https' if phase == 'handshake' else 'http'}://127.0.0.1:{server.port}", heal


async def _idle_cpu(seconds: float) -> float:
    gc.collect()
    before = time.process_time()
    await anyio.sleep(seconds)
    return (time.process_time() - before) / seconds


async def _comes_to_rest() -> bool:
    """Whether the process once does next to nothing for a while; what spins takes its share of a core each time."""
    for _ in range(8):
        if await _idle_cpu(0.25) < 0.05:
            return True
    return False


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    ("backend", "how"), [("asyncio", "task"), ("asyncio", "twice"), ("asyncio", "scope"), ("trio", "scope")]
)
def test_cancellation_leaks_nothing(
    backend: str,
    how: str,
    phase: str,
    attempt: Make,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
    quiet_loop: Callable[[], contextlib.AbstractContextManager[list[dict[str, Any]]]],
    soon: Soon,
) -> None:
    async def main() -> None:
        complaints = contextlib.nullcontext([]) if backend == "trio" else quiet_loop()
        transport = AsyncTransport(url, max_connections=10, ssl_context=client_tls)
        with complaints as heard:
            await _cancel(how, lambda: transport.send(attempt("/x", deadline=30.0, connect=30.0, pool=30.0, read=30.0)))
            stats = transport.stats()
            assert (stats.busy, stats.waiting) == (0, 0)
            heal()
            began = time.monotonic()
            assert (await transport.send(attempt("/after", deadline=30.0, pool=30.0))).status == 200
            assert time.monotonic() - began <= 10.0
            # Nothing spins, nothing runs on, nothing complains.
            assert await _comes_to_rest()
            if backend == "asyncio":
                assert asyncio.all_tasks() == {asyncio.current_task()}
            await transport.aclose()
            assert transport.stats().open == 0
            assert heard == []

    with _server(phase, server_tls) as (server, url, heal):
        anyio.run(main, backend=backend)
        assert soon(lambda: server.open_connections == 0)


def test_cancelled_waiter_that_was_granted_a_slot_passes_it_on(attempt: Make) -> None:
    async def main(url: str) -> None:
        transport = AsyncTransport(url, max_connections=1)
        async with transport.stream(attempt()):
            first = asyncio.ensure_future(_quietly(lambda: transport.send(attempt())))
            second = asyncio.ensure_future(transport.send(attempt()))
            await asyncio.sleep(0.01)
            assert transport.stats().waiting == 2
        # The slot has just been given to the first, which does not know yet.
        first.cancel()
        assert (await asyncio.wait_for(second, 20.0)).status == 200
        assert transport.stats().busy == 0
        await transport.aclose()

    with FaultProxy() as server:
        asyncio.run(main(server.url))


def test_cancelled_stream_closes_its_connection(attempt: Make) -> None:
    async def main(url: str) -> None:
        transport = AsyncTransport(url, max_connections=1)
        for twice in (False, True) * 20:

            async def read() -> None:
                async with transport.stream(attempt()) as response:
                    async for _ in response.chunks():
                        pass

            task = asyncio.ensure_future(read())
            await asyncio.sleep(0.003)
            task.cancel()
            if twice:
                await asyncio.sleep(0)
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert transport.stats().busy == 0
        await transport.aclose()

    with FaultProxy(mode=HangInBody()) as server:
        asyncio.run(main(server.url))


class _Leaky(AsyncTransport):
    """The control: ours, without the clean-up of a request that is cancelled."""

    def _give_back(self, pool: Any, connection: Any) -> None:
        task = asyncio.current_task()
        if task is None or not task.cancelling():
            super()._give_back(pool, connection)


def test_control_without_the_clean_up_slots_are_lost(attempt: Make) -> None:
    async def main() -> None:
        transport = _Leaky(server.url, max_connections=10)
        await _cancel_tasks(lambda: transport.send(attempt()), twice=False)
        assert transport.stats().busy == 10
        server.set(Pass())
        with pytest.raises(PoolTimeout):
            await transport.send(attempt(pool=0.1))
        await transport.aclose()

    with FaultProxy(mode=BlackHole()) as server:
        asyncio.run(main())


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_control_httpx_loses_slots(attempt: Make) -> None:
    async def main(url: str) -> bool:
        client = httpx.AsyncClient(limits=httpx.Limits(max_connections=10), timeout=30.0)
        pool: Any = getattr(client, "_transport")._pool  # noqa: B009 - the private pool is what this is about
        for _ in range(10):
            await _cancel("task", lambda: client.get(url))
            if any(not (c.is_idle() or c.is_closed()) for c in pool.connections):
                return True
        return False

    with FaultProxy(mode=Unreachable()) as server:
        assert asyncio.run(main(server.url))
    gc.collect()
