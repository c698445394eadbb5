"""T06 and regression 11: a thousand who want the same prompt at once make one request, whoever of them gives up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest
from promptops.cache import CacheConfig
from promptops.cache import _flights as flights_module
from promptops.client import ClientConfig, PromptOpsClient, SyncPromptOpsClient
from promptops.core import TimeoutError as PromptOpsTimeoutError
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Delay, Exchange, Pass
from promptops.server import EmbeddedServer

Open = Callable[..., Any]


class Held(Pass):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.release = threading.Event()

    async def answer(self, exchange: Exchange) -> None:
        self.asked.set()
        while not self.release.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.005)
        await super().answer(exchange)


async def until(event: threading.Event) -> None:
    with anyio.fail_after(30.0):
        while not event.is_set():  # noqa: ASYNC110 - set by another thread
            await anyio.sleep(0.005)


@pytest.fixture
def slow(library: EmbeddedServer) -> Iterator[FaultProxy]:
    """The library, whose answers take a moment, so that everybody comes while the first is under way."""
    with FaultProxy(library.url, mode=Delay(0.4)) as proxy:
        yield proxy


def test_regression_11_a_hundred_concurrent_misses_are_one_request(
    slow: FaultProxy, open_any: Open, names: tuple[str, ...]
) -> None:
    outcomes = open_any(slow.url, timeout=20.0).together("get", 100, names[0])
    assert {id(prompt) for prompt in outcomes} == {id(outcomes[0])}
    assert outcomes[0].slug == names[0]
    assert slow.requests == 1


def test_thousand_cold_gets_are_one_request(slow: FaultProxy, open_client: Open, names: tuple[str, ...]) -> None:
    client = open_client(slow.url, timeout=20.0)
    outcomes = client.together("get", 1000, names[0])
    assert {id(prompt) for prompt in outcomes} == {id(outcomes[0])}
    assert outcomes[0].slug == names[0]
    assert slow.requests == 1


def test_thousand_gets_of_a_missing_prompt_are_one_request(slow: FaultProxy, open_client: Open) -> None:
    outcomes = open_client(slow.url, timeout=20.0).together("get", 1000, "nobody", fallback="instead")
    assert set(outcomes) == {"instead"}
    assert slow.requests == 1


def test_control_without_a_flight_they_are_a_hundred(
    slow: FaultProxy, open_client: Open, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def alone(self: object, key: object, work: Callable[[], Any]) -> Any:
        return await work()

    monkeypatch.setattr(flights_module.Flights, "join", alone)
    open_client(slow.url, timeout=20.0).together("get", 100, names[0])
    assert slow.requests >= 20  # as many as there are connections


@pytest.mark.anyio
async def test_followers_of_a_cancelled_task_are_served(slow: FaultProxy, names: tuple[str, ...]) -> None:
    slow.set(held := Held())
    async with PromptOpsClient(ClientConfig(base_url=slow.url, read_environment=False)) as client:
        leader = asyncio.create_task(client.prompts.get(names[0]))
        await until(held.asked)
        followers = [asyncio.create_task(client.prompts.get(names[0])) for _ in range(100)]
        await asyncio.sleep(0.1)
        leader.cancel()
        held.release.set()
        served = await asyncio.gather(*followers)
        assert {prompt.slug for prompt in served} == {names[0]}
        assert leader.cancelled()
        assert slow.requests <= 2


def test_followers_of_a_cancelled_scope_are_served_on_trio(slow: FaultProxy, names: tuple[str, ...]) -> None:
    served: list[str | None] = []
    slow.set(held := Held())

    async def main() -> None:
        async with PromptOpsClient(ClientConfig(base_url=slow.url, read_environment=False)) as client:

            async def follow() -> None:
                served.append((await client.prompts.get(names[0])).slug)

            async with anyio.create_task_group() as tasks:
                scope = anyio.CancelScope()

                async def lead() -> None:
                    with scope:
                        await client.prompts.get(names[0])

                tasks.start_soon(lead)
                await until(held.asked)
                for _ in range(100):
                    tasks.start_soon(follow)
                await anyio.sleep(0.1)
                scope.cancel()
                held.release.set()

    anyio.run(main, backend="trio")
    assert served == [names[0]] * 100
    assert slow.requests <= 2


def test_followers_of_a_thread_that_ran_out_of_time_are_served(slow: FaultProxy, names: tuple[str, ...]) -> None:
    outcomes: list[Any] = []
    with SyncPromptOpsClient(ClientConfig(base_url=slow.url, read_environment=False)) as client:

        def lead() -> None:
            try:
                client.prompts.get(names[0], timeout=0.2)
            except PromptOpsTimeoutError as error:
                outcomes.append(error)

        def follow() -> None:
            outcomes.append(client.prompts.get(names[0], timeout=30.0).slug)

        threads = [threading.Thread(target=lead), *(threading.Thread(target=follow) for _ in range(50))]
        for thread in threads:
            thread.start()
            time.sleep(0.1 if thread is threads[0] else 0.0)
        for thread in threads:
            thread.join(60.0)
    assert outcomes.count(names[0]) == 50
    assert slow.requests <= 2


def test_processes_of_a_host_share_one_request_through_the_disk(
    slow: FaultProxy, names: tuple[str, ...], tmp_path: Any, run_reader: Callable[..., Any]
) -> None:
    cache = {"level": "disk", "directory": str(tmp_path / "cache")}
    readers = [run_reader(slow.url, names[:1], cache=cache, threads=50) for _ in range(4)]
    for reader in readers:
        reader.start()
    reports = [reader.finish() for reader in readers]
    assert [report["errors"] for report in reports] == [[]] * 4
    assert [len([read for read in report["reads"] if "error" not in read]) for report in reports] == [50] * 4
    assert slow.requests == 1


def test_level_without_a_cache_keeps_nothing(slow: FaultProxy, open_blocking: Open, names: tuple[str, ...]) -> None:
    client = open_blocking(slow.url, cache=CacheConfig(level="none"))
    client.get(names[0])
    client.get(names[0])
    assert slow.requests == 2
