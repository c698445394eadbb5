"""T07 and T08 in virtual time: processes that start together do not stay together, and unknown names cost little."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from itertools import pairwise
from typing import Any

import pytest
from promptops.cache._background import Background
from promptops.cache._flights import Flights
from promptops.cache._freshness import Freshness
from promptops.cache._policy import ReadThrough
from promptops.cache._shelf import Shelf
from promptops.cache._source import Answer, Outcome, Read
from promptops.core.bridge import drive

PROCESSES = 500
STEP = 0.5
BIN = 5.0
SETTLED = 300.0
END = 1800.0


class Gone(Exception):  # noqa: N818 - what an origin says
    pass


class AtOnce(Background):
    """A background whose jobs run in the moment that they are submitted: processes have threads of their own."""

    def submit(self, key: Any, job: Callable[[], None], *, delay: float = 0.0) -> bool:
        job()
        return True


class Origin:
    """A server with one prompt: when it was asked, and whether it answers."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[float] = []
        self.down = False

    def key(self, key: str) -> str:
        return key

    def subject(self, key: str) -> str:
        return key

    def fixed(self, key: str) -> bool:
        return False

    def decode(self, key: str, body: bytes) -> bytes:
        return body

    async def fetch(
        self, key: str, etag: str | None, *, fresh: bool = False, timeout: float | None = None
    ) -> Answer[bytes] | None:
        self.asked.append(self.now)
        if self.down:
            raise ConnectionError("it is down")
        if key != "greeting":
            raise Gone(key)
        return None if etag == "1" else Answer(value=b"Hi", body=b"Hi", etag="1")

    async def fetch_behind(self, key: str, etag: str | None) -> Answer[bytes] | None:
        return await self.fetch(key, etag)

    def outcome(self, error: Exception) -> str:
        return Outcome.GONE if isinstance(error, Gone) else Outcome.FAILED

    def warn(self, key: str, error: Exception, age: float | None) -> None:
        return


def lock() -> AbstractAsyncContextManager[Any]:
    return nullcontext()


def process(origin: Origin, numbers: random.Random, freshness: Freshness) -> ReadThrough[str, bytes]:
    """The policy of one process."""
    shelf: Shelf[str, bytes] = Shelf(clock=lambda: origin.now)
    flights: Flights[Read[bytes]] = Flights(lock)
    return ReadThrough(origin, shelf, flights, freshness=freshness, background=AtOnce(), random=numbers.random)


def herd(freshness: Freshness, *, seed: int) -> tuple[float, float]:
    """The highest and the mean rate of refreshes per second of all processes, once they had five minutes."""
    numbers = random.Random(seed)
    origin = Origin()
    processes = [process(origin, numbers, freshness) for _ in range(PROCESSES)]
    for each in processes:
        drive(each.read("greeting", wait=0.0))
    while origin.now < END:
        origin.now += STEP
        for each in processes:
            assert each.at_hand("greeting") is not None
    counts = Counter(int(asked // BIN) for asked in origin.asked if SETTLED <= asked < END)
    return max(counts.values()) / BIN, sum(counts.values()) / (END - SETTLED)


@pytest.mark.parametrize("seed", [1, 2])
def test_processes_that_start_together_ask_evenly_after_five_minutes(seed: int) -> None:
    peak, mean = herd(Freshness(), seed=seed)
    assert PROCESSES / 66 <= mean <= PROCESSES / 54
    assert peak / mean <= 2.0


def test_control_without_jitter_they_ask_all_at_once() -> None:
    peak, mean = herd(Freshness(jitter=0.0, first_refresh=1.0), seed=1)
    assert peak / mean > 5.0


def test_control_the_jitter_of_each_ttl_alone_is_too_little() -> None:
    peak, mean = herd(Freshness(first_refresh=1.0), seed=1)
    assert peak / mean > 2.0


def test_a_key_that_cannot_be_refreshed_is_asked_for_at_most_once_a_minute() -> None:
    origin = Origin()
    one = process(origin, random.Random(1), Freshness())
    drive(one.read("greeting", wait=0.0))
    origin.down = True
    while origin.now < 3600.0:
        origin.now += STEP
        assert one.at_hand("greeting") is not None
    settled = [asked for asked in origin.asked if asked > 200.0]
    assert len(settled) > 40
    assert min(after - before for before, after in pairwise(settled)) >= 60.0
    origin.down = False
    origin.now += 66.0
    one.at_hand("greeting")
    read = one.at_hand("greeting")
    assert read is not None
    assert not read.stale


def missing(freshness: Freshness) -> int:
    """Requests for 1,000 gets a second of a name that does not exist, for a minute."""
    origin = Origin()
    one = process(origin, random.Random(1), freshness)
    for number in range(60_000):
        origin.now = number / 1000
        with pytest.raises(Gone):
            drive(one.read("nobody", wait=0.0))
    return len(origin.asked)


def test_a_minute_of_a_thousand_gets_a_second_of_a_missing_name_takes_fifteen_requests_at_most() -> None:
    assert 10 <= missing(Freshness()) <= 15


def test_control_without_that_memory_every_get_is_a_request() -> None:
    assert missing(Freshness(negative_ttl=0.0)) == 60_000
