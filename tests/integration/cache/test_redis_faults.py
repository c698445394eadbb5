"""A Redis that is down, hangs or talks nonsense: one bounded attempt, then nothing, and back in use by itself."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from promptops.cache import CacheUnavailable
from promptops.cache_redis import RedisStore
from promptops.cache_redis.testing import RedisProcess
from promptops.core.testing.faults import BlackHole, FaultProxy, Garbage, Html, Mode, Pass, Refuse, Unreachable

FIRST = 0.35
NEXT_HUNDRED = 0.1
"""Seconds on a machine that does other things too; a hundred attempts would take thirty."""
RECOVERY = 2.0 + 3.0
"""Seconds, with those that a busy machine may add."""
BEST_OF = 5

MODES = {
    "refused": Refuse(),
    "unreachable": Unreachable(),
    "black hole": BlackHole(),
    "closed at once": Pass(),
    "garbage": Garbage(),
    "page of a web server": Html(),
}


@pytest.fixture(autouse=True)
def patience() -> None:
    """None: the limits that applications have are what is tested."""


def failing_call(cache: RedisStore) -> float:
    started = time.monotonic()
    with pytest.raises(CacheUnavailable):
        cache.read("key")
    return time.monotonic() - started


def best_first(url: str, limit: float = FIRST) -> float:
    """The best of some first calls, each of a store of its own, for the same reason as below."""
    best = float("inf")
    for _ in range(BEST_OF):
        cache = RedisStore(url)
        best = min(best, failing_call(cache))
        cache.close()
        if best <= limit:
            break
    return best


def hundred_calls(cache: RedisStore) -> float:
    started = time.monotonic()
    for _ in range(100):
        with contextlib.suppress(CacheUnavailable):
            cache.read("key")
            pytest.fail("it was attempted")
    return time.monotonic() - started


def best_hundred(cache: RedisStore) -> float:
    """The best of some, for a machine that does other things too."""
    return min(hundred_calls(cache) for _ in range(BEST_OF))


def seconds_until_read(cache: RedisStore) -> float:
    started = time.monotonic()
    while time.monotonic() - started < 30.0:
        with contextlib.suppress(CacheUnavailable):
            cache.read("key")
            return time.monotonic() - started
        time.sleep(0.005)
    pytest.fail("it did not recover within 30 s")


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_an_outage_costs_one_bounded_attempt_and_then_nothing(
    mode: Mode, redis_on: Callable[[int], RedisProcess]
) -> None:
    with FaultProxy(mode=mode) as proxy:
        port = proxy.port
        first = best_first(f"redis://127.0.0.1:{port}/0")
        before, started = proxy.connections, time.monotonic()
        cache = RedisStore(f"redis://127.0.0.1:{port}/0")
        failing_call(cache)
        after = best_hundred(cache)
        attempts, took = proxy.connections - before, time.monotonic() - started
    assert first <= FIRST
    assert after <= NEXT_HUNDRED
    assert attempts <= 2 + int(took)  # the first call, and a probe for each second that went by
    redis_on(port)
    assert seconds_until_read(cache) <= RECOVERY
    cache.write("key", b"value")
    assert cache.read("key") == b"value"
    cache.close()


@pytest.mark.parametrize("used_before", [False, True], ids=["new", "used before"])
def test_a_redis_that_hangs_costs_one_bounded_attempt_and_is_used_again_when_it_goes_on(
    own_redis: RedisProcess, used_before: bool
) -> None:
    cache = RedisStore(own_redis.url)
    if used_before:
        cache.write("key", b"value")
    own_redis.pause()
    failing_call(cache)
    after = best_hundred(cache)
    time.sleep(1.5)  # a probe hangs as well
    later = best_hundred(cache)
    first = best_first(own_redis.url)
    own_redis.resume()
    recovery = seconds_until_read(cache)
    assert first <= FIRST
    assert after <= NEXT_HUNDRED
    assert later <= NEXT_HUNDRED
    assert recovery <= RECOVERY
    cache.close()


def test_without_the_gate_a_hundred_calls_would_cost_a_hundred_attempts(own_redis: RedisProcess) -> None:
    """The control of the figures above: what each call costs when nothing remembers the last one."""
    own_redis.pause()
    started = time.monotonic()
    for _ in range(3):
        fresh = RedisStore(own_redis.url)
        failing_call(fresh)
        fresh.close()
    assert time.monotonic() - started > 3 * 0.25
    own_redis.resume()


def test_a_redis_that_stays_away_is_asked_once_a_second_however_many_ask() -> None:
    with FaultProxy(mode=BlackHole()) as proxy:
        stores = [RedisStore(f"redis://127.0.0.1:{proxy.port}/0") for _ in range(2)]
        began = time.monotonic()
        until = began + 3.0
        calls = 0
        while time.monotonic() < until:
            for store in stores:
                with contextlib.suppress(CacheUnavailable):
                    store.read("key")
                calls += 1
            time.sleep(0.001)
        attempts, took = proxy.connections, time.monotonic() - began
        for store in stores:
            store.close()
        time.sleep(0.5)  # what was under way
        under_way = proxy.connections
        time.sleep(1.5)
        assert proxy.connections == under_way  # closed ones do not look any more
    assert calls > 100
    assert attempts <= 2 * (1 + took)


def test_many_threads_at_a_redis_that_hangs_each_wait_once(own_redis: RedisProcess) -> None:
    cache = RedisStore(own_redis.url)
    cache.write("key", b"value")
    own_redis.pause()
    took: list[float] = []
    threads = [threading.Thread(target=lambda: took.append(failing_call(cache))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(took) == 50
    assert max(took) <= 5.0  # fifty threads on a busy machine wake up late; in turn they would wait for 15 s
    assert best_hundred(cache) <= NEXT_HUNDRED
    own_redis.resume()
    cache.close()


def test_connections_that_were_cut_do_not_count_as_an_outage(own_redis: RedisProcess) -> None:
    import redis

    cache = RedisStore(own_redis.url, timeout=20.0, connect_timeout=20.0)
    cache.write("key", b"value")
    client: Any = redis.Redis(port=own_redis.port)
    with client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert cache.read("key") == b"value"
    cache.close()


@pytest.fixture
def dripping() -> Iterator[int]:
    """A server that answers one byte each tenth of a second: every single read succeeds in time."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                threading.Thread(target=drip, args=(sock,), daemon=True).start()

    def drip(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            sock.recv(1000)
            for byte in b"$1000\r\n" + b"x" * 1000:
                if stop.wait(0.1):
                    return
                sock.sendall(bytes((byte,)))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    stop.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(20)


def test_a_redis_that_answers_drop_by_drop_is_cut_off_at_the_deadline(dripping: int) -> None:
    assert best_first(f"redis://127.0.0.1:{dripping}/0") <= FIRST


def test_a_drop_by_drop_answer_would_hold_redis_py_itself(dripping: int) -> None:
    """The control: with the same limits for each read, the plain client goes on."""
    import redis

    answers: list[object] = []

    def read() -> None:
        with redis.Redis(port=dripping, socket_timeout=0.3, lib_name=None, lib_version=None) as client:
            try:
                answers.append(client.get("key"))
            except redis.RedisError as error:
                answers.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(1.0)
    assert not answers
    assert thread.is_alive()


@pytest.fixture
def tls_redis(own_redis: RedisProcess, tmp_path: Path) -> Iterator[tuple[int, str]]:
    """The port of a TLS front of a real server, and the file of the authority that vouches for it."""
    authority: Any = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(sock, server_side=True) as front,
                socket.create_connection(("127.0.0.1", own_redis.port)) as back,
            ):
                while data := front.recv(65536):
                    back.sendall(data)
                    front.sendall(back.recv(65536))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1]), str(tmp_path / "ca.pem")
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(20)


