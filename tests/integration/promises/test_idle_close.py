"""T15: a server that closes idle connections whenever it likes is not felt by callers of idempotent calls."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec import structs
from promptops.core import AsyncRuntime, PromptOpsError, Request, Runtime, RuntimeConfig, SyncRuntime
from promptops.core import caller as caller_module
from promptops.core import limits as limits_module
from promptops.core._transport import _asyncio, _blocking
from promptops.core.bridge import drive
from promptops.core.messages import READ, WRITE
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import IdleClose
from promptops.core.transport import Attempt

REQUESTS = 2_000
GET = Request(method="GET", path="/x", profile=READ)
KEYED = Request(method="POST", path="/x", body=b"{}", profile=WRITE, idempotency_key="a-key")


class Spaced:
    """Calls with random pauses in between, so that connections idle for as long as the server bears, or longer."""

    def __init__(self, longest: float, calls: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._longest = longest
        self._calls = calls

    def __iter__(self) -> Iterator[tuple[float, Request]]:
        for number in range(self._calls):
            yield self._random.uniform(0.0, self._longest), KEYED if number % 4 == 3 else GET


@pytest.fixture(params=["async", "blocking"])
def spaced(request: pytest.FixtureRequest) -> Callable[..., list[PromptOpsError]]:
    """Makes the calls from some clients at once, and returns the errors that reached a caller."""

    def run(url: str, *, clients: int, calls: int, longest: float) -> list[PromptOpsError]:
        errors: list[PromptOpsError] = []
        config = RuntimeConfig(base_url=url)

        async def call(runtime: Runtime, what: Request) -> None:
            try:
                await runtime.send(what)
            except PromptOpsError as error:
                errors.append(error)

        async def client(seed: int) -> None:
            runtime = AsyncRuntime(config)
            for pause, what in Spaced(longest, calls, seed):
                await asyncio.sleep(pause)
                await call(runtime, what)
            await runtime.aclose()

        def blocking(seed: int) -> None:
            runtime = SyncRuntime(config)
            for pause, what in Spaced(longest, calls, seed):
                time.sleep(pause)
                drive(call(runtime, what))
            drive(runtime.aclose())

        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                for seed in range(clients):
                    group.create_task(client(seed))

        if request.param == "async":
            asyncio.run(main())
        else:
            with ThreadPoolExecutor(clients) as threads:
                for done in [threads.submit(blocking, seed) for seed in range(clients)]:
                    done.result()
        return errors

    return run


def test_two_thousand_spaced_requests_bring_no_error(
    spaced: Callable[..., list[PromptOpsError]], soak: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    scale, clients = (1.0, 100) if soak else (0.05, 80)
    with FaultProxy(mode=IdleClose(1.0 * scale, 10.0 * scale)) as proxy:
        errors = spaced(proxy.url, clients=clients, calls=REQUESTS // clients, longest=11.0 * scale)
        connections = proxy.connections
    with capsys.disabled():
        print(f"\n{REQUESTS} requests over {connections} connections: {len(errors)} errors")
    assert connections > clients * 5  # it did close them
    assert errors == []


@pytest.fixture
def defenceless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transport that trusts every idle connection, and calls that are made once."""

    def never(*_: object, **__: object) -> bool:
        return False

    def once(**values: Any) -> Attempt:
        return structs.replace(Attempt(**values), retry_stale=False)

    monkeypatch.setattr(_blocking.BlockingConnection, "is_stale", never)
    monkeypatch.setattr(_asyncio.AsyncioConnection, "is_stale", never)
    monkeypatch.setattr(caller_module, "Attempt", once)
    monkeypatch.setattr(limits_module.Budget, "take", never)


@pytest.mark.usefixtures("defenceless")
def test_control_without_the_check_and_the_repetition_callers_get_errors(
    spaced: Callable[..., list[PromptOpsError]],
) -> None:
    with FaultProxy(mode=IdleClose(0.01, 0.1)) as proxy:
        errors = spaced(proxy.url, clients=10, calls=20, longest=0.2)
    assert len(errors) > 20
