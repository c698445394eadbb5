"""A server of its own for each promise, a proxy that breaks connections in front of it, and room to keep promises in.

``PROMPTOPS_SOAK=1`` runs the forms that take minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from promptops.client import ClientConfig
from promptops.core import limits
from promptops.core.testing import FaultProxy
from promptops.server import EmbeddedServer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether the long forms were asked for."""
    return os.environ.get("PROMPTOPS_SOAK") == "1"


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """A server without keys, so without limits."""
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def proxy(server: EmbeddedServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.url) as running:
        yield running


@pytest.fixture
def config() -> Callable[..., ClientConfig]:
    """The configuration of a client of an address."""

    def make(url: str, **settings: Any) -> ClientConfig:
        return ClientConfig(base_url=url, read_environment=False, **settings)

    return make


@pytest.fixture
def without_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every retry is paid for; what the budget is good for is another promise."""

    def generous(self: object, cost: float) -> bool:
        return True

    monkeypatch.setattr(limits.Budget, "take", generous)
