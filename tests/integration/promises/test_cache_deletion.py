"""T05: a deletion is obeyed, and nothing else is mistaken for one; a key that was refused needs no restart."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from promptops.cache import CacheConfig
from promptops.cache.policy import BACKGROUND
from promptops.client import ClientConfig, SyncPromptOpsClient
from promptops.core import PromptNotFoundError, RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Canned, Exchange, Mode, Pass
from promptops.prompts import AsyncPrompts, PromptCache, Surroundings, SyncPrompts
from promptops.server import EmbeddedServer

Open = Callable[..., Any]
JSON = (("content-type", "application/json"),)
HTML = (("content-type", "text/html"),)
PAGE = b"<html><body><h1>Not Found</h1><hr>gateway</body></html>"
ENVELOPE = b'{"success":false,"error":{"code":"%s","message":"no","details":{}}}'
NO_DELETIONS = [
    pytest.param(Canned(404, HTML, PAGE), id="404 of a proxy"),
    pytest.param(Canned(404, JSON, b'{"detail":"Not Found"}'), id="404 of a gateway that speaks JSON"),
    pytest.param(Canned(404, HTML, b""), id="404 without a word"),
    pytest.param(Canned(410, HTML, PAGE), id="410 of a proxy"),
    pytest.param(Canned(401, JSON, ENVELOPE % b"AUTHENTICATION_ERROR"), id="401"),
    pytest.param(Canned(403, JSON, ENVELOPE % b"AUTHORIZATION_ERROR"), id="403"),
    pytest.param(Canned(405, HTML, PAGE), id="405 of a proxy"),
    pytest.param(Canned(429, JSON, ENVELOPE % b"RATE_LIMIT_ERROR"), id="429"),
    pytest.param(Canned(500, JSON, ENVELOPE % b"SERVER_ERROR"), id="500"),
    pytest.param(Canned(502, HTML, PAGE), id="502 of a proxy"),
    pytest.param(Canned(503), id="503"),
    pytest.param(Canned(504, HTML, PAGE), id="504 of a proxy"),
]


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    """One prompt of a real server, in virtual time: only the cache's clock is the test's."""

    def __init__(self, url: str, name: str, key: Callable[[], str]) -> None:
        self.name = name
        self.clock = Clock()
        config = RuntimeConfig(base_url=url, api_key=key)
        self.runtime = SyncRuntime(config)
        around = Surroundings(runtime=self.runtime, blocking=True, behind=lambda: self.runtime, config=lambda: config)
        self.cache = PromptCache(CacheConfig(ttl=60.0), clock=self.clock, around=around)
        self.prompts = SyncPrompts(AsyncPrompts(self.runtime, cache=self.cache))

    def get(self, **options: Any) -> Any:
        """The prompt."""
        return self.prompts.get(self.name, **options)

    def read(self) -> Any:
        """The prompt, and where it came from."""
        return self.prompts.read(self.name)

    def settled(self) -> None:
        """Wait until the background has done what it was given."""
        done: list[bool] = []
        BACKGROUND.submit(object(), lambda: done.append(True))
        wait_for(lambda: bool(done))


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 40.0
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


class Keyed(Mode):
    """A server that knows one key, in front of one that asks for none."""

    def __init__(self, key: str) -> None:
        self.line = f"authorization: bearer {key}".encode()
        self.refused = 0

    async def answer(self, exchange: Exchange) -> None:
        if self.line in exchange.request.lower():
            await Pass().answer(exchange)
            return
        self.refused += 1
        await Canned(401, JSON, ENVELOPE % b"AUTHENTICATION_ERROR").answer(exchange)


@pytest.fixture
def key() -> dict[str, str]:
    """The key that the application has at the moment."""
    return {"now": "good"}


@pytest.fixture
def writer(library: EmbeddedServer) -> Iterator[SyncPromptOpsClient]:
    """Another client, which writes."""
    with SyncPromptOpsClient(ClientConfig(base_url=library.url, read_environment=False)) as client:
        yield client


@pytest.fixture
def name(writer: SyncPromptOpsClient) -> str:
    """A prompt that the test may delete."""
    return str(writer.prompts.create(f"greeting-{uuid.uuid4().hex[:12]}", content="Hi").slug)


@pytest.fixture
def gateway(library: EmbeddedServer) -> Iterator[FaultProxy]:
    with FaultProxy(library.url) as running:
        yield running


@pytest.fixture
def world(gateway: FaultProxy, key: dict[str, str], name: str) -> Iterator[World]:
    made = World(gateway.url, name, lambda: key["now"])
    yield made
    made.cache.close()
    drive(made.runtime.aclose())


def test_deleted_prompt_is_gone_within_one_ttl(world: World, writer: SyncPromptOpsClient) -> None:
    world.get()
    writer.prompts.delete(world.name)
    world.clock.now += 66.0  # the ttl with its jitter
    world.get()  # may still serve it, and has it refreshed
    world.settled()
    with pytest.raises(PromptNotFoundError):
        world.get()


def test_each_facade_obeys_a_deletion(
    library: EmbeddedServer, open_client: Open, writer: SyncPromptOpsClient, name: str
) -> None:
    client = open_client(library.url, cache=CacheConfig(ttl=0.2))
    client.get(name)
    writer.prompts.delete(name)
    wait_for(lambda: client.get(name, fallback=None) is None)


@pytest.mark.parametrize("mode", NO_DELETIONS)
def test_nothing_else_removes_a_prompt(world: World, gateway: FaultProxy, mode: Mode) -> None:
    prompt = world.get()
    asked = gateway.requests
    gateway.set(mode)
    for _ in range(20):
        world.clock.now += 400.0  # past every backoff, so each round asks
        assert world.get() is prompt
        world.settled()
    assert gateway.requests >= asked + 2  # some errors say for how long to ask nothing
    read = world.read()
    assert (read.source, read.stale) == ("memory", True)
    assert world.cache.stats().evictions == 0


@pytest.mark.parametrize("mode", NO_DELETIONS)
def test_nothing_else_is_remembered_as_a_deletion(world: World, gateway: FaultProxy, mode: Mode) -> None:
    gateway.set(mode)
    assert world.get(fallback=None) is None
    gateway.set(Pass())
    wait_for(lambda: world.get(fallback=None) is not None)


def test_key_that_is_right_again_recovers_without_a_restart(
    world: World, gateway: FaultProxy, key: dict[str, str]
) -> None:
    keyed = Keyed("good")
    gateway.set(keyed)
    world.get()
    key["now"] = "bad"
    world.clock.now += 66.0
    world.get()
    world.settled()
    assert keyed.refused == 1
    for _ in range(29):
        world.clock.now += 10.0
        assert world.read().stale
        world.settled()
    assert keyed.refused == 1  # a refused key is not tried again before five minutes are over
    key["now"] = "good"
    world.clock.now += 40.0  # 330 s in all: five minutes and the jitter
    world.get()
    world.settled()
    read = world.read()
    assert (read.source, read.stale) == ("memory", False)


def test_control_a_typed_answer_does_remove_it(world: World, gateway: FaultProxy) -> None:
    world.get()
    gateway.set(Canned(404, JSON, ENVELOPE % b"PROMPT_NOT_FOUND"))
    world.clock.now += 66.0
    world.get()
    world.settled()
    with pytest.raises(PromptNotFoundError):
        world.get()


def test_a_minute_of_a_thousand_gets_a_second_of_a_missing_prompt_takes_fifteen_requests_at_most(
    world: World, gateway: FaultProxy
) -> None:
    before = gateway.requests
    start = world.clock.now
    missing = 0
    for number in range(60_000):
        world.clock.now = start + number / 1000.0
        try:
            world.prompts.get("nobody-has-it")
        except PromptNotFoundError:
            missing += 1
    assert missing == 60_000
    assert 10 <= gateway.requests - before <= 15
