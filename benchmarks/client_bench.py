"""A prompt fetched through the whole client, beside plain httpx + msgspec and aiohttp, in one interleaved run.

Every side does the same work: one GET of the same answer from the same server, decoded into the same struct; the
prompt cache is off. Ratios count: the parties take turns within each round, so a slow moment of the machine hits all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable

import aiohttp
import httpx
import msgspec
from promptops.client import PromptOpsClient, PromptResponse, SyncPromptOpsClient

from benchmarks._server import bench_server

PATH = "/v1/client/prompts/bench"


class _Envelope(msgspec.Struct):
    success: bool
    data: PromptResponse


_decode = msgspec.json.Decoder(_Envelope).decode


def p50(call: Callable[[], object], count: int) -> float:
    """Median seconds of ``count`` calls."""
    samples: list[float] = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


async def async_p50(call: Callable[[], Awaitable[object]], count: int) -> float:
    """Median seconds of ``count`` awaited calls, one at a time."""
    samples: list[float] = []
    for _ in range(count):
        start = time.perf_counter()
        await call()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


async def throughput(call: Callable[[], Awaitable[object]], workers: int, total: int) -> float:
    """Calls per second of ``workers`` tasks that share ``total`` calls."""
    left = total

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(workers)))
    return total / (time.perf_counter() - start)


def sync_figures(url: str, rounds: int) -> dict[str, float]:
    """One blocking GET: microseconds at the median, and the ratio."""
    ours: list[float] = []
    theirs: list[float] = []
    with SyncPromptOpsClient(base_url=url) as client, httpx.Client(base_url=url) as plain:

        def get_ours() -> object:
            return client.prompts.get("bench", use_cache=False)

        def get_theirs() -> object:
            return _decode(plain.get(PATH).content).data

        p50(get_ours, 50)
        p50(get_theirs, 50)
        for _ in range(rounds):
            ours.append(p50(get_ours, 200))
            theirs.append(p50(get_theirs, 200))
    return {
        "ours_us": statistics.median(ours) * 1e6,
        "httpx_us": statistics.median(theirs) * 1e6,
        "ratio": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
    }


async def async_figures(url: str, rounds: int) -> dict[str, float]:
    """One awaited GET at a time: microseconds at the median, and the ratio."""
    ours: list[float] = []
    theirs: list[float] = []
    async with PromptOpsClient(base_url=url) as client, httpx.AsyncClient(base_url=url) as plain:

        async def get_ours() -> object:
            return await client.prompts.get("bench", use_cache=False)

        async def get_theirs() -> object:
            return _decode((await plain.get(PATH)).content).data

        await async_p50(get_ours, 50)
        await async_p50(get_theirs, 50)
        for _ in range(rounds):
            ours.append(await async_p50(get_ours, 200))
            theirs.append(await async_p50(get_theirs, 200))
    return {
        "ours_us": statistics.median(ours) * 1e6,
        "httpx_us": statistics.median(theirs) * 1e6,
        "ratio": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
    }


async def throughput_figures(url: str, workers: int, rounds: int) -> dict[str, float]:
    """Many GETs at once: calls per second of ours, of httpx at its best setting, and of aiohttp; medians."""
    settings = {
        "httpx_default": httpx.Limits(max_connections=100, max_keepalive_connections=20),
        "httpx_no_keepalive": httpx.Limits(max_connections=100, max_keepalive_connections=0),
        "httpx_keepalive": httpx.Limits(max_connections=workers, max_keepalive_connections=workers),
    }
    samples: dict[str, list[float]] = {"ours": [], "aiohttp": [], **{name: [] for name in settings}}
    patient = httpx.Timeout(60.0)
    async with (
        PromptOpsClient(base_url=url, timeout=60.0) as client,
        aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=workers)) as session,
    ):

        async def get_ours() -> object:
            return await client.prompts.get("bench", use_cache=False)

        async def get_aiohttp() -> object:
            async with session.get(PATH) as response:
                return _decode(await response.read()).data

        for _ in range(rounds):
            samples["ours"].append(await throughput(get_ours, workers, 4000))
            samples["aiohttp"].append(await throughput(get_aiohttp, workers, 4000))
            for name, limits in settings.items():
                async with httpx.AsyncClient(base_url=url, limits=limits, timeout=patient) as plain:

                    async def get_httpx(plain: httpx.AsyncClient = plain) -> object:
                        return _decode((await plain.get(PATH)).content).data

                    samples[name].append(await throughput(get_httpx, workers, 400))
    figures = {name: statistics.median(values) for name, values in samples.items()}
    best = max(figures[name] for name in settings)
    figures["ratio_to_best_httpx"] = figures["ours"] / best
    figures["ratio_to_aiohttp"] = figures["ours"] / figures["aiohttp"]
    return figures


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Every figure of this module."""
    with bench_server() as url:
        return {
            "sync_get": sync_figures(url, rounds),
            "async_get": asyncio.run(async_figures(url, rounds)),
            "async_50_at_once": asyncio.run(throughput_figures(url, 50, max(3, rounds // 3))),
            "async_200_at_once": asyncio.run(throughput_figures(url, 200, max(3, rounds // 3))),
        }


def main() -> None:
    """Print the figures, or write them as JSON with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measure(arguments.rounds)
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, target in (("sync_get", 0.55), ("async_get", 0.5)):
        row = figures[name]
        print(
            f"{name:18} {row['ours_us']:6.0f} us  httpx {row['httpx_us']:6.0f} us  "
            f"ratio {row['ratio']:.2f}x  (target at most {target}x)"
        )
    for name in ("async_50_at_once", "async_200_at_once"):
        row = figures[name]
        print(
            f"{name:18} {row['ours']:6.0f}/s  best httpx {row['ours'] / row['ratio_to_best_httpx']:5.0f}/s  "
            f"aiohttp {row['aiohttp']:6.0f}/s  {row['ratio_to_best_httpx']:.1f}x httpx (target at least 6x)  "
            f"{row['ratio_to_aiohttp']:.2f}x aiohttp (target at least 0.3x)"
        )


if __name__ == "__main__":
    main()
