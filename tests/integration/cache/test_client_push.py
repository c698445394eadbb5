"""Push, as applications see it: what the server commits is what their clients return, without asking for it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from promptops.cache import CacheConfig
from promptops.cache._freshness import Freshness
from promptops.cache_redis import CHANNEL
from promptops.cache_redis.testing import RedisProcess
from promptops.client import ClientConfig, PromptNotFoundError, SyncPromptOpsClient
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Delay
from promptops.server import EmbeddedServer

PROCESSES = int(os.environ.get("PROMPTOPS_PUSH_PROCESSES", "8"))
ROUNDS = 6
WITHIN = 1.0
READER = Path(__file__).with_name("reader_process.py")
Client = Callable[..., SyncPromptOpsClient]


class Readers:
    """Processes that read through clients of their own, of both kinds."""

    def __init__(self, url: str, redis_url: str, count: int) -> None:
        self.processes = [
            subprocess.Popen(
                [sys.executable, str(READER), url, redis_url, "async" if number % 2 else "sync"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
            )
            for number in range(count)
        ]
        self._rests = [b"" for _ in self.processes]

    def times_of(self, content: str, limit: float) -> list[int]:
        """When each process met a content, of those that do within the limit."""
        met: list[int] = []
        until = time.monotonic() + limit
        pipes = {process.stdout.fileno(): index for index, process in enumerate(self.processes) if process.stdout}
        while len(met) < len(self.processes) and (left := until - time.monotonic()) > 0:
            for pipe in select.select(list(pipes), [], [], left)[0]:
                index = pipes[pipe]
                *whole, self._rests[index] = (self._rests[index] + os.read(pipe, 65536)).split(b"\n")
                met += [int(line.split()[1]) for line in whole if line.split()[0].decode() == content]
        return met

    def close(self) -> None:
        for process in self.processes:
            if process.stdin is not None:
                process.stdin.close()
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def server(own_redis: RedisProcess) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(redis_url=own_redis.url) as running:
        yield running


@pytest.fixture
def client(server: EmbeddedServer, own_redis: RedisProcess) -> Iterator[Client]:
    """Makes clients that hear of changes and would not ask by themselves."""
    made: list[SyncPromptOpsClient] = []

    def make(url: str = server.url, **settings: Any) -> SyncPromptOpsClient:
        cache = CacheConfig(level="redis", redis_url=own_redis.url, ttl=3600.0, **settings)
        made.append(SyncPromptOpsClient(ClientConfig(base_url=url, read_environment=False, cache=cache)))
        return made[-1]

    yield make
    for one in made:
        one.shutdown()


def until(holds: Callable[[], bool], limit: float) -> bool:
    end = time.monotonic() + limit
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def listening(redis: RedisProcess) -> None:
    """Wait until the client hears of changes."""
    administrator: Any = import_module("redis").Redis(port=redis.port)
    with administrator:
        assert until(lambda: administrator.pubsub_numsub(CHANNEL)[0][1] > 0, 30.0)
    time.sleep(0.2)  # until it has taken note of that


def writer(server: EmbeddedServer) -> SyncPromptOpsClient:
    return SyncPromptOpsClient(ClientConfig(base_url=server.url, read_environment=False))


def test_a_new_version_is_what_every_process_reads_within_a_second(
    server: EmbeddedServer, own_redis: RedisProcess
) -> None:
    with writer(server) as writes:
        writes.prompts.create("shared", content="v0")
        readers = Readers(server.url, own_redis.url, PROCESSES)
        try:
            assert len(readers.times_of("v0", 120.0)) == PROCESSES
            time.sleep(1.0)  # until all of them listen
            rounds: list[list[float]] = []
            for number in range(1, ROUNDS + 1):
                writes.prompts.update("shared", content=f"v{number}")
                answered = time.time_ns()
                met = readers.times_of(f"v{number}", 60.0)
                assert len(met) == PROCESSES, f"version {number} reached {len(met)} of {PROCESSES} processes"
                rounds.append([(at - answered) / 1e9 for at in met])
        finally:
            readers.close()
    delays = sorted(delay for met in rounds for delay in met)
    at_99 = delays[int(len(delays) * 0.99) - 1]
    sys.stdout.write(
        f"{PROCESSES} processes: median {delays[len(delays) // 2] * 1000:.1f} ms,"
        f" 99% {at_99 * 1000:.1f} ms, most {delays[-1] * 1000:.1f} ms\n"
    )
    # A busy machine may hold up a process, and with the server all of them; what is promised is of this code.
    assert delays[len(delays) // 2] <= WITHIN
    assert sorted(max(met) for met in rounds)[1] <= WITHIN


def test_control_without_push_the_old_version_stays(server: EmbeddedServer, client: Client) -> None:
    reads = client(push=False)
    with writer(server) as writes:
        writes.prompts.create("shared", content="v0")
        assert reads.prompts.get("shared").content == "v0"
        writes.prompts.update("shared", content="v1")
        assert not until(lambda: reads.prompts.get("shared").content == "v1", 1.0)


def test_readers_never_wait_for_the_news(server: EmbeddedServer, client: Client, own_redis: RedisProcess) -> None:
    with FaultProxy(server.url) as proxy, writer(server) as writes:
        writes.prompts.create("shared", content="v0")
        reads = client(proxy.url)
        reads.prompts.get("shared")
        listening(own_redis)
        asked = proxy.requests
        slowest = 0.0
        proxy.set(Delay(2.5))
        writes.prompts.update("shared", content="v1")
        end = time.monotonic() + 30.0
        while reads.prompts.get("shared").content != "v1" and time.monotonic() < end:
            started = time.perf_counter()
            reads.prompts.get("shared")
            slowest = max(slowest, time.perf_counter() - started)
        assert reads.prompts.get("shared").content == "v1"
        assert proxy.requests == asked + 1, "one question for the news, and none while there is none"
    assert slowest < 2.0


def test_every_spelling_of_the_prompt_is_renewed_and_other_prompts_are_left_alone(
    server: EmbeddedServer, client: Client, own_redis: RedisProcess
) -> None:
    with writer(server) as writes:
        id_ = writes.prompts.create("shared", content="v0").id
        writes.prompts.create("other", content="other")
        writes.prompts.set_label("shared", "production", version="1.0.0")
        reads = client()
        reads.prompts.get_many(["shared", id_, "other"])
        reads.prompts.get("shared", label="production")
        other = reads.prompts.get("other")
        listening(own_redis)
        writes.prompts.update("shared", content="v1")
        writes.prompts.set_label("shared", "production", version="1.0.1")
        spellings: list[Callable[[], Any]] = [
            lambda: reads.prompts.get("shared"),
            lambda: reads.prompts.get(id_),
            lambda: reads.prompts.get("shared", label="production"),
        ]
        for get in spellings:
            assert until(lambda: get().content == "v1", 30.0)  # noqa: B023 - called before the next one
        assert reads.prompts.get("other") is other


def test_another_process_that_starts_later_finds_the_new_version_in_redis(
    server: EmbeddedServer, client: Client, own_redis: RedisProcess
) -> None:
    with writer(server) as writes:
        writes.prompts.create("shared", content="v0")
        first = client()
        first.prompts.get("shared")
        listening(own_redis)
        writes.prompts.update("shared", content="v1")
        assert until(lambda: first.prompts.get("shared").content == "v1", 30.0)
        late = client().prompts.read("shared")
        assert (late.prompt.content, late.source) == ("v1", "redis")


def test_a_name_that_was_missing_is_there_as_soon_as_it_is_made(
    server: EmbeddedServer, client: Client, own_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def for_long(self: Freshness, fraction: float) -> float:
        return 3600.0

    monkeypatch.setattr(Freshness, "negative_lifetime", for_long)
    reads = client()
    with pytest.raises(PromptNotFoundError):
        reads.prompts.get("shared")
    listening(own_redis)
    with writer(server) as writes:
        writes.prompts.create("shared", content="v0")
    assert until(lambda: reads.prompts.get("shared", fallback=None) is not None, 30.0)


def test_a_deleted_prompt_is_gone_at_once(server: EmbeddedServer, client: Client, own_redis: RedisProcess) -> None:
    with writer(server) as writes:
        writes.prompts.create("shared", content="v0")
        reads = client()
        reads.prompts.get("shared")
        listening(own_redis)
        writes.prompts.delete("shared")
    assert until(lambda: reads.prompts.get("shared", fallback=None) is None, 30.0)


def test_after_an_outage_of_redis_everything_is_asked_for_once_and_served_meanwhile(
    server: EmbeddedServer, client: Client, own_redis: RedisProcess
) -> None:
    with FaultProxy(server.url) as proxy, writer(server) as writes:
        names = [writes.prompts.create(f"p{number}", content="v0").slug for number in range(5)]
        reads = client(proxy.url)
        reads.prompts.get_many(names)
        listening(own_redis)
        own_redis.stop()
        writes.prompts.update("p0", content="v1")  # nobody can be told
        own_redis.start()
        asked = proxy.requests
        assert until(lambda: reads.prompts.read("p0").stale, 30.0), "it was heard that something may have changed"
        assert until(lambda: {read(reads, name) for name in names} == {"v0", "v1"}, 30.0)
        assert until(lambda: not any(reads.prompts.read(name).stale for name in names), 30.0)
        assert proxy.requests - asked <= 2 * len(names)


def read(reads: SyncPromptOpsClient, name: str) -> str:
    return reads.prompts.get(name).content
