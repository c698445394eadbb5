"""Reads and writes of the disk cache beside what the disk itself takes for the same bytes, and beside SQLite.

Every figure is the median of calls that take turns, so that what the machine does meanwhile meets all of them alike.
The physical limit of a read is open, read and close of the same file; that of a write is a durable replacement of the
same bytes: a new file, fsync, rename, fsync of the folder.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from promptops.cache_disk import DiskCache, DiskStore, RunBlocking

P = ParamSpec("P")
T = TypeVar("T")

VALUE = os.urandom(2048)
ENTRIES = 1000


def medians(rounds: int, **functions: Callable[[], object]) -> dict[str, float]:
    """Microseconds for one call of each function."""
    samples: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            samples[name].append(time.perf_counter() - started)
    return {name: statistics.median(found) * 1e6 for name, found in samples.items()}


def opened(path: Path) -> bytes:
    """The bytes of a file, by three calls of the system."""
    descriptor = os.open(path, os.O_RDONLY)
    data = os.read(descriptor, 1 << 20)
    os.close(descriptor)
    return data


def replaced(folder: Path, size: int) -> None:
    """The least that a durable write of so many bytes takes."""
    descriptor = os.open(folder / "new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, VALUE[:1] * size)
    os.fsync(descriptor)
    os.close(descriptor)
    (folder / "new").replace(folder / "file")
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def database(path: Path) -> sqlite3.Connection:
    """A table of keys and values that survives a loss of power."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE cache (key TEXT PRIMARY KEY, value BLOB)")
    return connection


def compare(directory: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Reads and writes of ours, of the plain file, and of SQLite."""
    store = DiskStore(directory / "cache", namespace="bench")
    for number in range(ENTRIES):
        store.write(f"key-{number}", VALUE)
    file = next(path for path in (directory / "cache" / "v1" / "entries").iterdir())
    size = file.stat().st_size
    plain = directory / "plain"
    plain.mkdir()
    with closing(database(directory / "sqlite")) as connection:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO cache VALUES (?, ?)", [(f"key-{n}", VALUE) for n in range(ENTRIES)])
        connection.execute("COMMIT")

        def selected() -> Any:
            return connection.execute("SELECT value FROM cache WHERE key = ?", ("key-5",)).fetchone()

        def updated() -> None:
            connection.execute("INSERT OR REPLACE INTO cache VALUES (?, ?)", ("key-5", VALUE))

        reads = medians(
            rounds * 50,
            ours=functools.partial(store.get, "key-5"),
            limit=functools.partial(opened, file),
            sqlite=selected,
        )
        writes = medians(
            rounds,
            ours=functools.partial(store.write, "key-5", VALUE),
            limit=functools.partial(replaced, plain, size),
            sqlite=updated,
        )
    misses = medians(rounds * 50, ours=functools.partial(store.get, "absent"), limit=_missing(directory / "absent"))
    return {"read hit": reads, "read miss": misses, "write": writes}


def _missing(path: Path) -> Callable[[], None]:
    def look() -> None:
        try:
            os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return

    return look


async def in_a_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """As the runtime of the asynchronous client does."""
    return await anyio.to_thread.run_sync(functools.partial(function, *args, **kwargs))


async def stall(calls: int, cache: DiskCache | None, plain: Path) -> dict[str, float]:
    """Milliseconds that the event loop stood still at most during so many calls, one in ten of them a write.

    Without a cache, worker threads work on a plain file: what the machine itself takes.
    """
    ended = False
    longest: list[float] = []

    async def beat() -> None:
        before = time.perf_counter()
        while not ended:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest.append(now - before)
            before = now

    if cache is not None:
        await cache.set("key-0", VALUE)
        await cache.get("key-0")
    await in_a_thread(replaced, plain, len(VALUE))
    beating = asyncio.create_task(beat())
    for number in range(calls):
        await asyncio.sleep(0)
        if cache is None and number % 10 == 0:
            await in_a_thread(replaced, plain, len(VALUE))
        elif cache is None:
            await in_a_thread(opened, plain / "file")
        elif number % 10 == 0:
            await cache.set(f"key-{number % 100}", VALUE)
        else:
            await cache.get(f"key-{number % 100}")
    ended = True
    await beating
    longest.sort()
    return {"longest_ms": longest[-1] * 1e3, "p999_ms": longest[int(len(longest) * 0.999)] * 1e3}


def loop_cache(directory: Path, run_blocking: RunBlocking | None) -> DiskCache:
    """A cache for programs with an event loop, or one that blocks it."""
    return DiskCache(directory / "loop", namespace="bench", run_blocking=run_blocking)


def main() -> None:
    """Print the figures, or write them as JSON with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        rows = compare(directory, arguments.rounds)
        caches = {
            "plain files in worker threads": None,
            "with a runner": loop_cache(directory, in_a_thread),
            "without one (control)": loop_cache(directory, None),
        }
        stalls = {how: asyncio.run(stall(arguments.calls, cache, directory / "plain")) for how, cache in caches.items()}
    if arguments.json:
        print(json.dumps({"microseconds": rows, "stalls": stalls}))
        return
    for kind, row in rows.items():
        beside = f"  sqlite {row['sqlite']:8.1f} us" if "sqlite" in row else ""
        print(
            f"{kind:10} {row['ours']:8.1f} us  limit of the disk {row['limit']:8.1f} us  "
            f"ratio {row['ours'] / row['limit']:.2f}x{beside}"
        )
    for how, found in stalls.items():
        print(
            f"longest stall of the loop in {arguments.calls} calls, {how}: {found['longest_ms']:.2f} ms "
            f"(99.9 % {found['p999_ms']:.2f} ms; target at most 5 ms)"
        )


if __name__ == "__main__":
    main()
