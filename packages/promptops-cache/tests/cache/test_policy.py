"""The order of a read, what is kept when the origin fails, and what makes the policy forget; all in virtual time."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

import pytest
from promptops.cache import MemoryCache
from promptops.cache._background import Background
from promptops.cache._flights import Flights
from promptops.cache._freshness import Freshness
from promptops.cache._packing import Packed, pack, unpack
from promptops.cache._policy import ReadThrough
from promptops.cache._shelf import Shelf
from promptops.cache._source import Answer, Outcome, Read
from promptops.cache._tiers import Tier

T = TypeVar("T")


class Gone(Exception):  # noqa: N818 - what an origin says
    pass


class Refused(Exception):  # noqa: N818
    pass


class Broken(Exception):  # noqa: N818
    pass


class Mistaken(Exception):  # noqa: N818
    pass


class Time:
    """Monotonic and wall clock of a test."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall = 1_700_000_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.wall

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds


class Origin:
    """What a server would say; it counts the questions."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {"a": b"one"}
        self.failure: Exception | None = None
        self.asked: list[tuple[str, str | None]] = []
        self.behind: list[tuple[str, str | None]] = []
        self.warnings: list[Exception] = []
        self.during: Callable[[], None] | None = None

    def key(self, key: str) -> str:
        return f"key:{key}"

    def subject(self, key: str) -> str:
        return key

    def fixed(self, key: str) -> bool:
        return key.endswith("@1")

    def decode(self, key: str, body: bytes) -> bytes:
        if body == b"nonsense":
            raise ValueError(body)
        return body

    async def fetch(
        self, key: str, etag: str | None, *, fresh: bool = False, timeout: float | None = None
    ) -> Answer[bytes] | None:
        self.asked.append((key, etag))
        if self.during is not None:
            self.during()
        return self._answer(key, etag)

    async def fetch_behind(self, key: str, etag: str | None) -> Answer[bytes] | None:
        self.behind.append((key, etag))
        return self._answer(key, etag)

    def _answer(self, key: str, etag: str | None) -> Answer[bytes] | None:
        if self.failure is not None:
            raise self.failure
        value = self.values.get(key)
        if value is None:
            raise Gone(key)
        tag = f"etag-{value.decode()}"
        return None if tag == etag else Answer(value=value, body=value, etag=tag)

    def outcome(self, error: Exception) -> str:
        if isinstance(error, Gone):
            return Outcome.GONE
        if isinstance(error, Refused):
            return Outcome.REFUSED
        return Outcome.RAISED if isinstance(error, Mistaken) else Outcome.FAILED

    def warn(self, key: str, error: Exception, age: float | None) -> None:
        self.warnings.append(error)


class LaterJobs(Background):
    """A background whose jobs run when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[Any, Callable[[], None]] = {}

    def submit(self, key: Any, job: Callable[[], None], *, delay: float = 0.0) -> bool:
        if key in self.jobs:
            return False
        self.jobs[key] = job
        return True

    def run(self) -> int:
        jobs, self.jobs = self.jobs, {}
        for job in jobs.values():
            job()
        return len(jobs)


class ThreadLock:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    async def __aenter__(self) -> None:
        self._lock.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()


class World:
    """A policy and everything around it."""

    def __init__(self, *, tiers: int = 0, background: bool = True, stale_first: bool = False, **numbers: Any) -> None:
        self.time = Time()
        self.origin = Origin()
        self.jobs = LaterJobs()
        self.caches = [MemoryCache(clock=self.time.monotonic) for _ in range(tiers)]
        self.background = background
        self.stale_first = stale_first
        self.numbers = numbers
        self.policy = self.process()

    def process(self, *, time: Time | None = None) -> ReadThrough[str, bytes]:
        """Another process that shares the tiers and the origin."""
        clock = time or self.time
        self.shelf: Shelf[str, bytes] = Shelf(clock=clock.monotonic)
        tiers = [Tier(f"tier{number}", cache, wall=clock.time) for number, cache in enumerate(self.caches)]
        flights: Flights[Read[bytes]] = Flights(ThreadLock)
        return ReadThrough(
            self.origin,
            self.shelf,
            flights,
            tiers=tiers,
            quiet_tiers=tiers,
            freshness=Freshness(**self.numbers),
            background=self.jobs if self.background else None,
            random=lambda: 0.5,
            stale_first=self.stale_first,
        )

    def read(self, key: str = "a", *, policy: ReadThrough[str, bytes] | None = None) -> Read[bytes]:
        return run((policy or self.policy).read(key, wait=1.0))


