"""The coroutines over the store: they never suspend on their own, and with a runner the event loop goes on."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
import pytest
from promptops.cache import CacheUnavailable
from promptops.cache_disk import DiskCache, DiskStore, RunBlocking

P = ParamSpec("P")
T = TypeVar("T")


async def in_a_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return await anyio.to_thread.run_sync(partial(function, *args, **kwargs))


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Drive a coroutine that must not suspend, as the blocking facade does."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise AssertionError("it suspended")


def test_without_a_runner_nothing_suspends(directory: Path) -> None:
    cache = DiskCache(directory, namespace="tenant")
    at_once(cache.set("key", b"value", ttl=60.0))
    assert at_once(cache.get("key")) == b"value"
    entry = at_once(cache.read("key"))
    assert entry is not None
    assert not entry.expired
    release = at_once(cache.acquire("key", timeout=1.0))
    assert release is not None
    assert at_once(cache.acquire("key", timeout=0.05)) is None
    release()
    release()

    async def block() -> bool:
        async with cache.single_flight("key", timeout=1.0) as ours:
            return ours

    assert at_once(block()) is True
    assert at_once(cache.measure()).size == 1
    at_once(cache.clear("k"))
    at_once(cache.delete("key"))
    at_once(cache.aclose())
    assert cache.stats().hits == 2


def test_a_view_shares_the_store(directory: Path) -> None:
    cache = DiskCache(directory, namespace="tenant", run_blocking=in_a_thread, sleep=anyio.sleep)
    view = DiskCache.over(cache.store)
    at_once(view.set("key", b"value"))
    assert view.store is cache.store
    assert cache.stats() == view.stats()
    assert cache.store.get("key") == b"value"


class Watched:
    """Notes which thread works on files below a directory; the interpreter itself reports every such call."""

    def __init__(self, directory: Path) -> None:
        self.threads: list[int] | None = []
        self._below = str(directory)
        sys.addaudithook(self._note)  # for the rest of the process, so it is switched off at the end

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.threads is None or not (event == "open" or event.startswith(("os.", "fcntl."))) or not arguments:
            return
        if isinstance(arguments[0], (str, Path)) and str(arguments[0]).startswith(self._below):
            self.threads.append(threading.get_ident())


@pytest.fixture
def watched(directory: Path) -> Any:
    watch = Watched(directory)
    yield watch
    watch.threads = None


async def _work(cache: DiskCache, rounds: int) -> None:
    for number in range(rounds):
        key = f"key-{number % 20}"
        if number % 10 == 0:
            await cache.set(key, b"x" * 2000, ttl=60.0)
        elif number % 33 == 0:
            async with cache.single_flight(key, timeout=1.0) as ours:
                assert ours
        elif number % 77 == 0:
            await cache.delete(key)
            await cache.clear("key-1")
        else:
            await cache.get(key)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_with_a_runner_the_thread_of_the_loop_touches_no_file(directory: Path, watched: Watched, backend: str) -> None:
    async def main() -> None:
        cache = DiskCache(directory, namespace="tenant", run_blocking=in_a_thread, sleep=anyio.sleep)
        assert watched.threads is not None
        watched.threads.clear()  # making it looked at the directory
        await _work(cache, 1000)
        assert len(watched.threads) > 1000
        assert threading.get_ident() not in watched.threads

    anyio.run(main, backend=backend)


def test_without_a_runner_the_thread_of_the_loop_would_do_all_of_it(directory: Path, watched: Watched) -> None:
    """The control."""

    async def main() -> None:
        assert watched.threads is not None
        await _work(DiskCache(directory, namespace="tenant"), 100)
        assert set(watched.threads) == {threading.get_ident()}

    anyio.run(main)


@pytest.mark.parametrize(
    ("runner", "stalls", "patience"), [(in_a_thread, False, 20.0), (None, True, 0.3)], ids=["runner", "control"]
)
def test_a_disk_that_hangs_stalls_no_loop_with_a_runner(
    directory: Path, monkeypatch: pytest.MonkeyPatch, runner: RunBlocking | None, stalls: bool, patience: float
) -> None:
    sync, begun, turned = os.fsync, threading.Event(), threading.Event()
    went_on: list[bool] = []

    def slow(descriptor: int) -> None:
        begun.set()
        went_on.append(turned.wait(patience))  # the disk hangs until the loop has gone on
        sync(descriptor)

    async def main() -> None:
        cache = DiskCache(directory, namespace="tenant", run_blocking=runner)

        async def write() -> None:
            await cache.set("key", b"value")
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(write)
            turns = 0
            while turns < 50:
                await anyio.sleep(0.001)
                turns += begun.is_set()
            turned.set()

    monkeypatch.setattr(os, "fsync", slow)
    anyio.run(main)
    assert went_on[0] is not stalls


@pytest.mark.parametrize("sleep", [anyio.sleep, None], ids=["sleeps on the loop", "waits in a thread"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_take_turns_and_a_cancelled_one_leaves_the_turn_free(directory: Path, backend: str, sleep: Any) -> None:
    async def main() -> None:
        cache = DiskCache(directory, namespace="tenant", run_blocking=in_a_thread, sleep=sleep)
        order: list[str] = []

        async def follow(name: str) -> None:
            async with cache.single_flight("key", timeout=10.0) as ours:
                assert ours
                order.append(name)

        async with anyio.create_task_group() as group, cache.single_flight("key", timeout=1.0) as ours:
            assert ours
            group.start_soon(follow, "a")
            group.start_soon(follow, "b")
            with anyio.move_on_after(0.1):
                await cache.acquire("key", timeout=1.0)
            assert order == []
        assert sorted(order) == ["a", "b"]
        for _ in range(20):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await cache.acquire("key", timeout=1.0)
            with anyio.move_on_after(0.0005):
                taken = await cache.acquire("other", timeout=1.0)
                if taken is not None:
                    taken()
        release = await cache.acquire("key", timeout=0.5)
        assert release is not None
        started = time.monotonic()
        assert await cache.acquire("key", timeout=0.2) is None
        assert 0.2 <= time.monotonic() - started < 10.0
        release()

    anyio.run(main, backend=backend)


def test_waiting_with_a_sleep_leaves_the_worker_threads_to_others(directory: Path) -> None:
    async def main() -> float:
        cache = DiskCache(directory, namespace="tenant", run_blocking=in_a_thread, sleep=anyio.sleep)
        anyio.to_thread.current_default_thread_limiter().total_tokens = 2
        waited = 30.0
        async with cache.single_flight("hung", timeout=1.0), anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(partial(cache.acquire, "hung", timeout=30.0))
            await anyio.sleep(0.05)
            started = time.monotonic()
            await cache.get("key")
            waited = time.monotonic() - started
            group.cancel_scope.cancel()
        return waited

    assert anyio.run(main) < 10.0


def test_errors_of_the_disk_come_through_the_runner(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "file" / "cache", namespace="tenant", run_blocking=in_a_thread)
    (tmp_path / "file").write_bytes(b"")

    async def main() -> None:
        assert await cache.get("key") is None
        with pytest.raises(CacheUnavailable):
            await cache.set("key", b"value")
        await cache.set("key", b"value")

    anyio.run(main)


def test_the_entry_point_names_the_cache() -> None:
    from importlib.metadata import entry_points

    assert entry_points(group="promptops.cache")["disk"].load() is DiskCache


def test_importing_it_is_cheap() -> None:
    import subprocess

    code = (
        "import sys, promptops.cache_disk\n"
        "print([name for name in ('anyio', 'asyncio', 'threading', 'httpx', 'structlog', 'sqlite3', 'socket')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_child_forked_while_threads_work_goes_on(directory: Path) -> None:
    import subprocess

    code = """
import os, sys, threading
from promptops.cache_disk import DiskStore
store = DiskStore(sys.argv[1], namespace="tenant", max_bytes=1 << 20)
stop = threading.Event()
def work(number):
    step = 0
    while not stop.is_set():
        step += 1
        store.write(f"{number}-{step % 9}", b"x" * 1000)
        with store.single_flight(f"{step % 3}", timeout=1.0):
            store.get(f"{number}-{step % 9}")
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
children = []
for number in range(8):
    child = os.fork()
    if child == 0:
        for step in range(20):
            assert store.write(f"child-{number}-{step}", bytes([step]) * 100)
            assert store.get(f"child-{number}-{step}") == bytes([step]) * 100
            with store.single_flight(f"child-{number}", timeout=5.0) as ours:
                assert ours
        os._exit(0 if store.stats().corrupt == 0 else 3)
    children.append(child)
statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
stop.set()
for thread in threads:
    thread.join()
assert statuses == [0] * 8, statuses
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, str(directory)],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert DiskStore(directory, namespace="tenant").get("child-7-19") is not None
