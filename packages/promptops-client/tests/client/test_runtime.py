"""The runtime that resources hold: replaced while calls are on it, closed when the last of them has ended, counted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import anyio
import pytest
from promptops.client._runtime import ClientRuntime
from promptops.client.stats import CallCounter
from promptops.core.bridge import drive
from promptops.core.config import RuntimeConfig
from promptops.core.errors import ConfigurationError, NetworkError, ValidationError
from promptops.core.messages import Request, Response
from promptops.core.runtime import Runtime

pytestmark = pytest.mark.anyio
REQUEST = Request(method="GET", path="/x")
FIRST = RuntimeConfig(base_url="http://127.0.0.1:1")
SECOND = RuntimeConfig(base_url="http://127.0.0.1:2")


class Below:
    """Stands for a runtime; what its calls wait for is the test's."""

    def __init__(self, config: RuntimeConfig) -> None:
        self.config = config
        self.closed = 0
        self.wait: Callable[[], Any] | None = None
        self.error: BaseException | None = None

    async def send(self, request: Request) -> Response:
        assert not self.closed, "a call reached a runtime that was closed"
        if self.wait is not None:
            await self.wait()
        if self.error is not None:
            raise self.error
        return Response(status=200, headers={}, body=self.config.base_url.encode())

    async def aclose(self) -> None:
        self.closed += 1


class Made(list[Below]):
    """Every runtime that was made."""

    def __call__(self, config: RuntimeConfig) -> Runtime:
        self.append(Below(config))
        return cast("Runtime", self[-1])


def nothing() -> None:
    pass


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def counter() -> CallCounter:
    return CallCounter()


@pytest.fixture
def runtime(made: Made, counter: CallCounter) -> ClientRuntime:
    return ClientRuntime(FIRST, made, counter)


async def test_a_call_under_way_ends_where_it_began_and_only_then_that_is_closed(
    runtime: ClientRuntime, made: Made
) -> None:
    gate = anyio.Event()
    answers: list[bytes] = []

    async def call() -> None:
        answers.append((await runtime.send(REQUEST)).body)

    async with anyio.create_task_group() as group:
        runtime.open()
        made[0].wait = gate.wait
        group.start_soon(call)
        group.start_soon(call)
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        runtime.replace(SECOND, swap=nothing)
        assert (await runtime.send(REQUEST)).body == b"http://127.0.0.1:2"
        assert [below.closed for below in made] == [0, 0]
        gate.set()
    assert answers == [b"http://127.0.0.1:1"] * 2
    assert [below.closed for below in made] == [1, 0]


async def test_a_cancelled_call_lets_a_replaced_runtime_go_too(runtime: ClientRuntime, made: Made) -> None:
    runtime.open()
    made[0].wait = anyio.sleep_forever
    with anyio.move_on_after(0.02):
        async with anyio.create_task_group() as group:
            group.start_soon(runtime.send, REQUEST)
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            runtime.replace(SECOND, swap=nothing)
            assert made[0].closed == 0
    assert made[0].closed == 1


async def test_a_runtime_that_nobody_is_on_is_closed_at_once(runtime: ClientRuntime, made: Made) -> None:
    await runtime.send(REQUEST)
    runtime.replace(SECOND, swap=nothing)
    assert [below.closed for below in made] == [1, 0]


async def test_one_that_has_to_wait_for_its_closing_is_closed_by_the_next_call(made: Made) -> None:
    proxied = RuntimeConfig(base_url="http://127.0.0.1:1", proxy="http://127.0.0.1:3")
    runtime = ClientRuntime(proxied, made, CallCounter())
    await runtime.send(REQUEST)
    runtime.replace(SECOND, swap=nothing)
    assert made[0].closed == 0
    await runtime.send(REQUEST)
    assert [below.closed for below in made] == [1, 0]


async def test_the_same_settings_replace_nothing(runtime: ClientRuntime, made: Made) -> None:
    await runtime.send(REQUEST)
    seen: list[int] = []
    runtime.replace(RuntimeConfig(base_url="http://127.0.0.1:1"), swap=lambda: seen.append(1))
    assert (len(made), seen) == (1, [1])


async def test_settings_that_change_before_the_first_call_make_one_runtime(runtime: ClientRuntime, made: Made) -> None:
    runtime.replace(SECOND, swap=nothing)
    assert (await runtime.send(REQUEST)).body == b"http://127.0.0.1:2"
    assert len(made) == 1


async def test_a_runtime_that_cannot_be_made_changes_nothing(counter: CallCounter) -> None:
    made = Made()

    def make(config: RuntimeConfig) -> Runtime:
        if config == SECOND:
            raise ConfigurationError("no")
        return made(config)

    runtime = ClientRuntime(FIRST, make, counter)
    await runtime.send(REQUEST)
    with pytest.raises(ConfigurationError):
        runtime.replace(SECOND, swap=lambda: pytest.fail("it was taken over all the same"))
    assert (await runtime.send(REQUEST)).body == b"http://127.0.0.1:1"


async def test_after_the_shutdown_nothing_is_sent_or_replaced(runtime: ClientRuntime, made: Made) -> None:
    await runtime.send(REQUEST)
    await runtime.aclose()
    await runtime.aclose()
    assert made[0].closed == 1
    with pytest.raises(ConfigurationError, match="shut down"):
        await runtime.send(REQUEST)
    with pytest.raises(ConfigurationError, match="shut down"):
        runtime.replace(SECOND, swap=nothing)


async def test_calls_are_counted_by_how_they_ended(runtime: ClientRuntime, made: Made, counter: CallCounter) -> None:
    await runtime.send(REQUEST)
    refused_here = ValidationError("timeout")
    refused_there = ValidationError("no", request_id="r1")
    for error in (NetworkError("away"), refused_here, refused_there, KeyboardInterrupt()):
        made[0].error = error
        with pytest.raises(type(error)):
            await runtime.send(REQUEST)
    stats = counter.stats(cache_hits=2, cache_misses=3)
    assert (stats.total_requests, stats.successful_requests, stats.failed_requests) == (4, 1, 3)
    assert (stats.success_rate, stats.cache_hits, stats.cache_misses) == (0.25, 2, 3)


def test_threads_lose_no_call_while_settings_change(runtime: ClientRuntime, made: Made, counter: CallCounter) -> None:
    failures: list[BaseException] = []
    over = threading.Event()

    def work() -> None:
        try:
            while not over.is_set():
                drive(runtime.send(REQUEST))
        except BaseException as error:  # noqa: BLE001 - of another thread; looked at below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(200):
        runtime.replace(SECOND if number % 2 == 0 else FIRST, swap=nothing)
    over.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert [below.closed for below in made] == [1] * 200 + [0]
    assert counter.stats(cache_hits=0, cache_misses=0).failed_requests == 0