def run(coroutine: Awaitable[T]) -> T:
    """The result of a coroutine that never suspends."""
    try:
        next(coroutine.__await__())
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return] # it is what the coroutine returned
    raise AssertionError("it suspended")


def outcome(world: World) -> tuple[bytes, str, bool]:
    read = world.read()
    return read.value, read.source, read.stale


def test_second_read_within_the_ttl_asks_nobody() -> None:
    world = World()
    assert outcome(world) == (b"one", "network", False)
    world.time.advance(59.0)
    assert outcome(world) == (b"one", "memory", False)
    assert world.read().age == 59.0
    assert len(world.origin.asked) == 1


def test_stale_value_is_served_at_once_and_refreshed_behind() -> None:
    world = World()
    world.read()
    world.origin.values["a"] = b"two"
    world.time.advance(61.0)
    assert [outcome(world) for _ in range(3)] == [(b"one", "memory", True)] * 3
    assert world.origin.behind == []
    assert world.jobs.run() == 1
    assert world.origin.behind == [("a", "etag-one")]
    assert outcome(world) == (b"two", "memory", False)


def test_not_modified_renews_without_a_new_value() -> None:
    world = World()
    first = world.read().value
    world.time.advance(61.0)
    world.read()
    world.jobs.run()
    again = world.read()
    assert (again.stale, again.age, again.value is first) == (False, 0.0, True)


def test_numbered_value_never_expires() -> None:
    world = World()
    world.origin.values["a@1"] = b"one"
    world.read("a@1")
    world.time.advance(10 * 365 * 86400.0)
    read = world.read("a@1")
    assert (read.source, read.stale) == ("memory", False)


@pytest.mark.parametrize("age", [61.0, 3600.0, 30 * 86400.0])
def test_outage_is_survived_without_age_limit(age: float) -> None:
    world = World()
    world.read()
    world.origin.failure = Broken("Broken")
    world.time.advance(age)
    for _ in range(5):
        assert outcome(world) == (b"one", "memory", True)
        world.jobs.run()
    assert len(world.origin.warnings) == 1


def test_failed_refreshes_back_off_to_one_a_minute() -> None:
    world = World()
    world.read()
    world.origin.failure = Broken("Broken")
    world.time.advance(61.0)
    for _ in range(6000):
        world.read()
        world.jobs.run()
        world.time.advance(0.1)
    # 600 s: about 0.75, 1.5, 3, 6, 12, 24, 45, 45, ... seconds apart
    assert 12 <= len(world.origin.behind) <= 20
    world.origin.failure = None
    world.time.advance(60.0)
    world.read()
    world.jobs.run()
    assert outcome(world) == (b"one", "memory", False)


def test_refused_credentials_keep_the_value_and_ask_again_in_five_minutes() -> None:
    world = World()
    world.read()
    world.origin.failure = Refused("Refused")
    world.time.advance(61.0)
    world.read()
    world.jobs.run()
    world.time.advance(299.0)
    world.read()
    assert world.jobs.run() == 0
    world.origin.failure = None
    world.time.advance(32.0)
    world.read()
    assert world.jobs.run() == 1
    assert outcome(world) == (b"one", "memory", False)


def test_deleted_value_is_forgotten_everywhere() -> None:
    world = World(tiers=1)
    world.read()
    del world.origin.values["a"]
    world.time.advance(61.0)
    world.read()
    world.jobs.run()
    with pytest.raises(Exception, match="a") as missing:
        world.read()
    assert type(missing.value).__name__ == "Gone"
    assert world.shelf.find("a") is None
    assert world.caches[0].peek("key:a") is None
    assert len(world.origin.asked) == 1  # the refresh told; nobody had to ask again


