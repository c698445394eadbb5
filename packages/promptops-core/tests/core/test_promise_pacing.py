"""T12: what the server says about when to come back is obeyed, in virtual time and over real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from promptops.core import RateLimitError, Request, Response, Runtime, RuntimeConfig, ServerError
from promptops.core import judge as judge_module
from promptops.core import retry as retry_module
from promptops.core.bridge import drive
from promptops.core.messages import PROMPT_READ, READ
from promptops.core.sync_runtime import SyncRuntime
from promptops.core.testing import FakeClock, FakeTransport, json_response

CAP = READ.max_retry_after
START = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"

# Headers, and the seconds that they ask for; None where they ask for nothing that can be understood.
CASES: list[tuple[dict[str, str], float | None]] = [
    ({"retry-after-ms": "250"}, 0.25),
    ({"retry-after-ms": "1500.5"}, 1.5005),
    ({"retry-after-ms": "0"}, 0.0),
    ({"retry-after-ms": "59999"}, 59.999),
    ({"retry-after-ms": "36000000"}, 36_000.0),
    ({"retry-after-ms": "-1"}, None),
    ({"retry-after-ms": "nan"}, None),
    ({"retry-after-ms": "inf"}, None),
    ({"retry-after-ms": "1e309"}, None),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "1"}, 1.0),
    ({"retry-after": "12"}, 12.0),
    ({"retry-after": "2.75"}, 2.75),
    ({"retry-after": "5e0"}, 5.0),
    ({"retry-after": "60"}, 60.0),
    ({"retry-after": "60.5"}, 60.5),
    ({"retry-after": "36000"}, 36_000.0),
    ({"retry-after": "1e300"}, 1e300),
    ({"retry-after": "1e309"}, None),
    ({"retry-after": "-1"}, None),
    ({"retry-after": "-0.5"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "-nan"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "-inf"}, None),
    ({"retry-after": "Infinity"}, None),
    ({"retry-after": "soon"}, None),
    ({"retry-after": ""}, None),
    ({"retry-after": "10 s"}, None),
    ({"retry-after": "1_0"}, None),
    ({"retry-after": "Tue, 14 Nov 2023 22:13:40 GMT", "date": DATE}, 20.0),
    ({"retry-after": "Tue, 14 Nov 2023 22:13:40 GMT"}, 20.0),
    # The server's clock is an hour behind, then an hour ahead: the difference of its own two dates counts.
    ({"retry-after": "Tue, 14 Nov 2023 21:13:50 GMT", "date": "Tue, 14 Nov 2023 21:13:20 GMT"}, 30.0),
    ({"retry-after": "Tue, 14 Nov 2023 23:13:25 GMT", "date": "Tue, 14 Nov 2023 23:13:20 GMT"}, 5.0),
    ({"retry-after": "Wed, 15 Nov 2023 08:13:20 GMT", "date": DATE}, 36_000.0),
    ({"retry-after": "Tue, 14 Nov 2023 22:13:00 GMT", "date": DATE}, None),
    ({"retry-after": "Tue, 14 Nov 2023 22:13:40 GMT", "date": "garbage"}, 20.0),
    ({"retry-after-ms": "3000", "retry-after": "9"}, 3.0),
    ({"retry-after-ms": "garbage", "retry-after": "9"}, 9.0),
    ({"retry-after": "4, 11"}, 11.0),
]

Verdict = tuple[bool, bool, bool]


def judge_case(headers: Mapping[str, str], asked: float | None, status: int, random: float) -> Verdict:
    """Whether one case was retried early, waited beyond the cap, or given up without need."""
    clock = FakeClock(wall=START)
    transport = FakeTransport([json_response({}, status=status, headers=headers), json_response({})], clock=clock)
    config = RuntimeConfig(base_url="http://server.test", timeout=1_000.0)
    runtime = SyncRuntime(config, transport=transport, clock=clock, random=lambda: random)
    try:
        drive(runtime.send(Request(method="GET", path="/x")))
    except (RateLimitError, ServerError):
        gave_up = True
    else:
        gave_up = False
    times = transport.times
    waited = times[1] - times[0] if len(times) > 1 else None
    early = waited is not None and asked is not None and waited < asked - 1e-6
    beyond = any(sleep > CAP for sleep in clock.sleeps)
    needless = gave_up and not (asked is not None and asked > CAP)
    return early, beyond, needless


def verdicts() -> list[Verdict]:
    return [
        judge_case(headers, asked, status, random)
        for headers, asked in CASES
        for status in (429, 503)
        for random in (0.0, 0.5, 0.999)
    ]


def test_of_forty_cases_none_is_retried_early_and_none_waits_beyond_the_cap() -> None:
    assert len(CASES) == 40
    found = verdicts()
    assert sum(early for early, _, _ in found) == 0
    assert sum(beyond for _, beyond, _ in found) == 0
    assert sum(needless for _, _, needless in found) == 0


def test_control_a_naive_reader_of_the_header_breaks_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    def naive(headers: Mapping[str, str], *, now: float) -> float | None:
        del now
        try:
            return min(float(headers.get("retry-after", "")), 8.0)  # shortens what is too long, knows no dates
        except ValueError:
            return None

    monkeypatch.setattr(judge_module, "parse_retry_after", naive)
    assert sum(early for early, _, _ in verdicts()) > 20


def test_control_a_reader_without_a_cap_breaks_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    def uncapped(asked: float, cap: float, random: float) -> float | None:
        return asked

    monkeypatch.setattr(retry_module, "paced_delay", uncapped)
    assert sum(beyond for _, beyond, _ in verdicts()) > 0


@pytest.mark.parametrize("asked", ["3.1", "20", "60"])
def test_wait_longer_than_the_deadline_fails_without_any_wait(play: Callable[..., Any], asked: str) -> None:
    clock = FakeClock()
    transport = FakeTransport(json_response({}, status=429, headers={"Retry-After": asked}), clock=clock)

    async def scenario(runtime: Any) -> None:
        with pytest.raises(RateLimitError) as caught:
            await runtime.send(Request(method="GET", path="/x", profile=PROMPT_READ))
        assert caught.value.retry_after == -(-float(asked) // 1)

    play(scenario, None, transport=transport, clock=clock)
    assert clock.sleeps == []
    assert len(transport.attempts) == 1


def answers(*script: tuple[int, dict[str, str]]) -> tuple[Callable[..., Any], list[float]]:
    times: list[float] = []

    def answer(*_: Any) -> tuple[int, dict[str, str], bytes]:
        times.append(time.monotonic())
        status, headers = script[min(len(times), len(script)) - 1]
        return status, headers, b"{}"

    return answer, times


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [(429, {"Retry-After-Ms": "400"}, 0.4), (503, {"Retry-After": "0.3"}, 0.3), (503, {"Retry-After": "1"}, 1.0)],
)
def test_real_server_is_asked_again_when_it_said(
    play: Callable[..., Any], serve: Callable[..., Any], status: int, headers: dict[str, str], asked: float
) -> None:
    answer, times = answers((status, headers), (200, {}))
    server = serve(answer)

    async def scenario(runtime: Runtime) -> Response:
        return await runtime.send(Request(method="GET", path="/x"))

    assert play(scenario, RuntimeConfig(base_url=server.url)).status == 200
    assert len(times) == 2
    assert asked <= times[1] - times[0] + 0.005  # the server stamps when it answers, not when the answer arrives
    assert times[1] - times[0] <= asked * 1.1 + 5.0  # a busy machine is late


def test_real_server_that_asks_for_too_long_is_given_up_at_once(
    play: Callable[..., Any], serve: Callable[..., Any]
) -> None:
    answer, times = answers((429, {"Retry-After": "20"}))
    server = serve(answer)

    async def scenario(runtime: Any) -> list[float]:
        took: list[float] = []
        for _ in range(3):
            start = time.perf_counter()
            with pytest.raises(RateLimitError):
                await runtime.send(Request(method="GET", path="/x", timeout=15.0))
            took.append(time.perf_counter() - start)
        return took

    took = play(scenario, RuntimeConfig(base_url=server.url))
    assert max(took) < 10.0  # nothing is waited for, neither the deadline nor the pause
    assert len(times) == 1  # the second and the third call kept the pause without asking
