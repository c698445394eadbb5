"""A process that reads one prompt through a client with push, and writes down each content that it meets, and when.

Usage: ``python reader_process.py SERVER_URL REDIS_URL sync|async``; it ends when its standard input is closed.
"""

from __future__ import annotations

import asyncio
import select
import sys
import time

from promptops.client import CacheConfig, PromptOpsClient, SyncPromptOpsClient


def say(word: str) -> None:
    sys.stdout.write(f"{word} {time.time_ns()}\n")
    sys.stdout.flush()


def told_to_end() -> bool:
    return bool(select.select([sys.stdin], [], [], 0.0)[0])


def blocking(url: str, cache: CacheConfig) -> None:
    with SyncPromptOpsClient(base_url=url, cache=cache) as client:
        known = ""
        while not told_to_end():
            prompt = client.prompts.get("shared")
            if prompt.content != known:
                known = prompt.content
                say(known)
            time.sleep(0.005)


async def asynchronous(url: str, cache: CacheConfig) -> None:
    async with PromptOpsClient(base_url=url, cache=cache) as client:
        known = ""
        while not told_to_end():
            prompt = await client.prompts.get("shared")
            if prompt.content != known:
                known = prompt.content
                say(known)
            await asyncio.sleep(0.005)


if __name__ == "__main__":
    # A ttl that no test lives to see: what is new is heard of, or not known.
    config = CacheConfig(level="redis", redis_url=sys.argv[2], ttl=3600.0)
    if sys.argv[3] == "async":
        asyncio.run(asynchronous(sys.argv[1], config))
    else:
        blocking(sys.argv[1], config)