def test_missing_name_is_asked_for_every_few_seconds_only() -> None:
    world = World()
    for _ in range(6000):
        with pytest.raises(Exception, match="missing"):
            world.read("missing")
        world.time.advance(0.01)
    assert len(world.origin.asked) <= 15
    world.origin.values["missing"] = b"new"
    world.time.advance(7.0)
    assert world.read("missing").value == b"new"


def test_names_remembered_as_missing_are_bounded() -> None:
    world = World()
    for number in range(1500):
        with pytest.raises(Exception, match="missing"):
            world.read(f"missing{number}")
    assert len(world.policy.misses) == 1000


def test_fault_of_the_caller_is_raised_though_something_is_kept() -> None:
    world = World(background=False)
    world.read()
    world.time.advance(61.0)
    world.origin.failure = Mistaken("Mistaken")
    with pytest.raises(Exception, match="Mistaken"):
        world.read()


def test_without_a_background_the_caller_refreshes_and_still_survives() -> None:
    world = World(background=False)
    world.read()
    world.time.advance(61.0)
    world.origin.failure = Broken("Broken")
    assert outcome(world) == (b"one", "memory", True)
    assert outcome(world) == (b"one", "memory", True)
    assert len(world.origin.asked) == 2  # the second one found the next refresh not yet due
    world.origin.failure = None
    world.time.advance(2.0)
    assert outcome(world) == (b"one", "network", False)


def test_max_stale_ends_the_service() -> None:
    world = World(max_stale=100.0)
    world.read()
    world.origin.failure = Broken("Broken")
    world.time.advance(159.0)
    assert outcome(world)[2] is True
    world.time.advance(2.0)
    with pytest.raises(Exception, match="Broken"):
        world.read()


def test_tier_answers_a_new_process() -> None:
    world = World(tiers=2)
    world.read()
    world.time.advance(10.0)
    other = world.process()
    read = world.read(policy=other)
    assert (read.value, read.source, read.age, read.stale) == (b"one", "tier0", 10.0, False)
    assert len(world.origin.asked) == 1
    world.time.advance(49.0)
    assert world.read(policy=other).stale is False
    world.time.advance(2.0)
    assert world.read(policy=other).stale is True  # its age is of the origin's word, not of the copy


def test_farther_tier_teaches_the_nearer() -> None:
    world = World(tiers=2)
    world.read()
    run(world.caches[0].clear())  # the nearer tier lost everything
    world.time.advance(5.0)
    assert world.read(policy=world.process()).source == "tier1"
    packed = unpack("key:a", kept(world.caches[0]))
    assert packed is not None
    assert packed.confirmed_at == world.time.wall - 5.0


def test_stale_tier_waits_for_the_network_and_saves_the_outage() -> None:
    world = World(tiers=1)
    world.read()
    world.time.advance(3600.0)
    other = world.process()
    world.origin.values["a"] = b"two"
    assert world.read(policy=other).value == b"two"
    world.time.advance(3600.0)
    third = world.process()
    world.origin.failure = Broken("Broken")
    read = world.read(policy=third)
    assert (read.value, read.source, read.stale, read.age) == (b"two", "tier0", True, 3600.0)
    asked = len(world.origin.asked)
    world.read(policy=third)
    assert len(world.origin.asked) == asked  # and the next read does not wait for the network again


def test_stale_first_serves_the_tier_at_once() -> None:
    world = World(tiers=1, stale_first=True)
    world.read()
    world.time.advance(3600.0)
    other = world.process()
    read = world.read(policy=other)
    assert (read.source, read.stale) == ("tier0", True)
    assert len(world.origin.asked) == 1
    assert world.jobs.run() == 1
    assert world.read(policy=other).stale is False


def test_refresh_takes_what_another_process_brought() -> None:
    world = World(tiers=1)
    world.read()
    other = world.process()
    world.read(policy=other)
    world.time.advance(61.0)
    world.origin.values["a"] = b"two"
    world.read()
    world.read(policy=other)
    world.jobs.run()
    assert world.origin.behind == [("a", "etag-one")]  # one question for two processes
    assert world.read(policy=other).value == b"two"


@pytest.mark.parametrize("jump", [86400.0, -86400.0])
def test_jump_of_the_wall_clock_changes_nothing_in_memory(jump: float) -> None:
    world = World(tiers=1)
    world.read()
    world.time.wall += jump
    world.time.advance(30.0)
    assert outcome(world) == (b"one", "memory", False)
    world.time.advance(31.0)
    assert outcome(world) == (b"one", "memory", True)


