"""The Redis backend: the promises that every backend makes, in both forms, and its own."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest
import redis
from promptops.cache import Cache, CacheMisconfigured, CacheUnavailable
from promptops.cache.testing import CacheConformance
from promptops.cache_redis import RedisCache, RedisStore, in_worker_thread
from promptops.cache_redis.testing import RedisProcess

Wait = Callable[[Callable[[], bool], float], float]


def administrator(server: RedisProcess) -> Any:
    """A plain client; its annotations allow an awaitable everywhere."""
    return redis.Redis(port=server.port)


def drive(coroutine: Any) -> Any:
    """What the blocking facade does: a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it suspended")


class TestRedisCache(CacheConformance):
    @pytest.fixture
    async def cache(self, redis_url: str, prefix: str) -> AsyncIterator[Cache]:
        async with RedisCache(redis_url, prefix=prefix, run_blocking=in_worker_thread) as cache:
            yield cache


class TestRedisCacheOverAUnixSocket(CacheConformance):
    @pytest.fixture
    async def cache(self, shared_redis: RedisProcess, prefix: str) -> AsyncIterator[Cache]:
        async with RedisCache(shared_redis.socket_url, prefix=prefix, run_blocking=in_worker_thread) as cache:
            yield cache


class TestRedisCacheWithoutAnEventLoop(CacheConformance):
    """Every call must come back without suspending, as the blocking facade drives it."""

    @pytest.fixture
    async def cache(self, redis_url: str, prefix: str) -> AsyncIterator[Cache]:
        cache = RedisCache(redis_url, prefix=prefix)
        yield Driven(cache)
        cache.store.close()


class Driven:
    """A cache whose coroutines are driven by hand."""

    def __init__(self, cache: RedisCache) -> None:
        self.cache = cache

    async def get(self, key: str) -> bytes | None:
        found: bytes | None = drive(self.cache.get(key))
        return found

    async def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        drive(self.cache.set(key, value, ttl=ttl))

    async def delete(self, key: str) -> None:
        drive(self.cache.delete(key))

    async def clear(self, prefix: str = "") -> None:
        drive(self.cache.clear(prefix))

    async def aclose(self) -> None:
        drive(self.cache.aclose())


@pytest.fixture
def cache(redis_url: str, prefix: str) -> Iterator[RedisStore]:
    cache = RedisStore(redis_url, prefix=prefix)
    yield cache
    cache.close()


@pytest.fixture
def raw(shared_redis: RedisProcess) -> Iterator[Any]:
    """What an administrator sees."""
    with administrator(shared_redis) as client:
        yield client


def test_another_view_of_a_store_shares_everything_with_it(cache: RedisStore) -> None:
    view = RedisCache.over(cache)
    drive(view.set_many({"key": b"value"}))
    assert cache.read("key") == b"value"
    assert drive(view.get_many(["key", "other"])) == {"key": b"value"}
    drive(view.aclose())
    assert not cache.available


@pytest.mark.anyio
async def test_the_event_loop_goes_on_while_redis_hangs(own_redis: RedisProcess) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    async with RedisCache(own_redis.url, run_blocking=in_worker_thread, timeout=1.5) as cache:
        await cache.set("key", b"value")
        own_redis.pause()
        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            with pytest.raises(CacheUnavailable):
                await cache.get("key")
            group.cancel_scope.cancel()
        own_redis.resume()
    assert ticks >= 10


def test_a_batch_is_one_round_trip(cache: RedisStore, raw: Any) -> None:
    keys = [f"key{number}" for number in range(100)]
    cache.write_many({key: key.encode() for key in keys[:50]}, ttl=60.0)
    before = commands(raw)
    assert cache.read_many([*keys, *keys]) == {key: key.encode() for key in keys[:50]}
    assert counted(before, commands(raw)) == {"mget": 1}
    assert cache.read_many([]) == {}


def test_a_batch_of_writes_is_sent_at_once(own_redis: RedisProcess) -> None:
    far = RedisStore(own_redis.url)
    far.read("connected")
    values = {f"key{number}": b"x" for number in range(100)}
    with administrator(own_redis) as client:
        before = reads_of(client)
        far.write_many(values, ttl=60.0)
        together = reads_of(client) - before
        before = reads_of(client)
        for key, value in values.items():
            far.write(key, value, ttl=60.0)
        apart = reads_of(client) - before
    far.close()
    assert together <= 5
    assert apart >= 100


def commands(raw: Any) -> dict[str, int]:
    stats = raw.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(facts["calls"]) for name, facts in stats.items()}


