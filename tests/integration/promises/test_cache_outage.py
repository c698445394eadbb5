"""T01 and T02: prompts that were read once are served through an outage, whatever it looks like, at the same speed."""

from __future__ import annotations

import resource
import sys
import threading
import time
from array import array
from collections import defaultdict
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from promptops.cache import CacheConfig
from promptops.core import PromptOpsError
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import BlackHole, Exchange, Pass
from promptops.core.testing.outages import Outage
from promptops.server import EmbeddedServer

Get = Callable[..., Awaitable[Any]]
Sleep = Callable[[float], Awaitable[None]]
Open = Callable[..., Any]
BATCH = 10
BOUND = 2.0
"""Seconds that no read takes on a machine with other work: one that asked would take three; the fine figures are those
of the long form."""


class CountedHole(BlackHole):
    """A black hole that remembers when each thing was asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, list[float]] = defaultdict(list)

    async def answer(self, exchange: Exchange) -> None:
        self.asked[exchange.target].append(time.monotonic())
        await super().answer(exchange)


def switched() -> int | None:
    """How often this thread gave its processor away to wait for something; None where that cannot be told.

    A thread that had its processor taken away did not wait: that is the machine's doing, and is not counted.
    """
    if sys.platform != "linux":
        return None
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


class Load:
    """Gets of many prompts at a steady rate: what was served, what was raised, and how long each took.

    ``waited`` are the times of those gets that waited for a lock, a file, a socket or another thread.
    """

    def __init__(self, names: tuple[str, ...], *, rate: float, seconds: float) -> None:
        self.names = names
        self.rate = rate
        self.seconds = seconds
        self.served: dict[str, set[int]] = defaultdict(set)
        self.errors: list[Exception] = []
        self.took = array("d")  # there are millions in the long form
        self.idle = array("d")
        self.waited = array("d")

    async def __call__(self, get: Get, sleep: Sleep) -> None:
        due = time.monotonic()
        end = due + self.seconds
        number = 0
        known = dict.fromkeys(self.names)
        while (now := time.monotonic()) < end:
            if now < due:
                await sleep(due - now)
            due += BATCH / self.rate
            for _ in range(BATCH):
                name = self.names[number % len(self.names)]
                number += 1
                began = time.perf_counter()
                known[name]  # what a read costs at the least, at this moment, on this machine
                switches = switched()
                ready = time.perf_counter()
                try:
                    prompt = await get(name)
                except Exception as error:  # noqa: BLE001 - it is counted
                    self.errors.append(error)
                else:
                    self.served[name].add(id(prompt))
                self.took.append(time.perf_counter() - ready)
                if switches is None or switched() != switches:
                    self.waited.append(self.took[-1])
                self.idle.append(ready - began)

    def share(self, times: array[float], share: float) -> float:
        return sorted(times)[int(share * (len(times) - 1))]


@pytest.mark.timeout(1200.0)
def test_a_hundred_prompts_are_served_through_a_black_hole(
    library: EmbeddedServer,
    open_client: Open,
    names: tuple[str, ...],
    soak: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ttl, seconds = (60.0, 600.0) if soak else (0.5, 4.0)
    hole = CountedHole()
    with FaultProxy(library.url) as proxy:
        client = open_client(proxy.url, cache=CacheConfig(ttl=ttl))
        warm = {name: client.get(name) for name in names}
        proxy.set(hole)
        began = time.monotonic()
        load = Load(names, rate=5000.0, seconds=seconds)
        client.load(load)
        most = max((len(times) for times in hole.asked.values()), default=0)
        with capsys.disabled():
            print(
                f"\n{client.kind}: {len(load.took)} gets, p50 {load.share(load.took, 0.5) * 1e6:.1f} us, p99"
                f" {load.share(load.took, 0.99) * 1e6:.1f} us, max {max(load.took) * 1e3:.2f} ms (a look-up:"
                f" {max(load.idle) * 1e3:.2f} ms), of {len(load.waited)} that waited"
                f" {max(load.waited, default=0.0) * 1e3:.2f} ms; at most {most} attempts for one key"
            )
        assert load.errors == []
        assert {name: {id(prompt)} for name, prompt in warm.items()} == load.served
        assert len(load.took) >= 0.05 * seconds * load.rate
        assert load.share(load.took, 0.99) <= (0.0002 if soak else 0.1)
        assert max(load.took) <= BOUND
        assert max(load.waited, default=0.0) <= (0.005 if soak else BOUND)
        assert hole.asked  # they did try
        settled = [[at for at in times if at > began + 200.0] for times in hole.asked.values()]
        assert all(after - before >= 60.0 for times in settled for before, after in pairwise(times))
        assert most <= (20 if soak else 3)
        proxy.set(Pass())
        proxy.drop_connections()


def test_prompts_are_served_whatever_the_outage_looks_like(
    outage: Outage, open_client: Open, names: tuple[str, ...]
) -> None:
    few = names[:20]
    client = open_client(outage.url, api_key="any", verify=outage.verify, cache=CacheConfig(ttl=0.1))
    warm = {name: client.get(name) for name in few}
    outage.begin()
    time.sleep(0.12)
    load = Load(few, rate=2000.0, seconds=0.7)
    client.load(load)
    assert load.errors == []
    assert {name: {id(prompt)} for name, prompt in warm.items()} == load.served
    assert len(load.took) >= 0.05 * load.seconds * load.rate
    assert max(load.took) <= BOUND
    read = client.read(few[0])
    assert (read.prompt, read.source, read.stale, read.cache_hit) == (warm[few[0]], "memory", True, True)
    assert read.age >= 0.1


def test_trio_is_served_as_well(lose: Callable[[str], Outage], open_any: Open, names: tuple[str, ...]) -> None:
    outage = lose("reset")
    client = open_any(outage.url, cache=CacheConfig(ttl=0.1))
    warm = [client.get(name) for name in names[:10]]
    outage.begin()
    time.sleep(0.12)
    assert [client.get(name) for name in names[:10]] == warm


def test_control_without_a_cache_every_outage_reaches_the_caller(
    outage: Outage, open_blocking: Open, names: tuple[str, ...]
) -> None:
    client = open_blocking(outage.url, api_key="any", verify=outage.verify, cache=CacheConfig(level="none"))
    client.get(names[0])
    outage.begin()
    with pytest.raises(PromptOpsError):
        client.get(names[0], timeout=0.3)


def test_a_recovered_server_is_asked_again_without_a_restart(
    lose: Callable[[str], Outage], open_client: Open, names: tuple[str, ...]
) -> None:
    outage = lose("refused")
    client = open_client(outage.url, cache=CacheConfig(ttl=0.2))
    client.get(names[0])
    outage.begin()
    time.sleep(0.3)
    assert client.read(names[0]).stale
    time.sleep(0.2)
    outage.end()
    until = time.monotonic() + 40.0
    while client.read(names[0]).stale:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_hung_server_does_not_delay_the_refreshes_of_another(
    library: EmbeddedServer, lose: Callable[[str], Outage], open_blocking: Open, names: tuple[str, ...]
) -> None:
    outage = lose("black hole")
    hung = open_blocking(outage.url, cache=CacheConfig(ttl=0.1))
    well = open_blocking(library.url, cache=CacheConfig(ttl=0.1))
    for name in names[:20]:
        hung.get(name)
    well.get(names[0])
    outage.begin()
    time.sleep(0.15)
    for name in names[:20]:
        hung.get(name)  # each wants a refresh now
    assert threading.active_count() < 50
    until = time.monotonic() + 40.0  # one after the other they would take 160
    while well.read(names[0]).stale:
        assert time.monotonic() < until
        time.sleep(0.02)
