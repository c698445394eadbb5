"""Of all processes that want one key, one goes; whoever dies, hangs or forks keeps nobody from it for long."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from promptops.cache_disk import DiskStore, _locks
from promptops.cache_disk._locks import FileLock

Make = Callable[..., DiskStore]
Start = Callable[..., "subprocess.Popen[str]"]

# Fifty threads that want one key at once; a fetch takes 200 ms and leaves one byte in a file.
COLD = """
import os, sys, threading, time
from contextlib import nullcontext
from promptops.cache_disk import DiskStore

directory, fetches, locked = sys.argv[1], sys.argv[2], sys.argv[3] == "locked"
store = DiskStore(directory, namespace="tenant")
start = threading.Barrier(50)
got = []

def fetch():
    with open(fetches, "ab", buffering=0) as file:
        file.write(b".")
    time.sleep(0.2)
    return b"value"

def want():
    start.wait()
    value, ours = store.get("key"), True  # who comes late finds it
    if value is None:
        with store.single_flight("key", timeout=60.0) if locked else nullcontext(True) as ours:
            value = store.get("key")
            if value is None:
                value = fetch()
                store.write("key", value)
    got.append((value, ours))

print("ready", flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=want) for _ in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert got == [(b"value", True)] * 50, got
"""

HOLDER = """
import sys, time
from promptops.cache_disk import DiskStore
with DiskStore(sys.argv[1], namespace="tenant").single_flight("key", timeout=5.0) as ours:
    print(ours, flush=True)
    time.sleep(60)
"""

FORKER = """
import os, sys, time
from promptops.cache_disk import DiskStore
if sys.argv[2] == "no hook":
    from promptops.cache_disk import _locks
    _locks._close_inherited.__code__ = (lambda: None).__code__
store = DiskStore(sys.argv[1], namespace="tenant")
flight = store.flight("key")
assert flight.acquire(5.0)
if os.fork() == 0:
    if sys.argv[2] == "hook":
        flight.release()  # as the end of a with block would: it must not let go of the parent's lock
        other = store.flight("other")
        assert other.acquire(5.0)
        flight.release()
    print("child", os.getpid(), flush=True)
    time.sleep(60)
sys.stdin.readline()
if sys.argv[3] == "die":
    os._exit(0)
