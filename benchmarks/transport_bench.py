"""The transports beside httpx and aiohttp, in one interleaved run against a bare server.

Run it from the root: ``python -m benchmarks.transport_bench``. Every figure includes decoding the JSON body with
msgspec. httpx is run with keep-alive off, with its default limits and with high limits; throughput is compared with
the best of them. Only the ratios mean anything on another machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import httpx
import msgspec
from promptops.core._transport import AsyncTransport, SyncTransport
from promptops.core.messages import READ, Response
from promptops.core.transport import Attempt

from benchmarks._server import bench_server

TARGET = "/v1/client/prompts/support-reply?label=production"
HEADERS = (
    ("accept", "application/json"),
    ("user-agent", "promptops-bench/1"),
    ("authorization", "Bearer 0123456789abcdef"),
)
HTTPX_LIMITS = {
    "keep-alive off": httpx.Limits(max_connections=200, max_keepalive_connections=0),
    "default limits": httpx.Limits(max_connections=100, max_keepalive_connections=20),
    "high limits": httpx.Limits(max_connections=1000, max_keepalive_connections=1000),
}
decode = msgspec.json.decode
Fetch = Callable[[], Awaitable[object]]


def _attempt() -> Attempt:
    return Attempt(
        method="GET",
        target=TARGET,
        headers=HEADERS,
        body=b"",
        timeouts=READ.timeouts,
        deadline=time.monotonic() + READ.deadline,
        retry_stale=True,
    )


def _drive(work: Any) -> Response:
    try:
        work.send(None)
    except StopIteration as done:
        response: Response = done.value
        return response
    raise AssertionError("a blocking transport suspended")


def sync_p50(url: str, rounds: int, calls: int) -> dict[str, float]:
    """Median microseconds of one call, one at a time."""
    ours = SyncTransport(url)
    client = httpx.Client(headers=dict(HEADERS))
    calls_of: dict[str, Callable[[], object]] = {
        "ours": lambda: decode(_drive(ours.send(_attempt())).body),
        "httpx": lambda: decode(client.get(url + TARGET).content),
    }
    times: dict[str, list[float]] = {name: [] for name in calls_of}
    for _ in range(rounds):
        for name, call in calls_of.items():
            for _ in range(calls):
                began = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - began)
    client.close()
    _drive_close(ours)
    return {name: statistics.median(values) * 1e6 for name, values in times.items()}


def _drive_close(transport: SyncTransport) -> None:
    try:
        transport.aclose().send(None)
    except StopIteration:
        return


async def _rate(fetch: Fetch, workers: int, seconds: float) -> float:
    """Calls in each second, with so many workers at once."""
    count = 0
    until = time.perf_counter() + seconds

    async def work() -> None:
        nonlocal count
        while time.perf_counter() < until:
            await fetch()
            count += 1

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(workers)))
    return count / (time.perf_counter() - began)


async def async_figures(url: str, rounds: int, calls: int, seconds: float) -> dict[str, dict[str, float]]:
    """Median microseconds one at a time, and calls in each second at 50 and at 200 workers."""
    ours = AsyncTransport(url, max_connections=200)
    clients = {
        f"httpx, {name}": httpx.AsyncClient(headers=dict(HEADERS), limits=limits, timeout=60.0)
        for name, limits in HTTPX_LIMITS.items()
    }
    session = aiohttp.ClientSession(headers=dict(HEADERS), connector=aiohttp.TCPConnector(limit=200))

    async def fetch_ours() -> object:
        return decode((await ours.send(_attempt())).body)

    async def fetch_aiohttp() -> object:
        async with session.get(url + TARGET) as response:
            return decode(await response.read())

    def fetch_httpx(client: httpx.AsyncClient) -> Fetch:
        async def fetch() -> object:
            return decode((await client.get(url + TARGET)).content)

        return fetch

    fetches: dict[str, Fetch] = {"ours": fetch_ours, "aiohttp": fetch_aiohttp}
    fetches.update({name: fetch_httpx(client) for name, client in clients.items()})
    times: dict[str, list[float]] = {name: [] for name in fetches}
    for _ in range(rounds):
        for name, fetch in fetches.items():
            if name == "httpx, keep-alive off":
                continue
            for _ in range(calls):
                began = time.perf_counter()
                await fetch()
                times[name].append(time.perf_counter() - began)
    result = {"p50": {name: statistics.median(values) * 1e6 for name, values in times.items() if values}}
    for workers in (50, 200):
        rates: dict[str, list[float]] = {name: [] for name in fetches}
        for _ in range(3):
            for name, fetch in fetches.items():
                rates[name].append(await _rate(fetch, workers, seconds))
        result[f"rate at {workers}"] = {name: statistics.median(values) for name, values in rates.items()}
    await ours.aclose()
    for client in clients.values():
        await client.aclose()
    await session.close()
    return result


def ratios(sync: dict[str, float], figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """What the figures mean."""
    p50 = figures["p50"]
    found = {
        "sync p50, of httpx.Client": sync["ours"] / sync["httpx"],
        "async p50, of httpx.AsyncClient": p50["ours"] / p50["httpx, default limits"],
        "async p50, of aiohttp": p50["ours"] / p50["aiohttp"],
    }
    for workers in (50, 200):
        rates = figures[f"rate at {workers}"]
        best = max(rate for name, rate in rates.items() if name.startswith("httpx"))
        found[f"rate at {workers}, times the best httpx"] = rates["ours"] / best
        found[f"rate at {workers}, of aiohttp"] = rates["ours"] / rates["aiohttp"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    options = parser.parse_args()
    rounds, calls, seconds = (5, 40, 0.3) if options.quick else (20, 100, 1.5)
    with bench_server() as url:
        sync = sync_p50(url, rounds, calls)
        figures = asyncio.run(async_figures(url, rounds, calls, seconds))
    found = ratios(sync, figures)
    if options.json:
        print(json.dumps({"sync p50": sync, **figures, "ratios": found}))
        return
    for title, values in {"sync p50": sync, **figures}.items():
        unit = "us" if "p50" in title else "calls/s"
        print(title, *(f"  {name:24}{value:12,.0f} {unit}" for name, value in values.items()), sep="\n")
    print("ratios", *(f"  {name:40}{value:8.2f}" for name, value in found.items()), sep="\n")


if __name__ == "__main__":
    main()
