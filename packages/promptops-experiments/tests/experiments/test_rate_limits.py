from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from promptops.core.errors import ValidationError
from promptops.core.testing import FakeClock
from promptops.experiments import RateLimiter, arun, run
from promptops.experiments._rate_limiter import Admission
from promptops.experiments._rate_signals import Quota, is_rate_limit, quotas_of, retry_after_of
from promptops.models import DatasetExample


class Response:
    def __init__(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status
        self.headers = dict(headers or {})


class ProviderError(Exception):
    def __init__(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"status {status}")
        self.response = Response(status, headers)


class MyRateLimitError(Exception):
    pass


class BareError(Exception):
    def __init__(self, **facts: Any) -> None:
        super().__init__("bare")
        self.__dict__.update(facts)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ProviderError(429), True),
        (ProviderError(529), True),
        (ProviderError(500), False),
        (MyRateLimitError(), True),
        (BareError(status=429), True),
        (BareError(http_status=429), True),
        (BareError(code="rate_limit"), False),
        (ValueError("429"), False),
    ],
    ids=repr,
)
def test_a_rate_limit_is_known_by_what_every_library_has(error: Exception, expected: bool) -> None:
    assert is_rate_limit(error) is expected
    wrapped = RuntimeError("the model failed")
    wrapped.__cause__ = error
    assert is_rate_limit(wrapped) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "2"}, 2.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "nonsense"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_is_asked_for_is_read(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_of(ProviderError(429, headers)) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "6m0.5s"},
            [Quota(kind="requests", remaining=3, reset_s=360.5)],
        ),
        (
            {"x-ratelimit-remaining-tokens": "100", "x-ratelimit-reset-tokens": "250ms"},
            [Quota(kind="tokens", remaining=100, reset_s=0.25)],
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2000-01-01T00:00:00Z",
            },
            [Quota(kind="requests", remaining=0, reset_s=0.0)],
        ),
        ({"x-ratelimit-remaining-requests": "many"}, []),
        (
            {"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "soon"},
            [Quota(kind="requests", remaining=1)],
        ),
    ],
)
def test_limit_headers_are_read(headers: dict[str, str], expected: list[Quota]) -> None:
    assert quotas_of(headers) == expected


def admitted(limiter: RateLimiter) -> Admission:
    admission = limiter.admit()
    assert isinstance(admission, Admission)
    return admission


def refused(limiter: RateLimiter) -> float:
    wait = limiter.admit()
    assert isinstance(wait, float)
    return wait


def test_a_refusal_halves_the_calls_at_once_and_successes_bring_them_back() -> None:
    limiter = RateLimiter()
    running = [admitted(limiter) for _ in range(8)]
    for admission in running:
        limiter.leave(admission, refused=True, failed=True)
    assert limiter.state.window == 4.0  # eight refusals at once say no more than one
    for _ in range(4):
        limiter.leave(admitted(limiter))
    assert limiter.state.window == pytest.approx(4.94, abs=0.05)
    again = [admitted(limiter) for _ in range(4)]
    assert refused(limiter) > 0
    for admission in again:
        limiter.leave(admission)


def test_a_failure_that_is_no_refusal_changes_no_limit() -> None:
    limiter = RateLimiter()
    limiter.leave(admitted(limiter), failed=True)
    assert limiter.state.window is None


def test_one_call_always_gets_through() -> None:
    limiter = RateLimiter()
    for _ in range(20):
        limiter.leave(admitted(limiter), refused=True, failed=True)
    assert limiter.state.window == 1.0


def test_a_retry_after_holds_every_call_back() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock=clock.monotonic)
    limiter.leave(admitted(limiter), refused=True, failed=True, retry_after=7)
    assert refused(limiter) == 7
    clock.advance(7.5)
    admitted(limiter)