def test_tls_is_spoken_and_its_certificate_checked(tls_redis: tuple[int, str]) -> None:
    port, authority = tls_redis
    distrustful = RedisStore(f"rediss://127.0.0.1:{port}/0", timeout=20.0, connect_timeout=20.0)
    with pytest.raises(CacheUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        distrustful.read("key")
    distrustful.close()
    store = RedisStore(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority}", timeout=20.0, connect_timeout=20.0)
    store.write("key", b"value")
    assert store.read("key") == b"value"
    store.close()


def test_a_tls_handshake_that_never_ends_is_cut_off() -> None:
    with FaultProxy(mode=BlackHole()) as proxy:
        # The context is made outside the deadline, and takes its time on a busy machine.
        assert best_first(f"rediss://127.0.0.1:{proxy.port}/0", FIRST + 2.0) <= FIRST + 2.0


def test_a_name_that_is_looked_up_for_ever_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    real, release, asked = socket.getaddrinfo, threading.Event(), list[object]()

    def slow(host: object, *rest: object, **named: object) -> object:
        if host == "redis.example":
            asked.append(host)
            release.wait(60)
            raise socket.gaierror("no such name")
        return real(host, *rest, **named)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    caches = [RedisStore("redis://redis.example:6379/0") for _ in range(5)]
    took = [failing_call(cache) for cache in caches]
    release.set()
    assert min(took) <= FIRST
    assert max(took) <= 5.0  # on a busy machine
    assert len(asked) == 1
    for cache in caches:
        cache.close()