@pytest.mark.parametrize("jump", [86400.0, -86400.0])
def test_jump_of_the_wall_clock_makes_no_tier_wrongly_fresh(jump: float) -> None:
    world = World(tiers=1)
    world.read()
    world.origin.values["a"] = b"two"
    world.time.wall += jump
    assert world.read(policy=world.process()).value == b"two"


def test_damaged_and_foreign_tier_values_are_absent() -> None:
    world = World(tiers=1)
    world.read()
    good = kept(world.caches[0])
    other_key = pack("key:b", Packed(body=b"theirs", etag="", confirmed_at=world.time.wall))
    senseless = pack("key:a", Packed(body=b"nonsense", etag="", confirmed_at=world.time.wall))
    bad = [b"", b"x", good[:-1], good + b"x", good[:10] + b"\0" + good[11:], other_key, senseless]
    for value in bad:
        put(world.caches[0], value)
        assert world.read(policy=world.process()).source == "network"
    put(world.caches[0], good)
    assert world.read(policy=world.process()).source == "tier0"


def test_answer_that_is_older_than_a_write_is_not_kept() -> None:
    world = World(tiers=1)

    def write() -> None:
        world.policy.doubts.cast("a")

    world.origin.during = write
    assert world.read().value == b"one"
    assert world.shelf.find("a") is None
    assert world.caches[0].peek("key:a") is None


def test_news_refresh_at_once_and_serve_meanwhile() -> None:
    world = World(tiers=1)
    world.read()
    world.origin.values["a"] = b"two"
    world.policy.refresh_soon("a")
    assert world.read().value == b"one"
    assert world.jobs.run() == 1
    assert outcome(world) == (b"two", "memory", False)


def test_hundred_threads_make_one_request() -> None:
    world = World()
    gate = threading.Event()
    world.origin.during = lambda: wait(gate, 60.0)
    reads: list[bytes] = []
    threads = [threading.Thread(target=lambda: reads.append(world.read().value)) for _ in range(100)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert reads == [b"one"] * 100
    assert len(world.origin.asked) == 1


def test_failure_of_the_one_request_is_shared() -> None:
    world = World()
    world.origin.failure = Broken("Broken")
    started = threading.Barrier(20)
    world.origin.during = lambda: wait(threading.Event(), 1.0)  # until all have come
    failures: list[str] = []

    def read() -> None:
        started.wait()
        try:
            world.read()
        except Broken as error:
            failures.append(type(error).__name__)

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == ["Broken"] * 20
    assert len(world.origin.asked) == 1


def test_cancelled_leader_hands_over() -> None:
    world = World()

    class Cancelled(BaseException):
        pass

    entered = threading.Event()
    cancel = threading.Event()

    def hang() -> None:
        if not entered.is_set():
            entered.set()
            cancel.wait(60.0)
            raise Cancelled

    world.origin.during = hang
    ends: list[str] = []

    def lead() -> None:
        try:
            world.read()
        except Cancelled as error:
            ends.append(type(error).__name__)

    def follow() -> None:
        ends.append(world.read().value.decode())

    leader = threading.Thread(target=lead)
    leader.start()
    entered.wait()
    followers = [threading.Thread(target=follow) for _ in range(10)]
    for thread in followers:
        thread.start()
    cancel.set()
    for thread in [leader, *followers]:
        thread.join()
    assert sorted(ends) == sorted(["Cancelled", *["one"] * 10])
    assert len(world.origin.asked) <= 2


def test_keep_remembers_what_a_write_answered() -> None:
    world = World()
    run(world.policy.keep("a", Answer(value=b"new", body=b"new", etag="e"), world.policy.mark("a")))
    assert outcome(world) == (b"new", "memory", False)
    assert world.origin.asked == []


def put(cache: MemoryCache, value: bytes) -> None:
    run(cache.set("key:a", value))


def wait(event: threading.Event, seconds: float) -> None:
    event.wait(seconds)


def kept(cache: MemoryCache) -> bytes:
    value = cache.peek("key:a")
    assert value is not None
    return value