def counted(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """How often each command came in between, without those of the observer."""
    calls = {name: number - before.get(name, 0) for name, number in after.items()}
    return {name: number for name, number in calls.items() if number and not name.startswith(("info", "config"))}


def reads_of(client: Any) -> int:
    stats = client.info("stats")
    return int(stats["total_reads_processed"])


def test_time_to_live_counts_in_milliseconds(cache: RedisStore, raw: Any, prefix: str) -> None:
    name = f"{prefix}|key"
    left = 0
    for _ in range(20):  # a busy machine may look too late
        cache.write("key", b"value", ttl=1.2345)
        left = raw.pttl(name)
        assert left <= 1235
        if left > 1000:
            break
    assert left > 1000
    cache.write("key", b"value", ttl=float("inf"))
    assert raw.pttl(name) == -1
    cache.write("key", b"value", ttl=0.0001)
    time.sleep(0.05)
    assert cache.read("key") is None


def test_a_value_beyond_the_limit_is_not_kept_and_removes_the_earlier_one(redis_url: str, prefix: str) -> None:
    cache = RedisStore(redis_url, prefix=prefix, max_value_bytes=10)
    cache.write_many({"fits": b"x" * 10, "large": b"x"})
    cache.write_many({"fits": b"y" * 10, "large": b"y" * 11})
    assert cache.read_many(["fits", "large"]) == {"fits": b"y" * 10}
    cache.close()


@pytest.mark.parametrize(
    ("first", "second"),
    [("p:", "p:x:"), ("p", "p|"), ("p*", "pq"), ("p|", "p%7C"), ("", "p"), ("a?", "ab"), ("[a]", "a"), ("\\", "")],
)
def test_caches_with_different_prefixes_never_meet(own_redis: RedisProcess, first: str, second: str) -> None:
    one, other = RedisStore(own_redis.url, prefix=first), RedisStore(own_redis.url, prefix=second)
    keys = ["", "k", "x:k", "|k", "*", "q", "b", "\ud800"]
    for key in keys:
        one.write(key, b"one")
        other.write(key, b"other")
    assert one.read_many(keys) == dict.fromkeys(keys, b"one")
    assert other.read_many(keys) == dict.fromkeys(keys, b"other")
    one.wipe()
    assert one.read_many(keys) == {}
    assert other.read_many(keys) == dict.fromkeys(keys, b"other")
    one.close()
    other.close()


def test_clearing_touches_only_its_own_keys_among_many(own_redis: RedisProcess) -> None:
    with administrator(own_redis) as client:
        for start in range(0, 5000, 1000):
            client.mset({f"theirs:{number}": b"1" for number in range(start, start + 1000)})
        cache = RedisStore(own_redis.url)
        cache.write_many({f"ours:{number}": b"1" for number in range(2500)})
        cache.wipe("ours:1")
        left = sum(1 for name in client.scan_iter(count=1000) if name.startswith(b"promptops:|"))
        assert left == sum(1 for number in range(2500) if not str(number).startswith("1"))
        cache.wipe()
        assert client.dbsize() == 5000
        cache.close()


def test_no_command_that_touches_the_whole_server_is_ever_sent(own_redis: RedisProcess) -> None:
    with administrator(own_redis) as client, client.monitor() as monitor:
        cache = RedisStore(own_redis.url)
        cache.write_many({"a": b"1", "b": b"2"}, ttl=5.0)
        cache.write("c", b"3")
        cache.read("a")
        cache.read_many(["a", "b"])
        cache.remove("a")
        cache.wipe("b")
        cache.wipe()
        cache.close()
        with administrator(own_redis) as marker:
            marker.echo("the end")
        sent: list[str] = []
        for seen in monitor.listen():
            word = str(seen["command"]).split()[0].upper()
            if word == "ECHO":
                break
            sent.append(word)
    assert {"SET", "GET", "MGET", "UNLINK", "SCAN"} <= set(sent)
    assert set(sent) <= {"SET", "GET", "MGET", "UNLINK", "SCAN"}


def test_a_server_that_is_not_there_is_an_error_of_the_cache_and_closing_stays_quick(own_redis: RedisProcess) -> None:
    cache = RedisStore(own_redis.url)
    own_redis.stop()
    with pytest.raises(CacheUnavailable, match="did not answer"):
        cache.read("key")
    with pytest.raises(CacheUnavailable, match="a moment ago"):
        cache.read("key")
    assert not cache.available
    started = time.monotonic()
    cache.close()
    cache.close()
    assert time.monotonic() - started < 5.0
    with pytest.raises(CacheUnavailable, match="closed"):
        cache.read("key")


def test_a_refused_command_says_why_and_does_not_close_the_gate(own_redis: RedisProcess) -> None:
    cache = RedisStore(own_redis.url)
    with administrator(own_redis) as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(CacheUnavailable, match="maxmemory"):
            cache.write("key", b"value")
        assert cache.available
        assert cache.read("key") is None
        client.config_set("maxmemory", "0")
    cache.write("key", b"value")
    assert cache.read("key") == b"value"
    cache.close()


def test_a_restart_of_redis_is_not_noticed_by_the_next_call(own_redis: RedisProcess) -> None:
    cache = RedisStore(own_redis.url)
    cache.write("key", b"value")
    own_redis.stop()
    own_redis.start()
    assert cache.read("key") is None
    cache.write("key", b"again")
    assert cache.read("key") == b"again"
    cache.close()


def test_more_callers_than_connections_wait_and_are_not_taken_for_an_outage(
    own_redis: RedisProcess,
) -> None:
    cache = RedisStore(own_redis.url, max_connections=2)
    outcomes: list[object] = []

    def work() -> None:
        try:
            for number in range(50):
                cache.write(f"key{number}", b"value")
            outcomes.append(True)
        except CacheUnavailable as error:
            outcomes.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    with administrator(own_redis) as client:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        clients = client.info("clients")
        assert clients["connected_clients"] <= 3
    assert outcomes == [True] * 8
    cache.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_uses_connections_of_its_own(redis_url: str, prefix: str) -> None:
    cache = RedisStore(redis_url, prefix=prefix)
    cache.write("parent", b"parent")
    children: list[int] = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            signal.alarm(120)
            wrong = 0
            try:
                for step in range(200):
                    cache.write(f"{number}-{step}", f"{number}-{step}".encode())
                    wrong += cache.read(f"{number}-{step}") != f"{number}-{step}".encode()
                    wrong += cache.read("parent") != b"parent"
                os._exit(0 if not wrong else 1)
            except BaseException:  # noqa: BLE001 - a child must not go on with the tests
                os._exit(2)
        children.append(child)
    for _ in range(200):
        assert cache.read("parent") == b"parent"
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert statuses == [0, 0, 0, 0]
    assert cache.read("parent") == b"parent"
    cache.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_forked_while_redis_was_down_finds_it_by_itself(own_redis: RedisProcess) -> None:
    cache = RedisStore(own_redis.url)
    own_redis.stop()
    with pytest.raises(CacheUnavailable):
        cache.read("key")
    own_redis.start()
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        try:
            os._exit(0 if cache.read("key") is None else 1)
        except BaseException:  # noqa: BLE001 - a child must not go on with the tests
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    cache.close()


def test_a_password_is_used_and_never_shown(guarded_redis: RedisProcess, caplog: pytest.LogCaptureFixture) -> None:
    assert ":correct-horse@" in guarded_redis.url
    cache = RedisStore(guarded_redis.url)
    cache.write("key", b"value")
    assert cache.read("key") == b"value"
    shown = [repr(cache)]
    wrong = RedisStore(guarded_redis.url.replace("correct-horse", "battery-staple"))
    for _ in range(2):
        with pytest.raises(CacheUnavailable) as caught:
            wrong.read("key")
        shown.append("".join(traceback.format_exception(caught.value)))
    guarded_redis.stop()
    with pytest.raises(CacheUnavailable) as caught:
        cache.read("key")
    shown += ["".join(traceback.format_exception(caught.value)), caplog.text]
    assert not [text for text in shown if "correct-horse" in text or "battery-staple" in text]
    assert "invalid username-password pair" in shown[1]
    wrong.close()
    cache.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cret@host",
        "s3cret",
        "redis://:s3cret@host:s3cret/0",
        "redis://:s3cret@host:99999999/0",
        "redis://host/0?bogus=s3cret",
        "redis://host/0?socket_timeout=s3cret",
        "unix://:s3cret@",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(CacheMisconfigured, match="Redis URL") as caught:
        RedisStore(url)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["timeout", "connect_timeout", "max_value_bytes", "max_connections", "clear_timeout"])
def test_a_number_that_is_not_positive_is_refused_by_name(name: str) -> None:
    bad: dict[str, Any] = {name: 0}
    with pytest.raises(CacheMisconfigured, match=name):
        RedisStore("redis://localhost", **bad)


@pytest.mark.parametrize("url", ["valkey://{}", "redis+unix://{}"])
def test_other_names_of_the_schemes_work(shared_redis: RedisProcess, url: str, prefix: str) -> None:
    rest = (shared_redis.url if "valkey" in url else shared_redis.socket_url).partition("://")[2]
    cache = RedisStore(url.format(rest), prefix=prefix)
    cache.write("key", b"value")
    assert cache.read("key") == b"value"
    cache.close()


def test_a_task_that_is_cancelled_leaves_the_cache_usable(redis_url: str, prefix: str) -> None:
    async def main() -> None:
        async with RedisCache(redis_url, prefix=prefix, run_blocking=in_worker_thread) as cache:
            for _ in range(20):
                task = asyncio.create_task(cache.set("key", b"value"))
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            await cache.set("key", b"last")
            assert await cache.get("key") == b"last"

    asyncio.run(main())
