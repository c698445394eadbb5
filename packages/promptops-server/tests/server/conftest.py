"""Real servers and real database files for the tests of the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from promptops.server import EmbeddedServer
from promptops.server.grants import ALL_SCOPES, Grant
from promptops.server.stores.sqlite import SqliteStore


@pytest.fixture
def anyio_backend() -> str:
    """The server runs on asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """A server without keys, shared by the tests of a module."""
    with EmbeddedServer() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: EmbeddedServer) -> Iterator[httpx.Client]:
    """An HTTP client of that server."""
    with httpx.Client(base_url=server.url, timeout=20, verify=False) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty store in a directory of its own."""
    opened = SqliteStore(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
async def grant(store: SqliteStore) -> Grant:
    """Everything in the default project."""
    default = await store.default_project()
    return Grant(projects=(default,), default=default, scopes=ALL_SCOPES)
