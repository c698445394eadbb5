"""Buckets and quotas in virtual time."""

from __future__ import annotations

import tracemalloc

import pytest
from promptops.server import wire
from promptops.server.grants import Scope
from promptops.server.key_limits import KeyWindows, effective, exceeds, inherited
from promptops.server.openapi import operations
from promptops.server.rates import Limiter, Limits, Peers, Rate, kind_of_request


class Clock:
    """Both clocks of the limiter; the wall clock starts at the beginning of a day."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wall(self) -> float:
        return 20_000 * 86_400 + self.seconds

    def monotonic(self) -> float:
        return 1000 + self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> Limiter:
    return Limiter(wall=clock.wall, monotonic=clock.monotonic)


WIDE = Limits(per_minute=10**9, per_hour=10**9, per_day=10**9)


def test_defaults_are_those_that_are_promised() -> None:
    limits = Limits()
    assert limits.quotas() == (6_000, 360_000, 8_640_000)
    assert (limits.read, limits.write, limits.telemetry.per_second) == (Rate(100, 200), Rate(20, 40), 10)
    assert limits.failed_auth_per_minute == 10


@pytest.mark.parametrize(("kind", "burst", "rate"), [("read", 200, 100), ("write", 40, 20), ("telemetry", 20, 10)])
def test_a_burst_passes_and_then_the_rate_holds(
    limiter: Limiter, clock: Clock, kind: str, burst: int, rate: int
) -> None:
    bucket = kind_of_request(*{"read": ("GET", "/"), "write": ("PUT", "/"), "telemetry": ("POST", TELEMETRY)}[kind])
    assert bucket == kind
    assert [limiter.take("k", WIDE, bucket)[0] for _ in range(burst)] == [0.0] * burst
    wait, _ = limiter.take("k", WIDE, bucket)
    assert wait == pytest.approx(1 / rate)
    passed = 0
    for step in range(1, 10_001):  # ten seconds, a thousand tries in each
        clock.seconds = step / 1000
        passed += limiter.take("k", WIDE, bucket)[0] == 0.0
    assert passed == pytest.approx(rate * 10, abs=1)


def test_waiting_as_told_is_enough(limiter: Limiter, clock: Clock) -> None:
    for _ in range(500):
        wait, _ = limiter.take("k", WIDE, "write")
        if wait:
            clock.seconds += wait
            assert limiter.take("k", WIDE, "write")[0] == 0.0


def test_kinds_and_keys_do_not_share_a_bucket(limiter: Limiter) -> None:
    while not limiter.take("k", WIDE, "write")[0]:
        pass
    assert limiter.take("k", WIDE, "read")[0] == 0.0
    assert limiter.take("k", WIDE, "telemetry")[0] == 0.0
    assert limiter.take("other", WIDE, "write")[0] == 0.0


def test_quotas_count_down_and_begin_anew_at_the_reset_that_was_told(limiter: Limiter, clock: Clock) -> None:
    limits = Limits(per_minute=3, per_hour=5, per_day=6)
    clock.seconds = 10.0
    _, quotas = limiter.take("k", limits, "read")
    assert [(quota.name, quota.limit, quota.remaining) for quota in quotas] == [
        ("minute", 3, 2),
        ("hour", 5, 4),
        ("day", 6, 5),
    ]
    begin = 20_000 * 86_400
    assert [quota.reset - begin for quota in quotas] == [60, 3600, 86_400]
    limiter.take("k", limits, "read")
    limiter.take("k", limits, "read")
    wait, quotas = limiter.take("k", limits, "read")
    assert wait == pytest.approx(50.0)
    assert [quota.remaining for quota in quotas] == [0, 2, 3]  # what is refused is not counted
    clock.seconds += wait
    assert limiter.take("k", limits, "read")[0] == 0.0
    assert limiter.take("k", limits, "read")[0] == 0.0
    assert limiter.take("k", limits, "read")[0] == pytest.approx(3540.0)  # now it is the hour
    clock.seconds = 3600.0
    assert limiter.take("k", limits, "read")[0] == 0.0
    assert limiter.take("k", limits, "read")[0] == pytest.approx(82_800.0)  # and then the day


def test_what_is_left_can_be_looked_up_without_counting(limiter: Limiter, clock: Clock) -> None:
    assert limiter.look("k") == ()
    _, quotas = limiter.take("k", Limits(), "read")
    assert limiter.look("k") == quotas
    clock.seconds = 61.0
    assert [quota.remaining for quota in limiter.look("k")] == [6_000, 359_999, 8_639_999]


def test_the_table_of_keys_is_bounded_and_forgets_the_oldest(clock: Clock) -> None:
    limiter = Limiter(wall=clock.wall, monotonic=clock.monotonic, size=100)
    for number in range(1000):
        clock.seconds += 0.01
        limiter.take("kept", Limits(), "read")
        limiter.take(f"k{number}", Limits(), "read")
    assert limiter.look("k0") == ()
    assert limiter.look("k999") != ()
    assert limiter.look("kept")[2].remaining == 8_640_000 - 1000


def test_wrong_credentials_are_limited_for_each_peer(clock: Clock) -> None:
    peers = Peers(10, monotonic=clock.monotonic)
    assert [peers.failed(b"a") for _ in range(10)] == [0.0] * 10
    assert peers.failed(b"a") == pytest.approx(6.0)
    assert peers.failed(b"b") == 0.0
    clock.seconds += 6.0
    assert peers.failed(b"a") == 0.0
    assert peers.failed(b"a") > 0


def test_a_million_peers_take_at_most_20_mib(clock: Clock) -> None:
    peers = Peers(10, monotonic=clock.monotonic)
    tracemalloc.start()
    try:
        for number in range(300_000):  # three times the table; the rest of the million would only repeat it
            peers.failed(number.to_bytes(4, "big"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 20 * 1024 * 1024


TELEMETRY = "/v1/client/telemetry"


def test_every_operation_draws_from_the_bucket_that_fits_it() -> None:
    for operation in operations():
        path = operation.path.replace("{", "").replace(":str}", "")
        kind = kind_of_request(operation.method, path)
        if operation.method == "GET":
            assert kind == "read", operation.id
        elif operation.scope is Scope.TELEMETRY:
            assert kind == "telemetry", operation.id
        else:
            reads = operation.scope in {None, Scope.PROMPTS_READ}
            assert kind == ("read" if reads else "write"), operation.id


def test_a_key_may_have_limits_of_its_own() -> None:
    own = wire.KeyLimits(per_minute=7, rate=1000)
    limits = effective(Limits(), own)
    assert limits.quotas() == (7, 360_000, 8_640_000)
    assert limits.read == limits.write == limits.telemetry == Rate(1000, 2000)
    assert effective(Limits(), wire.KeyLimits()) == Limits()


def test_what_exceeds_is_named() -> None:
    assert exceeds(Limits(), Limits()) is None
    assert exceeds(Limits(per_hour=10**9), Limits()) == "per_hour"
    assert exceeds(effective(Limits(), wire.KeyLimits(rate=15)), Limits()) == "rate"  # telemetry has 10
    assert exceeds(effective(Limits(), wire.KeyLimits(rate=5)), Limits()) is None
    assert inherited(wire.KeyLimits(per_day=5, rate=3), wire.KeyLimits(rate=2)) == wire.KeyLimits(per_day=5, rate=2)


def test_windows_of_a_caller_without_a_key_are_none(limiter: Limiter) -> None:
    from promptops.server.grants import ALL_SCOPES, Grant

    windows = KeyWindows(limiter)
    anonymous = Grant(projects=("p",), default="p", scopes=ALL_SCOPES)
    assert windows.windows(anonymous) == {}
    limiter.take("k", Limits(), "read")
    named = Grant(projects=("p",), default="p", scopes=ALL_SCOPES, subject="k")
    assert {name: window.remaining for name, window in windows.windows(named).items()} == {
        "minute": 5_999,
        "hour": 359_999,
        "day": 8_639_999,
    }
