"""A server of ours with a key, the official SDK in its own process, and clients of ours of both kinds."""

from __future__ import annotations

import inspect
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from promptops.client import ClientConfig, PromptOpsClient, SyncPromptOpsClient
from promptops.server import EmbeddedServer, Limits, wire
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key

if TYPE_CHECKING:
    from tools.arize.official import OfficialSdk

ROOT = Path(__file__).parents[3]
MANY = 1_000_000

Ours = Callable[..., Awaitable[Any]]


class Server(msgspec.Struct, frozen=True):
    """A running server, and a key that may do everything in the project ``default``."""

    url: str
    key: str


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes names that no other test of the run has."""
    return lambda stem: f"{stem}-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("arize-server")
    limits = wire.KeyLimits(rate=MANY, per_minute=MANY, per_hour=MANY, per_day=MANY)
    key = create_key(directory, name="sdk", projects=["default"], scopes=list(Scope), limits=limits)
    with EmbeddedServer(directory, limits=Limits(failed_auth_per_minute=MANY)) as running:
        yield Server(running.url, key.text)


@pytest.fixture(scope="session")
def sdk(server: Server) -> Iterator[OfficialSdk]:
    """The official SDK: ``sdk("def run(client, payload): return ...", payload)`` runs that over there."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from tools.arize.official import OfficialSdk

    with OfficialSdk(server.url, api_key=server.key) as made:
        yield made


@pytest.fixture(params=["async", "sync"])
async def ours(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Ours]:
    """Calls a method of a client of ours: ``await ours("datasets.get", "name")``."""
    config = ClientConfig(base_url=server.url, api_key=server.key, read_environment=False)
    blocking = SyncPromptOpsClient(config) if request.param == "sync" else None
    client: Any = blocking or PromptOpsClient(config)

    async def call(method: str, *args: Any, **kwargs: Any) -> Any:
        resource, _, name = method.partition(".")
        found = getattr(getattr(client, resource), name)(*args, **kwargs)
        return await found if inspect.isawaitable(found) else found

    yield call
    if blocking is not None:
        blocking.close()
    else:
        await client.aclose()
