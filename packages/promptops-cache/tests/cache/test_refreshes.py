"""When refreshes happen: ahead of the end of the first ttl, rarely after failures, one at a time when they hang."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Protocol

import pytest
from promptops.cache.policy import Answer, Background, Flights, Freshness, Outcome, Read, ReadThrough, Shelf


class Clock(Protocol):
    now: float

    def __call__(self) -> float: ...

    def advance(self, seconds: float) -> None: ...


class Jobs(Background):
    """A background whose jobs run when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Callable[[], None]] = []

    def submit(self, key: Any, job: Callable[[], None], *, delay: float = 0.0) -> bool:
        self.jobs.append(job)
        return True

    def run(self) -> int:
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job()
        return len(jobs)


class Origin:
    """A server that answers, fails, or hangs for some seconds before it fails."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.failing = False
        self.hang = 0.0
        self.warnings: list[str] = []

    def key(self, key: str) -> str:
        return key

    def subject(self, key: str) -> str:
        return key

    def fixed(self, key: str) -> bool:
        return key.endswith("@1")

    def decode(self, key: str, body: bytes) -> bytes:
        return body

    async def fetch(
        self, key: str, etag: str | None, *, fresh: bool = False, timeout: float | None = None
    ) -> Answer[bytes] | None:
        return Answer(value=b"one", body=b"one")

    async def fetch_behind(self, key: str, etag: str | None) -> Answer[bytes] | None:
        self.asked.append(key)
        if self.failing:
            self.clock.advance(self.hang)
            raise ConnectionError(key)
        return await self.fetch(key, etag)

    def outcome(self, error: Exception) -> str:
        return Outcome.FAILED

    def warn(self, key: str, error: Exception, age: float | None) -> None:
        self.warnings.append(key)


class World:
    def __init__(self, clock: Clock, **options: Any) -> None:
        self.clock = clock
        self.origin = Origin(clock)
        self.jobs = Jobs()
        shelf: Shelf[str, bytes] = Shelf(clock=clock)
        flights: Flights[Read[bytes]] = Flights(lambda: nullcontext())
        settings: dict[str, Any] = {"background": self.jobs, "freshness": Freshness(jitter=0.0), "random": lambda: 0.5}
        self.policy: ReadThrough[str, bytes] = ReadThrough(self.origin, shelf, flights, **{**settings, **options})

    def read(self, key: str = "a") -> Read[bytes]:
        steps = self.policy.read(key, wait=1.0).__await__()
        try:
            next(steps)
        except StopIteration as done:
            result: Read[bytes] = done.value
            return result
        raise AssertionError("it suspended")


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock)


def test_first_refresh_comes_early_and_the_value_counts_as_fresh(world: World) -> None:
    world.read()
    world.clock.advance(36.0)
    world.read()
    assert world.jobs.run() == 0
    world.clock.advance(3.0)  # 37.5 s: between a quarter and all of the ttl
    assert world.read().stale is False
    assert world.jobs.run() == 1
    world.clock.advance(59.0)  # the next one has the whole ttl
    assert world.read().stale is False
    assert world.jobs.run() == 0
    world.clock.advance(2.0)
    assert world.read().stale is True
    assert world.jobs.run() == 1


def test_failed_early_refresh_is_no_reason_to_warn(world: World) -> None:
    world.read()
    world.origin.failing = True
    world.clock.advance(39.0)
    world.read()
    world.jobs.run()
    assert world.origin.warnings == []
    world.clock.advance(22.0)
    assert world.read().stale is True
    world.jobs.run()
    assert world.origin.warnings == ["a"]


def test_numbered_version_is_never_refreshed(world: World) -> None:
    world.read("a@1")
    world.clock.advance(1e9)
    assert world.read("a@1").stale is False
    assert world.jobs.run() == 0


def test_without_a_background_nothing_is_asked_for_early(clock: Clock) -> None:
    world = World(clock, background=None)
    world.read()
    clock.advance(59.0)
    assert world.read().source == "memory"
    clock.advance(2.0)
    assert world.read().source == "network"


def test_origin_that_hangs_is_asked_for_one_thing_at_a_time(world: World) -> None:
    keys = [f"key-{number}" for number in range(50)]
    for key in keys:
        world.read(key)
    world.origin.failing, world.origin.hang = True, 5.0
    world.clock.advance(61.0)
    for _ in range(600):
        for key in keys:
            assert world.read(key).value == b"one"
        world.jobs.run()
        world.clock.advance(0.5)
    # One hung attempt, then a pause that doubles up to a minute, for all keys together.
    assert 5 <= len(world.origin.asked) <= 15
    world.origin.failing = False
    world.clock.advance(66.0)
    for key in keys:
        world.read(key)
    world.jobs.run()
    assert [key for key in keys if world.read(key).stale] == []


def test_control_origin_that_fails_at_once_is_asked_for_every_key(world: World) -> None:
    keys = [f"key-{number}" for number in range(50)]
    for key in keys:
        world.read(key)
    world.origin.failing = True
    world.clock.advance(61.0)
    for key in keys:
        world.read(key)
    world.jobs.run()
    assert world.origin.asked == keys


@pytest.mark.parametrize("failures", [7, 8, 50])
@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_wait_at_the_end_of_the_doubling_is_a_minute_at_least(failures: int, fraction: float) -> None:
    assert 60.0 <= Freshness().retry_after(failures, fraction, refused=False) <= 66.0


def test_waits_double_until_then() -> None:
    waits = [Freshness().retry_after(failures, 1.0, refused=False) for failures in range(1, 7)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
