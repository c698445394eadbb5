"""Rate limits over HTTP: nine headers on every answer to a key, and 429 that says when to come back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from promptops.server import EmbeddedServer, Limits, Rate, wire
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key
from promptops.server.keys import new_key

NAMES = {
    f"x-ratelimit-{what}-{window}" for what in ("limit", "remaining", "reset") for window in ("minute", "hour", "day")
}
PROMPTS = "/v1/client/prompts"
Start = Callable[..., httpx.Client]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server with these limits and gives a client with one key."""
    with ExitStack() as stack:

        def begin(limits: Limits | None = None, own: wire.KeyLimits | None = None) -> httpx.Client:
            key = create_key(tmp_path, name="k", scopes=list(Scope), limits=own or wire.KeyLimits())
            server = stack.enter_context(EmbeddedServer(tmp_path, limits=limits))
            headers = {"Authorization": f"Bearer {key.text}"}
            return stack.enter_context(httpx.Client(verify=False, base_url=server.url, headers=headers))

        yield begin


def test_every_answer_to_a_key_has_the_nine_headers(start: Start) -> None:
    client = start()
    before = int(time.time())
    for method, path, status in (
        ("GET", PROMPTS, 200),
        ("GET", f"{PROMPTS}/nowhere", 404),
        ("GET", "/v1/nowhere", 404),
        ("PATCH", PROMPTS, 405),
        ("POST", PROMPTS, 422),
        ("GET", "/v2/datasets", 200),
        ("DELETE", "/v2/datasets/x", 404),
        ("GET", "/v1/client/health", 200),
        ("POST", "/v1/client/auth/validate", 200),
        ("OPTIONS", PROMPTS, 204),
    ):
        answer = client.request(method, path)
        assert answer.status_code == status
        assert set(answer.headers) >= NAMES, (method, path)
    answer = client.get(PROMPTS)
    assert [answer.headers[f"x-ratelimit-limit-{window}"] for window in ("minute", "hour", "day")] == [
        "6000",
        "360000",
        "8640000",
    ]
    assert answer.headers["x-ratelimit-remaining-day"] == str(8_640_000 - 11)
    for window, seconds in (("minute", 60), ("hour", 3600), ("day", 86_400)):
        reset = int(answer.headers[f"x-ratelimit-reset-{window}"])
        assert reset % seconds == 0
        assert before < reset <= time.time() + seconds


def test_without_keys_nothing_is_limited_and_nothing_is_told(tmp_path: Path) -> None:
    tight = Limits(per_minute=1, per_hour=1, per_day=1, read=Rate(0.001, 1))
    with EmbeddedServer(tmp_path, limits=tight) as server, httpx.Client(verify=False, base_url=server.url) as client:
        for _ in range(20):
            answer = client.get(PROMPTS)
            assert answer.status_code == 200
            assert not NAMES & set(answer.headers)


def test_a_quota_that_is_used_up_is_refused_until_its_reset(start: Start) -> None:
    client = start(own=wire.KeyLimits(per_day=3))
    left = [client.get(PROMPTS).headers["x-ratelimit-remaining-day"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    answer = client.get(PROMPTS)
    assert answer.status_code == 429
    error = answer.json()["error"]
    assert error["code"] == "RATE_LIMIT_ERROR"
    until = int(answer.headers["x-ratelimit-reset-day"]) - time.time()
    assert error["details"]["retry_after"] == int(answer.headers["retry-after"]) == pytest.approx(until, abs=3)
    assert int(answer.headers["retry-after-ms"]) == pytest.approx(until * 1000, abs=3000)
    assert answer.headers["x-should-retry"] == "true"
    assert set(answer.headers) >= NAMES
    problem = client.get("/v2/spaces")
    assert (problem.status_code, problem.json()["code"]) == (429, "RATE_LIMIT_ERROR")
    assert problem.headers["content-type"] == "application/problem+json"


def test_a_bucket_that_is_empty_says_how_long_to_wait_to_the_millisecond(start: Start) -> None:
    client = start(Limits(write=Rate(0.5, 3)))
    # Writes to a prompt that is not there: the disk has no part in how long they take.
    answers = [client.put(f"{PROMPTS}/p{number}", json={}) for number in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert 0 < int(answers[3].headers["retry-after-ms"]) <= 2000
    assert int(answers[3].headers["retry-after"]) == -(-int(answers[3].headers["retry-after-ms"]) // 1000)
    assert client.get(PROMPTS).status_code == 200  # reads have a bucket of their own
    time.sleep(int(answers[3].headers["retry-after-ms"]) / 1000)
    assert client.post(PROMPTS, json={"name": "p3", "content": "x"}).status_code == 201


def test_a_key_with_a_rate_of_its_own_is_not_held_back(start: Start) -> None:
    client = start(Limits(write=Rate(1, 1)), wire.KeyLimits(rate=1000))
    assert {client.put(f"{PROMPTS}/x", json={}).status_code for _ in range(60)} == {404}


def test_forwarded_addresses_change_nothing_and_wrong_keys_are_limited(start: Start) -> None:
    client = start()
    answers = [
        client.get(
            PROMPTS, headers={"Authorization": f"Bearer {new_key().text}", "X-Forwarded-For": f"10.0.0.{number}"}
        )
        for number in range(12)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 7
    assert client.get(PROMPTS).status_code == 200  # a right key from the same address goes on
    assert httpx.get(f"{client.base_url}{PROMPTS}").status_code == 401  # and no key is no wrong key


def test_the_usage_route_tells_the_same_as_the_headers(start: Start) -> None:
    answer = start().get("/v1/client/usage/limits")
    windows = answer.json()["data"]["windows"]
    assert {name: window["remaining"] for name, window in windows.items()} == {
        name: int(answer.headers[f"x-ratelimit-remaining-{name}"]) for name in ("minute", "hour", "day")
    }