flight.release()
print("released", flush=True)
sys.stdin.readline()
"""


def cold_start(start: Start, directory: Path, fetches: Path, how: str) -> int:
    children = [start(COLD, directory, fetches, how) for _ in range(4)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    assert [child.wait(120) for child in children] == [0, 0, 0, 0]
    return fetches.stat().st_size


def test_four_processes_of_fifty_threads_fetch_a_cold_key_once(start: Start, directory: Path, tmp_path: Path) -> None:
    assert cold_start(start, directory, tmp_path / "fetches", "locked") == 1


def test_without_the_lock_many_would_fetch(start: Start, directory: Path, tmp_path: Path) -> None:
    """The control."""
    assert cold_start(start, directory, tmp_path / "fetches", "not locked") > 4


def test_a_turn_is_free_at_once_when_its_holder_is_killed(make: Make, start: Start, directory: Path) -> None:
    holder = start(HOLDER, directory)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    killer = threading.Timer(0.2, os.kill, (holder.pid, signal.SIGKILL))
    started = time.monotonic()
    killer.start()
    with make().single_flight("key", timeout=30.0) as ours:
        assert ours is True
    assert 0.1 < time.monotonic() - started < 15.0
    killer.join()


def test_a_holder_that_hangs_costs_no_more_than_the_timeout(make: Make, start: Start, directory: Path) -> None:
    holder = start(HOLDER, directory)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    os.kill(holder.pid, signal.SIGSTOP)
    started = time.monotonic()
    with make().single_flight("key", timeout=0.3) as ours:
        assert ours is False
    assert 0.3 <= time.monotonic() - started < 15.0  # it hangs for a minute
    with make().single_flight("other", timeout=0.3) as ours:
        assert ours is True
    with make("other tenant").single_flight("key", timeout=0.3) as ours:
        assert ours is True


@pytest.mark.parametrize("end", ["release", "die"])
def test_a_forked_child_does_not_keep_its_parents_turn(make: Make, start: Start, directory: Path, end: str) -> None:
    parent = start(FORKER, directory, "hook", end)
    with ended_child(parent):
        with make().single_flight("key", timeout=0.1) as ours:
            assert ours is False  # the child has ended its copy of the block, the parent has not
        go_on(parent)
        with make().single_flight("key", timeout=30.0) as ours:
            assert ours is True


def test_without_the_hook_a_forked_child_would_keep_it(make: Make, start: Start, directory: Path) -> None:
    """The control."""
    parent = start(FORKER, directory, "no hook", "die")
    with ended_child(parent):
        go_on(parent)
        parent.wait(60)
        with make().single_flight("key", timeout=0.3) as ours:
            assert ours is False


def test_where_hooks_do_not_run_a_release_is_still_a_release(make: Make, start: Start, directory: Path) -> None:
    parent = start(FORKER, directory, "no hook", "release")
    with ended_child(parent):
        go_on(parent)
        with make().single_flight("key", timeout=30.0) as ours:
            assert ours is True


def test_the_end_of_a_block_is_the_end_of_the_turn_whatever_happens_in_it(make: Make) -> None:
    store = make()
    with pytest.raises(KeyError), store.single_flight("key", timeout=1.0):
        raise KeyError
    with store.single_flight("key", timeout=0.0) as ours:
        assert ours is True


def test_a_released_flight_takes_no_turn_any_more(make: Make) -> None:
    flight = make().flight("key")
    flight.release()
    assert flight.acquire(5.0) is False
    flight.release()


def test_a_lock_file_that_its_holder_removed_admits_one_at_a_time(make: Make, directory: Path) -> None:
    store = make()
    store.write("key", b"value")
    path = directory / "v1" / "locks" / "lock"
    inside, most, entered = 0, 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most, entered
        for _ in range(30):
            lock = FileLock(str(path))
            assert lock.acquire(timeout=20.0)
            with guard:
                inside += 1
                most = max(most, inside)
                entered += 1
            time.sleep(0.0005)
            with guard:
                inside -= 1
            path.unlink()
            lock.release()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, entered) == (1, 180)


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_none(
    make: Make, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make().write("key", b"value")
    path = directory / "v1" / "locks" / "lock"
    first, second, third = (FileLock(str(path)) for _ in range(3))
    assert first.try_acquire()
    lock = _locks._lock  # pyright: ignore[reportPrivateUsage] - called a little later here

    def late(descriptor: int) -> bool:
        if first.descriptor is not None:  # the file is open already when its holder removes it and lets go
            path.unlink()
            first.release()
        return lock(descriptor)

    monkeypatch.setattr(_locks, "_lock", late)
    assert second.try_acquire()
    assert not third.try_acquire()
    second.release()


def test_idle_lock_files_go_and_held_ones_stay(make: Make, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make()
    store.write("key", b"value")
    with store.single_flight("idle", timeout=1.0):
        pass
    ahead = time.time() + 3700.0
    monkeypatch.setattr("promptops.cache_disk._sweep.time.time", lambda: ahead)
    with store.single_flight("held", timeout=1.0) as ours:
        assert ours
        assert len(list((directory / "v1" / "locks").iterdir())) == 2
        assert store.sweep()
        assert len(list((directory / "v1" / "locks").iterdir())) == 1
        with make().single_flight("held", timeout=0.1) as again:
            assert again is False


def test_a_platform_without_locks_lets_everyone_go(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: int) -> bool:
        raise OSError("no flock here")

    monkeypatch.setattr(_locks, "_lock", none)
    started = time.monotonic()
    with make().single_flight("key", timeout=30.0) as ours:
        assert ours is False
    assert time.monotonic() - started < 15.0


class ended_child:  # noqa: N801 - it reads as a block
    """The child of a forker, killed in the end."""

    def __init__(self, parent: subprocess.Popen[str]) -> None:
        assert parent.stdout is not None
        said = parent.stdout.readline().split()
        assert said[0] == "child"
        self.pid = int(said[1])

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGKILL)


def go_on(parent: subprocess.Popen[str]) -> None:
    assert parent.stdin is not None
    parent.stdin.write("go\n")
    parent.stdin.flush()