def test_reported_headers_hold_calls_back_before_anything_is_refused() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock=clock.monotonic)
    limiter.report({"X-RateLimit-Remaining-Requests": "2", "X-RateLimit-Reset-Requests": "10s"})
    admitted(limiter)
    admitted(limiter)
    assert refused(limiter) == 10
    clock.advance(10.5)
    admitted(limiter)


def test_tokens_that_are_left_count_by_what_calls_use() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock=clock.monotonic)
    limiter.leave(admitted(limiter), tokens=500)
    limiter.report({"x-ratelimit-remaining-tokens": "400", "x-ratelimit-reset-tokens": "3s"})
    assert refused(limiter) == 3
    limiter.report({"x-ratelimit-remaining-tokens": "600", "x-ratelimit-reset-tokens": "3s"})
    admitted(limiter)


@pytest.mark.parametrize("options", [{"max_in_flight": 0}, {"attempts": 0}])
def test_limits_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RateLimiter(**options)


def numbers(count: int) -> list[dict[str, Any]]:
    return [{"id": f"n{number}", "i": number} for number in range(count)]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_model_that_refuses_three_of_ten_calls_sinks_no_run(backend: str) -> None:
    chance = random.Random(11)
    calls = 0
    took: dict[str, float] = {}

    async def model(example: DatasetExample) -> str:
        nonlocal calls
        calls += 1
        if chance.random() < 0.3:
            raise ProviderError(429)
        began = time.perf_counter()
        await anyio.sleep(0.002)
        took[example.id] = (time.perf_counter() - began) * 1000
        return str(example["i"])

    async def main() -> None:
        result = await arun("t30", dataset=numbers(150), task=model, concurrency=8, progress=False)
        assert result.failed == 0
        assert len(result.rows) == 150
        assert calls <= 150 * 1.5
        beyond = sorted((row.latency_ms or 0.0) - took[str(row.example_id)] for row in result.rows)
        assert beyond[75] < 20, "the median latency counts waiting"
        waits = [row.fields["promptops.waiting"] for row in result.rows if "promptops.waiting" in row.fields]
        assert max(waits) > 25  # control: there was waiting to count

    anyio.run(main, backend=backend)


def test_a_provider_that_asks_for_an_hour_stops_the_run_and_it_resumes() -> None:
    asked = {"hour": True}

    def model(example: DatasetExample) -> str:
        if asked["hour"] and example["i"] == 3:
            raise ProviderError(429, {"retry-after": "3600"})
        return "x"

    started = time.perf_counter()
    options: dict[str, Any] = {"dataset": numbers(10), "task": model, "task_version": "1", "progress": False}
    result = run("hour", concurrency=1, **options)
    assert time.perf_counter() - started < 60
    assert (len(result.rows), result.remaining) == (3, 7)
    assert "3,600 s" in (result.stopped or "")
    asked["hour"] = False
    from promptops.experiments import resume

    assert len(resume("hour", **options).rows) == 10


def test_a_call_that_is_refused_again_and_again_is_an_error_of_its_row() -> None:
    def model(example: DatasetExample) -> str:
        raise MyRateLimitError("too fast")

    limiter = RateLimiter(attempts=3)
    result = run("never", dataset=numbers(2), task=model, rate_limiter=limiter, progress=False)
    assert [row.error for row in result.rows] == ["MyRateLimitError: too fast"] * 2
    assert [row.fields["promptops.attempts"] for row in result.rows] == [3, 3]
    assert limiter.state.refusals == 6


def test_judges_share_the_limiter_of_their_tasks() -> None:
    limiter = RateLimiter(max_in_flight=2)
    most: list[int] = []

    async def model(example: DatasetExample) -> str:
        most.append(limiter.state.in_flight)
        await anyio.sleep(0.01)
        return "x"

    async def judge(output: str) -> bool:
        most.append(limiter.state.in_flight)
        await anyio.sleep(0.01)
        return True

    result = run("shared", dataset=numbers(12), task=model, evaluators=judge, rate_limiter=limiter, progress=False)
    assert result.mean("judge") == 1.0
    assert max(most) == 2
