"""The folder stays within its bytes and its age, and no single write pays for counting it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from promptops.cache_disk import DiskStore, _room
from promptops.cache_disk._room import Room
from promptops.cache_disk._sweep import sweep

Make = Callable[..., DiskStore]
LIMIT = 64 * 4096


def on_disk(directory: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in (directory / "v1" / "entries").iterdir())


def test_bytes_stay_within_the_limit_whoever_writes(make: Make, directory: Path) -> None:
    stores = [make(f"tenant {number}", max_bytes=LIMIT) for number in range(4)]
    most = 0
    for number in range(400):
        stores[number % 4].write(f"key-{number}", b"x" * 3000)
        most = max(most, on_disk(directory))
    assert most <= LIMIT * 1.25
    assert most > LIMIT * 0.8  # the room is used
    assert sum(store.stats().evictions for store in stores) >= 400 - 64
    assert all(store.stats().memory_usage <= LIMIT * 1.25 for store in stores)


def test_threads_that_write_at_once_stay_within_the_limit(make: Make, directory: Path) -> None:
    def write(number: int) -> None:
        store = make(max_bytes=LIMIT)
        for step in range(60):
            store.write(f"{number}-{step}", b"x" * 3000)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = make(max_bytes=LIMIT)
    assert on_disk(directory) <= LIMIT * 1.25
    store.sweep()
    assert on_disk(directory) <= LIMIT
    assert store.stats().memory_usage == store.measure().memory_usage == on_disk(directory)


def test_without_a_sweep_the_folder_would_grow(make: Make, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""

    def nothing(*_: object) -> bool:
        return True

    monkeypatch.setattr(Room, "_sweep", nothing)
    store = make(max_bytes=LIMIT)
    for number in range(100):
        store.write(f"key-{number}", b"x" * 3000)
    assert on_disk(directory) > LIMIT * 1.25


def test_what_was_used_longest_ago_goes_first(make: Make, clock: Any) -> None:
    store = make(max_bytes=LIMIT, clock=clock)
    for number in range(60):
        store.write(f"key-{number}", b"x")
        clock.advance(1.0)
    clock.advance(120.0)
    assert store.get("key-0") == b"x"
    for number in range(60, 65):
        clock.advance(1.0)
        store.write(f"key-{number}", b"x")
    assert store.stats().evictions > 0
    assert store.get("key-0") == b"x"
    assert store.get("key-1") is None
    assert store.get("key-64") == b"x"


def test_use_is_noted_once_a_minute(make: Make, clock: Any, entries: Callable[[], list[Path]]) -> None:
    store = make(clock=clock)
    store.write("key", b"x")
    written = clock.now
    clock.advance(59.0)
    store.get("key")
    assert entries()[0].stat().st_atime == written
    clock.advance(2.0)
    store.get("key")
    assert entries()[0].stat().st_atime == clock.now
    assert entries()[0].stat().st_mtime == written


def test_old_entries_go(make: Make, clock: Any) -> None:
    store = make(max_age=1000.0, clock=clock)
    store.write("old", b"x")
    clock.advance(900.0)
    store.write("new", b"x")
    clock.advance(200.0)
    store.sweep()
    assert (store.stats().size, store.stats().evictions) == (1, 1)
    assert store.get("new") == b"x"


def test_a_write_sweeps_within_the_hour(make: Make, clock: Any) -> None:
    store = make(max_age=1000.0, clock=clock)
    store.write("old", b"x")
    clock.advance(3601.0)
    store.write("new", b"x")
    assert store.stats().evictions == 1


def test_few_writes_count_the_folder(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps = 0

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal sweeps
        sweeps += 1
        return sweep(*arguments, **options)

    monkeypatch.setattr(_room, "sweep", counted)
    store = make(max_bytes=LIMIT)
    for number in range(200):
        store.write(f"key-{number}", b"x")
    assert 0 < sweeps <= 200 / 5
    sweeps = 0
    roomy = make(max_bytes=1 << 30)
    for number in range(50):
        roomy.write(f"key-{number}", b"x")
    assert sweeps == 0


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 32, b"POUSAGE\x01" + b"\xff" * 24])
def test_damaged_sums_are_made_good(make: Make, directory: Path, content: bytes) -> None:
    store = make(max_bytes=LIMIT)
    for number in range(10):
        store.write(f"key-{number}", b"x")
    (directory / "v1" / "usage").write_bytes(content)
    store.write("key-0", b"x")
    assert (store.stats().size, store.stats().memory_usage) == (10, 40960)


def test_a_process_that_holds_the_sums_does_not_hold_up_writes(make: Make, directory: Path) -> None:
    import fcntl

    store = make(max_bytes=LIMIT)
    store.write("key", b"x")
    with (directory / "v1" / "usage").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        started = time.monotonic()
        for number in range(3):
            assert store.write(f"key-{number}", b"x")
        assert time.monotonic() - started < 10.0
    for number in range(100):
        store.write(f"key-{number}", b"x")
    assert on_disk(directory) <= LIMIT * 1.25


def test_files_of_others_in_the_folder_stay(make: Make, directory: Path) -> None:
    store = make(max_bytes=LIMIT)
    store.write("key", b"x")
    note = directory / "v1" / "entries" / "README"
    note.write_bytes(b"x" * LIMIT * 2)
    os.utime(note, (0, 0))
    store.sweep()
    store.clear()
    assert note.exists()
    assert store.measure().size == 0


def test_a_limit_of_zero_keeps_nothing(make: Make) -> None:
    store = make(max_bytes=0)
    assert store.write("key", b"x") is False
    assert store.get("key") is None
