"""T13: a create that is sent again creates once, wherever its answer was cut off."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from promptops.client import ClientConfig, PromptOpsClient, SyncPromptOpsClient
from promptops.core import (
    AsyncRuntime,
    ConflictError,
    NetworkError,
    PromptOpsError,
    Request,
    Response,
    RuntimeConfig,
    SyncRuntime,
    ValidationError,
)
from promptops.core.bridge import drive
from promptops.core.codec import encode
from promptops.core.messages import WRITE
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Exchange, Mode
from promptops.prompts import _native
from promptops.server import EmbeddedServer

Config = Callable[..., ClientConfig]
CREATES = 500
AT_ONCE = 25
_NAME = re.compile(rb'"name":"([^"]+)"')
_KEY = re.compile(rb"idempotency-key: (\S+)", re.IGNORECASE)


class CutFirst(Mode):
    """The first answer to each named thing is cut off: after as many bytes as the number in its name says."""

    def __init__(self) -> None:
        self.keys: defaultdict[str, list[str | None]] = defaultdict(list)
        self.first: dict[str, int] = {}

    async def answer(self, exchange: Exchange) -> None:
        data = await exchange.fetch()  # the server has done its work, whatever becomes of the answer
        found = _NAME.search(exchange.request)
        if exchange.method not in {"POST", "PUT"} or found is None:
            await exchange.write(data)
            return
        name = found[1].decode()
        key = _KEY.search(exchange.request)
        self.keys[name].append(None if key is None else key[1].decode())
        self.first.setdefault(name, len(data))
        offset = int(name.rpartition("-")[2])
        if len(self.keys[name]) > 1 or offset >= len(data):
            await exchange.write(data)
            return
        if offset:
            await exchange.write(data[:offset])
        exchange.close()


@pytest.fixture
def cutting(server: EmbeddedServer) -> Iterator[tuple[FaultProxy, CutFirst]]:
    mode = CutFirst()
    with FaultProxy(server.url, mode=mode) as proxy:
        yield proxy, mode


def name_of(number: int) -> str:
    return f"prompt-{number:06d}"


@pytest.fixture(params=["async", "blocking"])
def create_all(request: pytest.FixtureRequest, config: Config) -> Callable[[str, int], list[BaseException | None]]:
    """Creates that many prompts, some at once, and returns the error of each."""

    def run(url: str, count: int) -> list[BaseException | None]:
        settings = config(url, max_connections=AT_ONCE)
        names = [name_of(number) for number in range(count)]
        if request.param == "blocking":
            with SyncPromptOpsClient(settings) as client, ThreadPoolExecutor(AT_ONCE) as threads:
                waiting = [threads.submit(client.prompts.create, name, content="Hi") for name in names]
                return [each.exception() for each in waiting]

        async def main() -> list[BaseException | None]:
            slots = asyncio.Semaphore(AT_ONCE)

            async def create(client: PromptOpsClient, name: str) -> BaseException | None:
                async with slots:
                    try:
                        await client.prompts.create(name, content="Hi")
                    except PromptOpsError as error:
                        return error
                return None

            async with PromptOpsClient(settings) as client:
                return await asyncio.gather(*(create(client, name) for name in names))

        return asyncio.run(main())

    return run


def rows_of(server: EmbeddedServer, config: Config) -> list[str]:
    with SyncPromptOpsClient(config(server.url)) as client:
        return sorted(prompt.name for prompt in client.prompts.iterate())


@pytest.mark.usefixtures("without_budget")
def test_five_hundred_creates_cut_at_every_byte_make_five_hundred_rows(
    server: EmbeddedServer,
    cutting: tuple[FaultProxy, CutFirst],
    create_all: Callable[[str, int], list[BaseException | None]],
    config: Config,
) -> None:
    proxy, mode = cutting
    create_all(proxy.url, 1)  # tells how long an answer is
    count = max(CREATES, max(mode.first.values()) + 50)
    mode.keys.clear()
    errors = create_all(proxy.url, count)
    taken, rest = errors[0], errors[1:]
    assert isinstance(taken, ConflictError)  # the first name was taken before: a real conflict stays one
    assert [error for error in rest if error is not None] == []
    assert rows_of(server, config) == [name_of(number) for number in range(count)]
    lengths = sorted(mode.first[name_of(number)] for number in range(1, count))
    assert lengths[-1] < count  # every byte of an answer was the last one once
    for name, keys in mode.keys.items():
        cut = int(name.rpartition("-")[2]) < mode.first[name]
        assert cut is (len(keys) == 2) or name == name_of(0)  # an answer that is cut anywhere is asked for again
        assert None not in keys
        assert len(set(keys)) == 1
    assert len({keys[0] for keys in mode.keys.values()}) == count


def test_control_without_a_key_a_cut_create_reaches_the_caller_and_its_repetition_conflicts(
    server: EmbeddedServer,
    cutting: tuple[FaultProxy, CutFirst],
    create_all: Callable[[str, int], list[BaseException | None]],
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy, _ = cutting
    monkeypatch.setattr(_native, "_new_key", lambda: None)
    errors = create_all(proxy.url, 20)
    assert all(isinstance(error, NetworkError) for error in errors)
    assert len(rows_of(server, config)) == 20  # and yet they were made
    assert all(isinstance(error, ConflictError) for error in create_all(proxy.url, 20))


@pytest.mark.usefixtures("without_budget")
@pytest.mark.parametrize("keyed", [True, False], ids=["with a key", "control: without a key"])
def test_a_new_version_is_made_once(
    server: EmbeddedServer,
    cutting: tuple[FaultProxy, CutFirst],
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    keyed: bool,
) -> None:
    proxy, _ = cutting
    if not keyed:
        monkeypatch.setattr(_native, "_new_key", lambda: None)
    with SyncPromptOpsClient(config(server.url)) as client:
        client.prompts.create("Greeting", content="Hi")
    with SyncPromptOpsClient(config(proxy.url)) as client:
        for number in range(0, 100, 5):
            client.prompts.update("greeting", new_name=name_of(number), content="Hi")
        versions = client.prompts.versions("greeting")
    assert len(versions) == (21 if keyed else 41)


def body_of(name: str) -> Request:
    return Request(
        method="POST",
        path="/v1/client/prompts",
        body=encode({"name": name, "content": "Hi"}),
        profile=WRITE,
        idempotency_key="one-key-for-all",
    )


@pytest.fixture(params=["async", "blocking"])
def send_all(request: pytest.FixtureRequest, server: EmbeddedServer) -> Callable[[list[Request]], list[Any]]:
    """Sends the requests at the same time; an answer or an error for each."""

    def run(requests: list[Request]) -> list[Any]:
        settings = RuntimeConfig(base_url=server.url, max_connections=50)
        if request.param == "blocking":
            runtime = SyncRuntime(settings)

            def send(each: Request) -> Response:
                return drive(runtime.send(each))

            with ThreadPoolExecutor(50) as threads:
                waiting = [threads.submit(send, each) for each in requests]
                found = [each.exception() or each.result() for each in waiting]
            drive(runtime.aclose())
            return found

        async def main() -> list[Any]:
            runtime = AsyncRuntime(settings)
            found = await asyncio.gather(*(runtime.send(each) for each in requests), return_exceptions=True)
            await runtime.aclose()
            return found

        return asyncio.run(main())

    return run


@pytest.mark.usefixtures("without_budget")
def test_fifty_at_once_with_one_key_make_one_row(
    server: EmbeddedServer, send_all: Callable[[list[Request]], list[Any]], config: Config
) -> None:
    found = send_all([body_of("Greeting")] * 50)
    answers = [each for each in found if isinstance(each, Response)]
    assert len({each.body for each in answers}) == 1
    for error in found:
        # A machine that is slow may keep the first one busy for longer than the others ask.
        assert isinstance(error, Response) or (error.error_code, error.retryable) == ("IDEMPOTENCY_IN_PROGRESS", True)
    assert rows_of(server, config) == ["Greeting"]


@pytest.mark.usefixtures("without_budget")
def test_the_same_key_with_another_body_is_refused(
    server: EmbeddedServer, send_all: Callable[[list[Request]], list[Any]], config: Config
) -> None:
    (first,) = send_all([body_of("Greeting")])
    assert isinstance(first, Response)
    for error in send_all([body_of("Another")] * 3):
        assert isinstance(error, ValidationError)
        assert error.error_code == "IDEMPOTENCY_KEY_REUSED"
    assert rows_of(server, config) == ["Greeting"]
